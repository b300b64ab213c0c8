"""What the interface of Jira Service Management answers, typed: only what is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from ticketing_clients._jira.answers import Field, User


class ServiceDesk(msgspec.Struct, frozen=True):
    """A service desk: what a project is to its customers."""

    id: str


class RequestField(msgspec.Struct, frozen=True, rename="camel"):
    """A field of a request type's form."""

    field_id: str
    name: str = ""
    required: bool = False
    default_values: list[Any] = []


class RequestForm(msgspec.Struct, frozen=True, rename="camel"):
    """What a request of a type is made of, and whether we may make it for somebody else."""

    request_type_fields: list[RequestField]
    can_raise_on_behalf_of: bool = False

    @property
    def screen(self) -> dict[str, Field]:
        """Return the form as a screen: its fields by their ids."""
        return {
            one.field_id: Field(name=one.name, required=one.required, has_default_value=bool(one.default_values))
            for one in self.request_type_fields
        }


class MadeRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What a request's creation answers."""

    issue_id: str


class Said(msgspec.Struct, frozen=True):
    """What a comment's creation answers."""

    public: bool


class Temporary(msgspec.Struct, frozen=True, rename="camel"):
    """A file that waits to be attached."""

    temporary_attachment_id: str


class Uploaded(msgspec.Struct, frozen=True, rename="camel"):
    """What an upload answers."""

    temporary_attachments: list[Temporary]


class Customers(msgspec.Struct, frozen=True):
    """One page of a service desk's customers."""

    values: list[User]


class Instant(msgspec.Struct, frozen=True, rename="camel"):
    """A time, in milliseconds since 1970."""

    epoch_millis: int


class Cycle(msgspec.Struct, frozen=True, rename="camel"):
    """The present run of a clock; without a breach time while it is paused."""

    breach_time: Instant | None = None


class Agreement(msgspec.Struct, frozen=True, rename="camel"):
    """What was promised for a request, such as the time to its resolution."""

    id: str
    ongoing_cycle: Cycle | None = None

    @property
    def due(self) -> datetime | None:
        """Return when the promise is broken; None when its clock does not run."""
        breach = self.ongoing_cycle.breach_time if self.ongoing_cycle else None
        return datetime.fromtimestamp(breach.epoch_millis / 1000, UTC) if breach else None


class Agreements(msgspec.Struct, frozen=True):
    """A request's agreements."""

    values: list[Agreement]
