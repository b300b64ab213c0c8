"""Zendesk's REST interface: how it is asked, paged and searched, and how a ticket is changed without harm.

It has two clocks. What is stored is seen at once by id, by external id and in the list of the latest changes; the search index,
which alone knows tags, learns of it minutes later and shows in the meantime what was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ticketing_clients._asking import numeric, page_numbers, read_back
from ticketing_clients._errors import Conflict, NotAuthorised, OutcomeUnknown, Throttled, TicketGone
from ticketing_clients._zendesk.answers import (
    Account,
    Audit,
    Audits,
    Comments,
    CustomStatus,
    CustomStatuses,
    Field,
    Fields,
    Hits,
    Me,
    Page,
    Said,
    Settings,
    Tickets,
    Upload,
    User,
    Whole,
    ZendeskTicket,
)

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # the most that Zendesk gives at once
MOST_PAGES = 100  # it gives no more of a list by page number
INDEXED = timedelta(
    minutes=15
)  # the longest that the search index was told to lag; Zendesk promises no bound, but "minutes"
TRIES = 3  # of a change that others come in between


Listed = TypeVar("Listed", bound=Page)


class ZendeskRest:
    """One account, as one agent sees it. `http` has the address of its interface, .../api/v2."""

    def __init__(self, http: Http, desk: str) -> None:
        """Given the base, and the desk's name for messages."""
        self.http = http
        self._desk = desk
        self._us: User | None = None
        self._labels: dict[int, CustomStatus] | None = None

    # -- asking -----------------------------------------------------------------------------------------------------

    def us(self) -> User:
        """Return who we are. Raises NotAuthorised for who is no agent: an unknown one is told to be nobody, with success."""
        if self._us is None:
            told = self.http.get("users/me", Me).user
            with contextlib.suppress(msgspec.ValidationError):
                user = msgspec.convert(told, User)
                self._us = user if user.id and user.role in {"agent", "admin"} else None
        if self._us is None:
            raise NotAuthorised(f"desk {self._desk}: these credentials are no agent's of this account")
        return self._us

    def ticket(self, number: str) -> Whole:
        """Return the ticket, with the people named on it. Raises TicketGone; a deleted one is not there.

        403 is for one ticket when a person moved it where this agent sees nothing, and for all when the agent lost its rights.
        """
        try:
            return self.http.get(f"tickets/{numeric(number)}", Whole, params={"include": "users"}, ticket=number)
        except NotAuthorised as error:
            self._us = None
            self.us()
            raise TicketGone(f"desk {self._desk}: ticket {number} may no longer be seen; was it moved?") from error

    def with_key(self, key: str) -> list[ZendeskTicket]:
        """Return the tickets whose external id is exactly `key`, lowest id first; those archived, long closed, may be missing."""
        pages = self._pages("tickets", Tickets, {"external_id": key})
        found = {one.id: one for page in pages for one in page.tickets if one.external_id == key}
        return [found[number] for number in sorted(found)]

    def tagged(self, tag: str) -> list[ZendeskTicket]:
        """Return the tickets that have `tag`, as they are now and lowest id first; of closed ones only some.

        The index knows the old ones, and each is read again; what it may not know yet is among the latest changes. That a ticket
        is closed is for ever, so in this the index may be believed.
        """
        query = {"filter[type]": "ticket", "query": f"tags:{tag} status<closed"}
        hits = [one.id for page in self._pages("search/export", Hits, query) for one in page.results]
        there = [one for page in self._latest() for one in page]
        for start in range(0, len(hits), PAGE):
            ids = ",".join(map(str, hits[start : start + PAGE]))
            there += self.http.get("tickets/show_many", Tickets, params={"ids": ids}).tickets
        found = {one.id: one for one in there if tag in one.tags}
        return [found[number] for number in sorted(found)]

    def _latest(self) -> Iterator[list[ZendeskTicket]]:
        """Yield what was changed last, until all is there that the index may not know."""
        newest: datetime | None = None
        for number in range(1, MOST_PAGES + 1):
            params: dict[str, str | int | list[str]] = {
                "sort_by": "updated_at",
                "sort_order": "desc",
                "per_page": PAGE,
                "page": number,
            }
            page = self.http.get("tickets", Tickets, params=params)
            yield page.tickets
            if not page.tickets or page.next_page is None:
                return
            newest = newest or datetime.fromisoformat(page.tickets[0].updated_at)
            if newest - datetime.fromisoformat(page.tickets[-1].updated_at) > INDEXED:
                return

    def comments(self, number: str) -> Iterator[Said]:
        """Yield the ticket's comments, the newest first."""
        path = f"tickets/{numeric(number)}/comments"
        for page in self._pages(path, Comments, {"sort": "-created_at"}, ticket=number):
            yield from page.comments

    def audits(self, number: str) -> tuple[list[Audit], dict[int, str]]:
        """Return the ticket's updates, the oldest first, and the names of people by their ids."""
        path = f"tickets/{numeric(number)}/audits"
        pages = list(self._pages(path, Audits, {"include": "users"}, ticket=number))
        names = {one.id: one.name for page in pages for one in page.users}
        return [one for page in pages for one in page.audits], names

    def settings(self) -> Settings:
        """Return the account's settings."""
        return self.http.get("account/settings", Account).settings

    def fields(self) -> list[Field]:
        """Return the account's ticket fields, all of them."""
        return self.http.get("ticket_fields", Fields).ticket_fields

    def statuses(self) -> dict[int, CustomStatus]:
        """Return the account's custom statuses by their ids."""
        if self._labels is None:
            found = self.http.get("custom_statuses", CustomStatuses).custom_statuses
            self._labels = {one.id: one for one in found}
        return self._labels

    def _pages(self, path: str, kind: type[Listed], params: dict[str, str], *, ticket: str = "") -> Iterator[Listed]:
        at: dict[str, str | int | list[str]] = {**params, "page[size]": PAGE}
        for _ in page_numbers():
            page = self.http.get(path, kind, params=at, ticket=ticket)
            yield page
            if page.meta is None or not page.meta.has_more or not page.meta.after_cursor:
                return
            at["page[after]"] = page.meta.after_cursor

    # -- changing ---------------------------------------------------------------------------------------------------

    def create(self, fields: dict[str, Any]) -> ZendeskTicket:
        """Create a ticket. The same fields again within two hours are the same request, and answered with the same ticket.

        Raises OutcomeUnknown while the first of them is still at work. After two hours only a look-up by key prevents a second
        ticket, and before that it does as well: nobody may come here without one.
        """
        body = msgspec.json.encode({"ticket": fields}, order="deterministic")
        headers = {"Content-Type": "application/json", "Idempotency-Key": sha256(body).hexdigest()}
        try:
            return self.http.change("POST", "tickets", Whole, data=body, headers=headers).ticket
        except Conflict as error:
            raise OutcomeUnknown(f"desk {self._desk}: the same request is still being carried out: {error}") from error

    def update(
        self, number: str, wanted: Callable[[ZendeskTicket], dict[str, Any]], part: str = "", *, done: str
    ) -> ZendeskTicket:
        """Change what is `wanted` of the ticket as it is, if that is anything, and return the ticket as it is then.

        Made only if nobody has changed the ticket since it was read: else it is read, and decided on, again. part: what below the
        ticket is changed. done: says that it was changed, should reading it back fail. Raises Throttled for this ticket alone
        when others always come in between, and TicketGone.
        """
        path, conflict = f"tickets/{numeric(number)}{part}", ""
        for _ in range(TRIES):
            there = self.ticket(number).ticket
            fields = wanted(there)
            if not fields:
                return there
            fields |= {"safe_update": True, "updated_stamp": there.updated_at}
            try:
                self.http.change(
                    "PUT", path, dict[str, Any], ticket=number, json=fields if part else {"ticket": fields}
                )
            except Conflict as error:
                conflict = str(error)
                continue
            with read_back(f"desk {self._desk}: {done}"):
                return self.ticket(number).ticket
        raise Throttled(f"{conflict}; others are changing ticket {number}", ticket_only=True)

    def upload(self, name: str, media_type: str, content: bytes) -> str:
        """Upload a file and return the token by which a comment takes it up. Until then any agent may read it."""
        headers, params = {"Content-Type": media_type}, {"filename": name}
        made = self.http.change("POST", "uploads", Upload, params=params, data=content, headers=headers)
        return made.upload.token

    def discard(self, token: str) -> None:
        """Delete an upload that no comment took up."""
        self.http.change("DELETE", f"uploads/{token}", type(None))
