"""What we ask a desk to hold, and what it tells us back. All times are aware datetimes in UTC."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

from ticketing_clients._document import Document

Priority = Literal["P1", "P2", "P3", "P4"]
TicketType = Literal["hardware", "software", "network", "capacity", "security", "lifecycle"]


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """The host a ticket is about. `id` is the host marker by which all tickets of a host are listed.

    os, serial: of the operating system and the machine, in their makers' words; empty where they are not known or may not leave.
    """

    id: str
    name: str
    os: str = ""
    serial: str = ""
    role: str = ""


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom it concerns. `contact` is an e-mail address, used as the requestor where a desk has one."""

    id: str
    name: str
    contact: str = ""
    tier: str = "standard"


class ProposedWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A time to act, with the reason it was chosen in the ticket's language."""

    start: datetime
    end: datetime
    zone: str
    reason: str


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """The work as an entry in people's calendars: proposed, agreed, or taken back.

    uid: the same for ever. sequence: the higher one counts. summary, description: in the ticket's language.
    """

    uid: str
    sequence: int
    status: Literal["tentative", "confirmed", "cancelled"]
    start: datetime
    end: datetime
    zone: str
    summary: str
    description: str


class ServiceTimes(msgspec.Struct, frozen=True, kw_only=True):
    """When the desk's first answer and the fix are due."""

    first_response_due: datetime
    fix_due: datetime


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket to open.

    key: identifies the case for ever, 64 hex digits; a desk must be able to give back the ticket that carries exactly it.
    crossing: the earliest time the limit may be crossed, when there is a forecast; `crossing_expected` the most likely one.
    windows: the best first; empty when none fits (the body says so). appointment: the best of them for people's calendars.
    body: everything a person reads, customer's part first. labels: short words to find tickets by, never data.
    """

    key: str
    rule: str
    subject: str
    type: TicketType
    title: str
    body: Document
    priority: Priority
    device: Device
    customer: Customer
    language: str
    service_times: ServiceTimes
    crossing: datetime | None = None
    crossing_expected: datetime | None = None
    windows: tuple[ProposedWindow, ...] = ()
    appointment: Appointment | None = None
    labels: tuple[str, ...] = ("foretell",)


class TicketRef(msgspec.Struct, frozen=True):
    """Where a ticket is: the configured desk's name, the desk's own id, and an address a person can open."""

    desk: str
    id: str
    url: str = ""


class FoundTicket(msgspec.Struct, frozen=True):
    """A ticket that carries a key of ours, as a search found it. `key` was compared, not assumed.

    title, host: its title, and its host's marker, as the desk has them; empty where a search does not tell them.
    """

    ref: TicketRef
    key: str
    open: bool
    title: str = ""
    host: str = ""

    def names(self, device: str) -> bool:
        """Return whether the title speaks of the device with this name: the whole of it, and not of web010 for web01."""
        return bool(re.search(rf"(?<![\w.-]){re.escape(device)}(?![\w-]|\.\w)", self.title, re.IGNORECASE))


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """Something we say on a ticket. `marker` is unique to it: the desk is searched for it when an outcome is unknown.

    public: whether the customer sees it; internal by default. windows: the times that it tells of, the best first.
    appointment: what becomes of the entry in people's calendars. well: whether it says that our measurements are good again, and
    asks for a person's confirmation.
    """

    marker: str
    body: Document
    public: bool = False
    well: bool = False
    windows: tuple[ProposedWindow, ...] = ()
    appointment: Appointment | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file to attach. `name` is ASCII and ours; `content` leaves byte for byte."""

    name: str
    media_type: str
    content: bytes


Status = Literal["new", "open", "waiting", "resolved", "closed", "rejected", "merged", "deleted"]
WORKING: frozenset[Status] = frozenset({"new", "open", "waiting"})  # somebody may still be working on it
ActKind = Literal[
    "reply",
    "acknowledge",
    "confirm",
    "accept_window",
    "defer",
    "wont_fix",
    "resolve",
    "reopen",
    "rate",
    "cause",
    "done",
]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person who is not us did on the ticket, by the desk's own table.

    id: the desk's id of the event, so that it counts once. text: what they wrote, cut to 2,000 characters, for facts only.
    until: when a deferral ends. option: the number of an accepted window, from 1, or a rating from 1 to 5, which is the best.
    rate: how content the customer is. cause, done: what it was, and what was done, in the words of who did it.
    """

    id: str
    kind: ActKind
    by: str
    at: datetime
    text: str = ""
    until: datetime | None = None
    option: int | None = None


class TicketState(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the desk has it now. `desk_status` is the desk's own word; `acts` the recent ones, oldest first."""

    ref: TicketRef
    status: Status
    desk_status: str
    priority: Priority | None = None
    handler: str = ""
    due: datetime | None = None
    resolution: str = ""
    acts: tuple[Act, ...] = ()

    @property
    def open(self) -> bool:
        """Whether somebody may still be working on it."""
        return self.status in WORKING
