"""What a webhook is sent: the events of version 1, as `docs/reference/webhook.schema.json` has them.

Within a version events and fields are only added. A receiver answers what it does not know with success, and passes over it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ticketing_clients._document import Document, to_plain
from ticketing_clients._markup.html import to_html
from ticketing_clients._ticket import (
    Customer,
    Device,
    Priority,
    ProposedWindow,
    ServiceTimes,
    Ticket,
    TicketType,
)


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """The same words twice. The HTML is the inside of a body, of plain elements without attributes."""

    plain: str
    html: str


class TicketName(msgspec.Struct, frozen=True, kw_only=True):
    """Which ticket it is about."""

    id: Annotated[str, msgspec.Meta(description="This ticket; a problem that returns gets another.")]
    key: Annotated[str, msgspec.Meta(description="The problem, for ever: customer, host, rule and subject.")]


class TicketContent(TicketName, frozen=True, kw_only=True):
    """A ticket with all that there is to tell. Times are in UTC."""

    rule: str
    subject: str
    type: TicketType
    title: str
    body: Text
    priority: Priority
    device: Device
    customer: Customer
    language: str
    service_times: ServiceTimes
    crossing: Annotated[datetime | None, msgspec.Meta(description="When the limit may be crossed at the earliest.")]
    crossing_expected: Annotated[datetime | None, msgspec.Meta(description="When it is most likely crossed.")]
    windows: Annotated[tuple[ProposedWindow, ...], msgspec.Meta(description="Times to act, the best first.")]
    labels: tuple[str, ...]


class CommentContent(msgspec.Struct, frozen=True, kw_only=True):
    """Something said on a ticket."""

    marker: Annotated[str, msgspec.Meta(description="Unique to this comment.")]
    public: Annotated[bool, msgspec.Meta(description="Whether the customer may see it.")]
    body: Text


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """A file."""

    name: str
    media_type: str
    content: bytes  # in base64, as JSON has it


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened."""

    version: Literal[1] = 1


class Ping(Event, frozen=True, kw_only=True, tag="ping"):
    """`foretell doctor` asks whether the receiver is there and accepts our signature. Nothing happened."""


class Opened(Event, frozen=True, kw_only=True, tag="ticket.opened"):
    """A problem develops."""

    ticket: TicketContent


class Commented(Event, frozen=True, kw_only=True, tag="ticket.commented"):
    """There is something to say about it."""

    ticket: TicketName
    comment: CommentContent


class PriorityRaised(Event, frozen=True, kw_only=True, tag="ticket.priority_raised"):
    """It is more urgent than it was; never lower a priority that a person set."""

    ticket: TicketName
    priority: Priority


class FileAttached(Event, frozen=True, kw_only=True, tag="ticket.file_attached"):
    """A file belongs to it."""

    ticket: TicketName
    file: FileContent


class Resolved(Event, frozen=True, kw_only=True, tag="ticket.resolved"):
    """It is over: the measurements have been well for long enough."""

    ticket: TicketName


class Reopened(Event, frozen=True, kw_only=True, tag="ticket.reopened"):
    """It is back, soon after it was over: open the earlier ticket again, or a new one that is linked to it."""

    ticket: TicketContent
    earlier: Annotated[str, msgspec.Meta(description="The id that the ticket had before.")]


AnyEvent = Ping | Opened | Commented | PriorityRaised | FileAttached | Resolved | Reopened


def content_of(ticket: Ticket, id: str) -> TicketContent:  # noqa: A002 - it is called that in the event
    """Return what is told of `ticket`."""
    shared = set(TicketContent.__struct_fields__) & set(ticket.__struct_fields__)
    values = {name: getattr(ticket, name) for name in shared}
    return TicketContent(**values | {"id": id, "body": text_of(ticket.body)})


def text_of(document: Document) -> Text:
    """Return `document` in words."""
    return Text(plain=to_plain(document), html=to_html(document))
