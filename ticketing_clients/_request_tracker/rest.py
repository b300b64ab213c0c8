"""Request Tracker's REST2 as typed answers: how it is asked, how its search language is quoted, what it leaves unsaid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from ticketing_clients._acts import plain_of_html
from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import NotAuthorised, TicketGone

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # the most that REST2 gives at once


class Named(msgspec.Struct, frozen=True):
    """Whatever RT names: a user by its name, a custom field by number and name."""

    id: str | int = ""
    name: str = ""


class Field(msgspec.Struct, frozen=True):
    """A custom field's values on a ticket."""

    name: str
    values: list[Any] = []


class StoredTicket(msgspec.Struct, frozen=True, rename="pascal"):
    """A ticket. `effective_id` differs from `id` where people merged it into another."""

    id: int = msgspec.field(name="id")
    status: str
    custom_fields: list[Field]
    subject: str = ""
    priority: int = 0
    owner: Named = Named()
    due: datetime | None = None
    effective_id: int | Named = 0

    def values(self, field: str) -> list[str]:
        """Return what the custom field `field` holds."""
        return [str(value) for one in self.custom_fields if one.name == field for value in one.values]


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    """One entry of a ticket's history; RT calls it a transaction."""

    id: int = msgspec.field(name="id")
    type: str
    creator: Named
    created: datetime
    field: str = ""
    old_value: str = ""
    new_value: str = ""


class File(msgspec.Struct, frozen=True, rename="pascal"):
    """A part of a message: its text, or a file attached to it."""

    id: int = msgspec.field(name="id")
    transaction_id: int = 0
    content_type: str = ""
    filename: str = ""
    content: str = ""


class Created(msgspec.Struct, frozen=True, rename="pascal"):
    """Who made something."""

    creator: Named


class Linked(msgspec.Struct, frozen=True):
    """What else may be asked for from here."""

    links: list[dict[str, Any]] = msgspec.field(name="_hyperlinks", default_factory=list)


Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list."""

    items: list[Item]


class Queue(Linked, frozen=True):
    """A queue, the custom fields of its tickets, and what we may do there."""

    fields: list[Named] = msgspec.field(name="TicketCustomFields", default_factory=list)


class RequestTrackerRest:
    """One queue, asked through `http`. `needed` are the custom fields without which no ticket could be found again."""

    def __init__(self, http: Http, desk: str, queue: str, needed: set[str]) -> None:
        """Given the base at `/REST/2.0`, the desk's name for messages, the queue's name and its needed fields."""
        self.http = http
        self._desk = desk
        self._queue = queue
        self._needed = needed
        self._nobody = ""

    def version(self) -> str:
        """Return RT's version, which any login may ask for."""
        return str(self.http.get("rt", dict[str, Any]).get("Version", "of an unknown version"))

    def queue(self) -> Queue:
        """Return the queue, if this user may see it."""
        return self.http.get(f"queue/{quote(self._queue, safe='')}", Queue)

    def need_fields(self) -> None:
        """Raise NotAuthorised when this user is shown no such queue (RT says 403), or not all needed fields in it.

        RT drops and finds in silence by a field that it does not show, and does not tell hidden from missing; either way nothing
        was sent, and all can be sent once somebody has mended it.
        """
        if not self._needed:
            return
        missing = self._needed - {field.name for field in self.queue().fields}
        if missing:
            names = " and ".join(sorted(missing))
            raise NotAuthorised(
                f"desk {self._desk}: this user is shown no custom field {names} in queue {self._queue}; see `foretell doctor`"
            )
        self._needed = set()  # seen once is enough for a batch

    def ticket(self, number: str) -> StoredTicket:
        """Return the ticket, or the one it was merged into. Raises TicketGone.

        403 is for one ticket when a person moved it where this user sees nothing, and for all when the user lost its rights.
        """
        try:
            return self.http.get(f"ticket/{numeric(number)}", StoredTicket, ticket=number)
        except NotAuthorised as error:
            if not self.made_by_us(f"Queue = {quoted(self._queue)}"):
                raise
            raise TicketGone(f"desk {self._desk}: ticket {number} may no longer be seen; was it moved?") from error

    def search(self, field: str, value: str, condition: str) -> list[StoredTicket]:
        """Return the queue's tickets whose `field` is exactly `value`, lowest id first, all pages of them."""
        self.need_fields()
        found = self._tickets(f"'CF.{{{field}}}' = {quoted(value)} AND {condition}")
        return [one for one in found if value in one.values(field)]  # RT compares without regard to case

    def titled(self, part: str, condition: str) -> list[StoredTicket]:
        """Return the queue's tickets with `part` in their subject, or something like it, lowest id first."""
        return self._tickets(f"Subject LIKE {quoted(part)} AND {condition}")

    def _tickets(self, condition: str) -> list[StoredTicket]:
        query = f"Queue = {quoted(self._queue)} AND {condition}"
        params = {"query": query, "fields": "Subject,Status,CustomFields,EffectiveId", "orderby": "id"}

        def page(number: int) -> list[StoredTicket]:
            return self._list("tickets", Page[StoredTicket], **params, page=number + 1).items

        return sorted(pages(page, full=PAGE), key=lambda one: one.id)

    def made_by_us(self, condition: str) -> str:
        """Return our user's name if it made a ticket that it may see under `condition`: RT tells it by no other way."""
        query = f"Creator = '__CurrentUser__' AND {condition}"
        return next(
            (str(one.creator.id) for one in self._list("tickets", Page[Created], query=query, fields="Creator").items),
            "",
        )

    def events(self, number: int, condition: str) -> list[Event]:
        """Return the newest 100 events of a ticket under `condition`, oldest first."""
        page = self._list(
            "transactions",
            Page[Event],
            query=f"TicketId = {number} AND {condition}",
            fields="Type,Creator,Created,Field,OldValue,NewValue",
            orderby="id",
            order="DESC",
        )
        return sorted(page.items, key=lambda one: one.id)

    def texts(self, number: int, events: Iterable[Event]) -> dict[int, str]:
        """Return by event what was written in each of `events`: the plain text, or else what the HTML says."""
        ids = [str(one.id) for one in events]
        if not ids:
            return {}
        files = self.files(
            number,
            {"field": "TransactionId", "operator": "IN", "value": ids},
            {"field": "ContentType", "operator": "STARTSWITH", "value": "text/"},
            {"field": "Filename", "operator": "IS", "value": "NULL"},  # what is attached may be large, and is not read
            fields="TransactionId,ContentType,Content",
        )
        texts: dict[int, str] = {}
        for file in sorted(files, key=lambda one: one.content_type != "text/plain"):
            text = file.content if file.content_type == "text/plain" else plain_of_html(file.content)
            texts.setdefault(file.transaction_id, text)
        return texts

    def files(self, number: int, *conditions: dict[str, Any], fields: str) -> list[File]:
        """Return parts of the ticket's messages under `conditions`, at most 100."""
        query = msgspec.json.encode(conditions).decode()
        return self._list(f"ticket/{number}/attachments", Page[File], query=query, fields=fields).items

    def id_of_nobody(self) -> str:
        """Return the number of the user who owns what nobody owns."""
        if not self._nobody:
            links = self.http.get("user/Nobody", Linked).links
            self._nobody = next((str(link.get("id")) for link in links if link.get("ref") == "self"), "")
        return self._nobody

    def _list(self, path: str, kind: type[Answer], **params: str | int) -> Answer:
        return self.http.get(path, kind, params={"per_page": PAGE, **params})


def quoted(value: str) -> str:
    """Return `value` as a string of RT's search language."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
