"""Freshservice's REST interface as typed answers: how it is asked, and by what tickets are looked for."""

from __future__ import annotations

import contextlib
import hashlib
import operator
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import NotAuthorised, TicketGone

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100
FILTER_PAGE = 30  # a filter's pages cannot be made larger
USUAL_STATUSES = ("Open", "Pending", "Resolved", "Closed")  # from 2 on

_SET = re.compile(r"\bset (?P<field>[^,]+?) as (?P<value>[^,]+)")


class Row(msgspec.Struct, frozen=True):
    """A ticket."""

    id: int
    status: int
    priority: int
    subject: str = ""
    custom_fields: dict[str, Any] = {}
    responder_id: int | None = None
    group_id: int | None = None
    due_by: datetime | None = None
    deleted: bool = False
    spam: bool = False


class One(msgspec.Struct, frozen=True):
    """One ticket."""

    ticket: Row


class Rows(msgspec.Struct, frozen=True):
    """One page of tickets."""

    tickets: list[Row]


class File(msgspec.Struct, frozen=True):
    """A file on a ticket or in a note."""

    name: str
    size: int


class Note(msgspec.Struct, frozen=True):
    """What was written on a ticket: a note, or a reply of either side."""

    id: int
    user_id: int
    created_at: datetime
    private: bool
    body: str | None = ""
    attachments: list[File] = []


class Made(msgspec.Struct, frozen=True):
    """A note that was made."""

    conversation: Note


class Notes(msgspec.Struct, frozen=True):
    """One page of notes."""

    conversations: list[Note]


class Actor(msgspec.Struct, frozen=True):
    """Who did something; the desk itself has no id that counts."""

    id: int | None = None
    name: str = ""


class Activity(msgspec.Struct, frozen=True):
    """What somebody did, in words of the account's language."""

    actor: Actor
    created_at: datetime
    content: str | None = ""
    sub_contents: list[str] | None = []

    def sets(self) -> Iterator[tuple[str, str]]:
        """Yield each field that was set, by its label, and the value."""
        for text in [self.content or "", *(self.sub_contents or [])]:
            yield from ((said["field"].strip(), said["value"].strip()) for said in _SET.finditer(text))


class Activities(msgspec.Struct, frozen=True):
    """One page of activities."""

    activities: list[Activity]


class Choice(msgspec.Struct, frozen=True):
    """A value that a field may have."""

    id: int
    value: str


class Field(msgspec.Struct, frozen=True):
    """A field of the ticket form."""

    name: str
    label: str
    required_for_agents: bool = False
    required_for_closure: bool = False
    choices: list[Any] = []

    def named(self) -> dict[str, int]:
        """Return the field's choices by their names; what is no choice is left out."""
        found: dict[str, int] = {}
        for choice in self.choices:
            with contextlib.suppress(msgspec.ValidationError):
                one = msgspec.convert(choice, Choice)
                found[one.value] = one.id
        return found


class Fields(msgspec.Struct, frozen=True):
    """The ticket form."""

    ticket_fields: list[Field]


# What a new account has, for an agent who may not see the form.
USUAL = [
    Field("status", "Status", choices=[{"id": 2 + at, "value": name} for at, name in enumerate(USUAL_STATUSES)]),
    Field("agent", "Agent"),
]


class Agent(msgspec.Struct, frozen=True):
    """Somebody who works at the desk."""

    id: int
    email: str = ""
    active: bool = True


class FreshserviceRest:
    """One workspace, asked through `http`; None is the primary one."""

    def __init__(self, http: Http, workspace: int | None) -> None:
        """Given the base, and the workspace's id."""
        self.http = http
        self._place: dict[str, str | int | list[str]] = {} if workspace is None else {"workspace_id": workspace}
        self._form: dict[str, Field] = {}

    def ticket(self, number: str) -> Row:
        """Return the ticket. Raises TicketGone, also for one that was moved where this agent sees nothing."""
        try:
            return self.http.get(f"tickets/{numeric(number)}", One, ticket=number).ticket
        except NotAuthorised as error:
            self._newest(1)
            raise TicketGone(f"{error}; was it moved?") from error

    def search(self, label: str, field: str, value: str) -> list[Row]:
        """Return the tickets whose custom field is exactly `value`, lowest id first.

        The filter, which cannot look into text fields, finds them by the label made of the value, once its index knows them.
        The list of the newest is asked as well: a ticket that was made a moment ago is among them.
        """
        query = f"\"tag:'{tag(label, value)}'\""

        def page(number: int) -> list[Row]:
            params = {**self._place, "query": query, "page": number + 1}
            return self.http.get("tickets/filter", Rows, params=params).tickets

        there = {one.id: one for one in (*self._newest(PAGE), *pages(page, full=FILTER_PAGE))}
        same = [
            one for one in there.values() if one.custom_fields.get(field) == value and not (one.deleted or one.spam)
        ]
        return sorted(same, key=operator.attrgetter("id"))

    def notes(self, number: str) -> list[Note]:
        """Return what was written on the ticket, oldest first."""
        path = f"tickets/{numeric(number)}/conversations"

        def page(at: int) -> list[Note]:
            params = {"page": at + 1, "per_page": PAGE}
            return self.http.get(path, Notes, params=params, ticket=number).conversations

        return sorted(pages(page, full=PAGE), key=operator.attrgetter("created_at", "id"))

    def write(self, number: str, **content: Any) -> Note:
        """Write a note and return it."""
        return self.http.change("POST", f"tickets/{numeric(number)}/notes", Made, ticket=number, **content).conversation

    def activities(self, number: str) -> list[Activity]:
        """Return what was done to the ticket, oldest first."""
        path = f"tickets/{numeric(number)}/activities"
        return sorted(self.http.get(path, Activities, ticket=number).activities, key=operator.attrgetter("created_at"))

    def form(self) -> dict[str, Field]:
        """Return the fields of the ticket form by their names; the usual ones where this agent may not see the form."""
        if not self._form:
            try:
                fields = self.http.get("ticket_form_fields", Fields, params=self._place).ticket_fields
            except NotAuthorised:
                self._newest(1)  # if nothing at all is shown, it is not the form that is at fault
                fields = USUAL
            self._form = {one.name: one for one in (*USUAL, *fields)}
        return self._form

    @property
    def form_is_shown(self) -> bool:
        """Return whether this agent may see the form."""
        return "subject" in self.form()

    def _newest(self, most: int) -> list[Row]:
        params = {**self._place, "order_type": "desc", "per_page": most}
        return self.http.get("tickets", Rows, params=params).tickets


def tag(label: str, value: str) -> str:
    """Return a short label for a value: letters and digits only, and no longer than a desk's labels may be."""
    return f"{label}-{hashlib.sha256(value.encode()).hexdigest()[:24]}"
