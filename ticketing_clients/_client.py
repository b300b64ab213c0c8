"""The interface of a desk: a value named PLUGIN at the end of its file. A client says what happened and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

import msgspec

from ticketing_clients._ticket import (
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Ticket,
    TicketRef,
    TicketState,
)


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What this desk can do; what it cannot, the courier leaves out and says so.

    longest_title, longest_body: in code points; None is no known limit.
    largest_attachment: bytes, None where only the live desk knows.
    due: whether a due time is held as it is, only its day in UTC (read back as the day's first moment), or not at all.
    reopen: whether a closed ticket opens again, gets a linked follow-up ticket, or neither.
    appointments: whether a text carries the entry for people's calendars that comes with it; elsewhere it is attached as a file.
    search_lag: seconds until `find` can know of a ticket that was just made, where the desk searches in an index of its own.
    """

    find: bool = True
    list_open: bool = True
    read: bool = True
    comment: bool = True
    internal_comment: bool = True
    priority: bool = True
    resolve: bool = True
    due: Literal["time", "day", "none"] = "time"
    reopen: Literal["reopen", "follow_up", "none"] = "reopen"
    attach: bool = True
    appointments: bool = False
    longest_title: int | None = None
    longest_body: int | None = None
    largest_attachment: int | None = None
    search_lag: float = 0.0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a live desk to `foretell doctor`: what was looked at, whether it is well, and how to mend it if not."""

    subject: str
    well: bool
    found: str
    hint: str = ""

    @classmethod
    def of(cls, subject: str, wrong: str = "", hint: str = "", *, found: str = "well") -> Check:
        """Return the check of `subject`: well, with what was `found`, unless something is `wrong` that the hint mends."""
        return cls(subject=subject, well=not wrong, found=wrong or found, hint=hint if wrong else "")


class ClientContext(Protocol):
    """What a client is handed."""

    def secret(self, name: str) -> str:
        """Return the secret called `name` from a file or the service manager's credentials.

        Raises LookupError, whose message says where it was looked for.
        """

    @property
    def state_dir(self) -> Path:
        """The agent's own folder, for a client that keeps something there."""

    @property
    def now(self) -> float:
        """The batch's time, unix seconds."""

    @property
    def rhythm(self) -> float:
        """How often the courier looks at the desk, in seconds; a tenth more on some hosts."""


class TicketingClient(Protocol):
    """One desk. Every call may raise DeskError; every change is read back before it is called done."""

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""

    def check(self) -> list[Check]:
        """Look at the live desk: login, queue or project, required fields, sender identity. Changes nothing."""

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host` (`Device.id`)."""

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`."""

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a comment with exactly this marker is on the ticket."""

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the desk's present one is lower; never lower it."""

    def resolve(self, ref: TicketRef) -> None:
        """Bring the ticket to its resolved state by the desk's workflow."""

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again, or a linked follow-up of it by the desk's own rule; return the open one."""

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file. Raises Rejected when the desk does not take it; the ticket stays."""

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket."""

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Link `ref` to `original` and close it as its duplicate."""


@runtime_checkable
class NamesHosts(Protocol):
    """A desk that can be searched by what a host is called, so that the doctor sees cloned and re-imaged machines."""

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`, whatever its marker is, with `title` and `host`."""


@runtime_checkable
class Forgetful(Protocol):
    """A desk that forgets what it is not told again: everything that stands is said anew in each of the courier's rounds."""

    def anything_stands(self) -> bool:
        """Whether there is anything to say again in the next round. Asks nobody."""

    def standing(self) -> list[FoundTicket]:
        """Return what was told there and has not ended. Asks nobody."""

    def remind(self, keys: Collection[str]) -> tuple[str, ...]:
        """Say again what stands of the tickets with these keys, and whatever a part of the desk has not got yet.

        Return what is wrong with parts of the desk that could not be told, while others could. Raises DeskError when none could.
        """


@runtime_checkable
class TakesLife(Protocol):
    """A desk that can be told that a host lives, and tells people when it is not told so any more."""

    def show_life(self, host: str, host_id: str) -> tuple[str, ...]:
        """Say that the agent on `host` with this marker (`Device.id`) lives, for some times the context's rhythm.

        Return and raise as `Forgetful.remind`.
        """


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options every desk has; a client's own options derive from this."""

    client: Annotated[str, msgspec.Meta(description="Which ticketing client: its file name, see `foretell plugins`.")]
    new_tickets: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(
            description="Most tickets that this host opens here within cases.storm_window; what is more is told in one."
        ),
    ] = None
    requests_per_minute: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(description="What the desk allows all hosts together; the doctor reckons whether that is enough."),
    ] = None


class ClientPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A ticketing client as a value.

    build: called with options, context and the desk's configured name; validates and never connects.
    tested: against what it was tested, shown by `foretell plugins`.
    requests_per_minute: what the vendor allows in its smallest plan, None where no limit is documented.
    news: given the agent's folder (`ClientContext.state_dir`), returns a text that is another one after anything that people did
    at this desk, empty while nobody ever did: while it is the same, no courier is sent to look at the ticket of a case that is as
    it was when last seen. Raises OSError where that cannot be told. It is asked in the daemon, so it is quick. Only a desk that
    keeps all it has in that folder has it.
    """

    name: str
    summary: str
    options: type[ClientOptions]
    build: Callable[[Any, ClientContext, str], TicketingClient]
    tested: str
    requests_per_minute: int | None = None
    news: Callable[[Path], str] | None = None
