"""Zammad's REST interface as typed answers: how it is asked, and by what tickets are looked for."""

from __future__ import annotations

import operator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import NotAuthorised, Rejected, TicketGone

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100
NOBODYS = "no ticket has this"  # a value for asking whether a condition tells tickets apart


class Row(msgspec.Struct, frozen=True):
    """A ticket. `key`, `host` and `due` are read from the configured attributes."""

    id: int
    number: str
    title: str
    state: str
    priority: str
    group: str
    owner_id: int
    owner: str = ""
    pending_time: datetime | None = None
    key: str | None = None
    host: str | None = None
    due: datetime | None = None


class File(msgspec.Struct, frozen=True):
    """A file in an article."""

    filename: str
    size: int | None = None


class Article(msgspec.Struct, frozen=True):
    """What was written on a ticket."""

    id: int
    created_by_id: int
    created_at: datetime
    body: str | None
    content_type: str
    internal: bool
    sender: str
    created_by: str = ""
    attachments: list[File] = []


class Event(msgspec.Struct, frozen=True):
    """One value that somebody changed."""

    id: int
    type: str
    object: str
    created_by_id: int
    created_at: datetime
    attribute: str = ""
    value_from: str = ""
    value_to: str = ""
    id_to: int | None = None


class User(msgspec.Struct, frozen=True):
    """Somebody at the desk; `groups` by name with the kinds of access."""

    id: int
    login: str
    firstname: str | None = ""
    lastname: str | None = ""
    groups: dict[str, list[str]] = {}


class Assets(msgspec.Struct, frozen=True):
    """What a history speaks of."""

    User: dict[int, User] = {}


class History(msgspec.Struct, frozen=True):
    """All events of a ticket."""

    history: list[Event]
    assets: Assets = Assets()


class Named(msgspec.Struct, frozen=True):
    """A state with its type, or a priority."""

    name: str
    state_type: str = ""
    active: bool = True


class Link(msgspec.Struct, frozen=True):
    """That a ticket has to do with another."""

    link_object: str
    link_object_value: int


class Links(msgspec.Struct, frozen=True):
    """What a ticket is linked to."""

    links: list[Link]


class ZammadRest:
    """One group's tickets, asked through `http`. `attributes` are the desk's names of a row's `key`, `host` and `due`."""

    def __init__(self, http: Http, desk: str, group: str, attributes: dict[str, str]) -> None:
        """Given the base, the desk's name for messages, the group's name and the names of our attributes."""
        self.http = http
        self._desk = desk
        self._group = group
        kinds = [("key", str | None, None), ("host", str | None, None), ("due", datetime | None, None)]
        self._row: Any = msgspec.defstruct("ConfiguredRow", kinds, bases=(Row,), frozen=True, rename=attributes)
        self._rows: Any = list[self._row]  # type: ignore[name-defined]  # mypy knows no type that is made at run time
        self._needed: tuple[str, ...] = (attributes["key"], attributes["host"])
        self._me: User | None = None

    def us(self) -> User:
        """Return who we are."""
        if self._me is None:
            self._me = self.http.get("users/me", User, params={"expand": "true"})
        return self._me

    def in_group(self) -> bool:
        """Return whether we have full access to the group, without which notes would not be internal."""
        return "full" in self.us().groups.get(self._group, [])

    def named(self, path: str) -> list[Named]:
        """Return the desk's states or priorities, those in use."""
        return [one for one in self.http.get(path, list[Named], params={"expand": "true"}) if one.active]

    def create(self, content: dict[str, Any]) -> Row:
        """Create a ticket and return it as it is there then."""
        made: Row = self.http.change("POST", "tickets", self._row, json=content, params={"expand": "true"})
        return made

    def ticket(self, number: str) -> Row:
        """Return the ticket. Raises TicketGone, also for one that was moved where this user sees nothing."""
        try:
            there: Row = self.http.get(
                f"tickets/{numeric(number)}", self._row, params={"expand": "true"}, ticket=number
            )
        except NotAuthorised as error:
            if not self.in_group():
                raise
            raise TicketGone(f"desk {self._desk}: ticket {number} may no longer be seen; was it moved?") from error
        return there

    def articles(self, number: str) -> list[Article]:
        """Return what was written on the ticket, the oldest first."""
        return self.http.get(f"ticket_articles/by_ticket/{numeric(number)}", list[Article], ticket=number)

    def write(self, number: str, **content: Any) -> Article:
        """Write a note on the ticket and return it as it is there then."""
        content |= {"ticket_id": numeric(number), "type": "note"}
        return self.http.change("POST", "ticket_articles", Article, ticket=number, json=content)

    def linked(self, number: int, other: int) -> bool:
        """Return whether a ticket is linked to another."""
        params: dict[str, str | int | list[str]] = {"link_object": "Ticket", "link_object_value": number}
        links = self.http.get("links", Links, params=params).links
        return any((one.link_object, one.link_object_value) == ("Ticket", other) for one in links)

    def search(self, attribute: str, value: str) -> list[Row]:
        """Return the tickets whose attribute is `value`, lowest id first. Some databases find it in other letters as well."""
        self.need_attributes()
        return self._all(attribute, "is", value)

    def titled(self, part: str) -> list[Row]:
        """Return the tickets with `part` in their title, lowest id first."""
        return self._all("title", "contains", part)

    def _all(self, attribute: str, operation: str, value: str) -> list[Row]:
        """Return all pages of what the database finds."""

        def page(number: int) -> list[Row]:
            return self._page(attribute, operation, value, page=number + 1, per_page=PAGE)

        return sorted(pages(page, full=PAGE), key=operator.attrgetter("id"))

    def need_attributes(self) -> None:
        """Raise NotAuthorised when tickets could not be found again. Nothing was sent, and all can be once it is mended."""
        for attribute in self._needed:
            if not self.filters(attribute):
                raise NotAuthorised(
                    f"desk {self._desk}: tickets cannot be looked for by attribute {attribute}; see `foretell doctor`"
                )
        self._needed = ()  # seen once is enough for a batch

    def filters(self, attribute: str) -> bool:
        """Return whether tickets are told apart by the attribute: one that is not there is refused, or finds them all."""
        try:
            return not self._page(attribute, "is", NOBODYS, per_page=1)
        except Rejected:
            return False

    def _page(self, attribute: str, operation: str, value: str, **window: int) -> list[Row]:
        condition = f"condition[ticket.{attribute}]"
        params: dict[str, str | int | list[str]] = {
            f"{condition}[operator]": operation,
            f"{condition}[value]": value,
            "expand": "true",
            "sort_by": "created_at",
            "order_by": "asc",
            **window,
        }
        rows: list[Row] = self.http.get("tickets/search", self._rows, params=params)
        return rows
