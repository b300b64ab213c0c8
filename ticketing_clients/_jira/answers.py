"""Jira's answers, typed: only what is looked at. Ids are strings of digits; names are in the language of whoever asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec


class Named(msgspec.Struct, frozen=True):
    """Whatever Jira has an id and a name for."""

    id: str
    name: str = ""


class Category(msgspec.Struct, frozen=True):
    """What all statuses are grouped into, the same on every Jira: `new`, `indeterminate`, `done`, or `undefined`."""

    key: str = "undefined"


class IssueStatus(Named, frozen=True, rename="camel"):
    """A status of a workflow."""

    status_category: Category = Category()


class User(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody: with an account id in the cloud, with a key in a data center. An app is a user too."""

    account_id: str = ""
    key: str = ""
    name: str = ""
    display_name: str = ""
    email_address: str | None = None
    account_type: str = "atlassian"

    @property
    def id(self) -> str:
        """Return what identifies the user for ever."""
        return self.account_id or self.key or self.name


class File(msgspec.Struct, frozen=True):
    """A file on an issue; `size` in bytes."""

    filename: str
    size: int


class Linked(msgspec.Struct, frozen=True):
    """The issue at the other end of a link."""

    id: str


class Link(msgspec.Struct, frozen=True, rename="camel"):
    """A link of an issue: with the other issue on one of its two ends."""

    type: Named
    inward_issue: Linked | None = None
    outward_issue: Linked | None = None


class Fields(msgspec.Struct, frozen=True):
    """An issue's fields. What was not asked for, or is on no screen, is empty."""

    summary: str = ""
    status: IssueStatus | None = None
    labels: list[str] = []
    creator: User | None = None
    priority: Named | None = None
    assignee: User | None = None
    duedate: date | None = None
    resolution: Named | None = None
    description: Any = None
    attachment: list[File] = []
    issuelinks: list[Link] = []


class Item(msgspec.Struct, frozen=True):
    """One field that an event changed; `field` is its English name. The values are ids."""

    field: str
    was: str | None = msgspec.field(default=None, name="from")
    to: str | None = None


class Moment(msgspec.Struct, frozen=True):
    """Something that somebody did; `created` in ISO 8601 with an offset such as +0000."""

    id: str
    created: str
    author: User | None = None

    @property
    def at(self) -> datetime:
        """Return when it was done."""
        return datetime.fromisoformat(self.created).astimezone(UTC)


class Event(Moment, frozen=True):
    """A change of an issue."""

    items: list[Item] = []


class Changelog(msgspec.Struct, frozen=True):
    """An issue's changes: all of them, or the newest forty."""

    histories: list[Event] = []


class Issue(msgspec.Struct, frozen=True):
    """An issue. Its key changes when it is moved to another project, its id never."""

    id: str
    key: str
    fields: Fields = Fields()
    changelog: Changelog = Changelog()

    @property
    def number(self) -> int:
        """Return the number of the issue in its project."""
        return int(self.key.rpartition("-")[2])


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a search: in the cloud with a token for the next, in a data center with how many there are."""

    issues: list[Issue]
    next_page_token: str | None = None
    total: int = 0


class Remark(Moment, frozen=True, rename="camel"):
    """A comment, as HTML. Seen by all who see the issue unless it is limited to a role, or to the agents of a service desk."""

    rendered_body: str = ""
    jsd_public: bool = True
    visibility: dict[str, Any] | None = None

    @property
    def public(self) -> bool:
        """Return whether a customer may read it."""
        return self.jsd_public and not self.visibility


class Remarks(msgspec.Struct, frozen=True):
    """One page of comments."""

    comments: list[Remark]


class Field(msgspec.Struct, frozen=True, rename="camel"):
    """What a screen says about one of its fields."""

    field_id: str = ""
    name: str = ""
    required: bool = False
    has_default_value: bool = False
    allowed_values: list[dict[str, Any]] = []


class CreateFields(msgspec.Struct, frozen=True):
    """The fields of the screen on which issues are made: `fields` in the cloud, `values` in a data center."""

    fields: list[Field] = []
    values: list[Field] = []


class Transition(msgspec.Struct, frozen=True):
    """A way from an issue's status to another, with the fields of its screen."""

    id: str
    to: IssueStatus
    name: str = ""
    fields: dict[str, Field] = {}


class Transitions(msgspec.Struct, frozen=True):
    """The ways that are open to us from where the issue is."""

    transitions: list[Transition]


class Permission(msgspec.Struct, frozen=True, rename="camel"):
    """Whether we have a permission."""

    have_permission: bool


class Permissions(msgspec.Struct, frozen=True):
    """What the account may do, by the permission's key."""

    permissions: dict[str, Permission]


class AttachmentSettings(msgspec.Struct, frozen=True, rename="camel"):
    """What the site lets be attached; `upload_limit` in bytes."""

    enabled: bool
    upload_limit: int = 0
