"""Zendesk's answers, typed: only what is looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class User(msgspec.Struct, frozen=True):
    """A person, or we. `ticket_restriction` says which tickets an agent sees, None all."""

    id: int
    name: str = ""
    email: str | None = None
    role: str | None = None
    ticket_restriction: str | None = None
    only_private_comments: bool | None = None


class Me(msgspec.Struct, frozen=True):
    """Who asks; who is not logged in is a user without an id."""

    user: dict[str, Any]


class CustomField(msgspec.Struct, frozen=True):
    """The value of a ticket's custom field."""

    id: int
    value: Any = None

    @property
    def empty(self) -> bool:
        """Whether nobody has set it; an unset checkbox is False."""
        return self.value in (None, "", []) or self.value is False


class Satisfaction(msgspec.Struct, frozen=True):
    """What the requester said to Zendesk's own question; `score` begins with good or bad once it was answered."""

    score: str = ""
    id: int | None = None
    comment: str | None = None


class ZendeskTicket(msgspec.Struct, frozen=True):
    """A ticket. `updated_at` stays as it was written, for it is sent back as the stamp of a safe update."""

    id: int
    status: str
    updated_at: str
    subject: str | None = None
    external_id: str | None = None
    custom_status_id: int | None = None
    priority: str | None = None
    due_at: datetime | None = None
    tags: list[str] = []
    custom_fields: list[CustomField] = []
    requester_id: int | None = None
    assignee_id: int | None = None
    satisfaction_rating: Satisfaction | None = None


class Whole(msgspec.Struct, frozen=True):
    """One ticket, with the people named on it where they were asked for."""

    ticket: ZendeskTicket
    users: list[User] = []


class Meta(msgspec.Struct, frozen=True):
    """Whether a list goes on, and from where."""

    has_more: bool = False
    after_cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A part of a list. An archived ticket's list comes whole, without `meta`."""

    meta: Meta | None = None


class Tickets(Page, frozen=True, kw_only=True):
    """Tickets as they are stored. `next_page` where they were asked for by page number."""

    tickets: list[ZendeskTicket]
    next_page: str | None = None


class Hit(msgspec.Struct, frozen=True):
    """What the search index knows: of a ticket only its id can be relied on."""

    id: int


class Hits(Page, frozen=True, kw_only=True):
    """Tickets that the search index knows."""

    results: list[Hit]


class File(msgspec.Struct, frozen=True):
    """A file on a comment."""

    file_name: str
    size: int


class Said(msgspec.Struct, frozen=True):
    """A comment."""

    author_id: int
    html_body: str = ""
    attachments: list[File] = []


class Comments(Page, frozen=True, kw_only=True):
    """A ticket's comments."""

    comments: list[Said]


class Via(msgspec.Struct, frozen=True):
    """By what means something came about."""

    channel: Any = None


class Event(msgspec.Struct, frozen=True):
    """One thing that happened in an audit: a value set (Create), a value changed (Change), something said (Comment) and others.

    via: where it is not that of the audit: a trigger's work within a person's change has the channel "rule".
    """

    id: int
    type: str
    field_name: str = ""
    value: Any = None
    author_id: int | None = None
    html_body: str | None = None
    body: str | None = None
    public: bool | None = True
    via: Via | None = None


class Audit(msgspec.Struct, frozen=True):
    """One update of a ticket and who made it; an automation is nobody, -1."""

    id: int
    author_id: int
    created_at: datetime
    events: list[Event]


class Audits(Page, frozen=True, kw_only=True):
    """A ticket's updates, oldest first, with the people who made them."""

    audits: list[Audit]
    users: list[User] = []


class Token(msgspec.Struct, frozen=True):
    """By what a comment takes up an uploaded file."""

    token: str


class Upload(msgspec.Struct, frozen=True):
    """What was uploaded."""

    upload: Token


class Field(msgspec.Struct, frozen=True):
    """A ticket field of the account. `required` is to solve a ticket; a `removable` one is the account's own, not Zendesk's."""

    id: int
    type: str
    title: str = ""
    active: bool = True
    required: bool = False
    removable: bool = True
    sub_type_id: int | None = None


class Fields(msgspec.Struct, frozen=True):
    """The account's ticket fields."""

    ticket_fields: list[Field]


class CustomStatus(msgspec.Struct, frozen=True):
    """A status of the account's own, within one of Zendesk's."""

    id: int
    agent_label: str
    active: bool = True


class CustomStatuses(msgspec.Struct, frozen=True):
    """The account's custom statuses."""

    custom_statuses: list[CustomStatus]


class TicketSettings(msgspec.Struct, frozen=True):
    """Settings about tickets."""

    tagging: bool = True


class Limits(msgspec.Struct, frozen=True):
    """Limits of the account; bytes of one attachment."""

    attachment_size: int | None = None


class Settings(msgspec.Struct, frozen=True):
    """The account's settings that concern us."""

    tickets: TicketSettings = TicketSettings()
    limits: Limits = Limits()


class Account(msgspec.Struct, frozen=True):
    """The account."""

    settings: Settings
