"""A desk in memory: what it holds, who did what to it, and all that a network does to what it is asked.

It keeps to the interface of a client (`ticketing_clients.TicketingClient`), with the care that our clients take: a priority is
never lowered, and a ticket that is opened again twice stays one. What it is asked it shows to a witness. All of that interface
is here, and what people do around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol

from agent.following.priority import worse
from simulator.clock import SimulatedClock
from simulator.faults import Faults
from ticketing_clients import (
    Act,
    Attachment,
    Capabilities,
    Check,
    Comment,
    FoundTicket,
    NotApplied,
    Priority,
    Status,
    Ticket,
    TicketGone,
    TicketRef,
    TicketState,
)
from ticketing_clients._ticket import WORKING


class Witness(Protocol):
    """Sees everything that is asked of a desk."""

    def call(self, desk: str) -> None:
        """Somebody speaks to the desk; anything may happen on the host meanwhile."""

    def change(self, desk: str, ticket: DeskTicket | None, what: str, content: object) -> None:
        """The desk is about to be asked for a change; `ticket` None for a new one."""


class DeskTicket:
    """A ticket. key: empty for one that is none of ours. asked: the highest priority that we asked for and know of."""

    def __init__(self, number: int, key: str, host: str, made_at: float) -> None:
        self.number = number
        self.key = key
        self.host = host
        self.made_at = made_at
        self.status: Status = "open"
        self.priority: Priority | None = None
        self.asked: Priority | None = None
        self.comments: list[str] = []
        self.files: list[str] = []
        self.acts: list[Act] = []
        self.due: datetime | None = None
        self.resolution = ""
        self.merged_into: DeskTicket | None = None
        self.deleted = False
        self.touched = False  # a person closed it, opened it again, merged or moved it

    @property
    def open(self) -> bool:
        return self.status in WORKING and not self.deleted and self.merged_into is None


class SimulatedDesk:
    """One desk. `tickets` by number; a ticket that moved is there under both of its numbers."""

    def __init__(
        self, name: str, capabilities: Capabilities, clock: SimulatedClock, faults: Faults, witness: Witness
    ) -> None:
        """Empty, but for a ticket of somebody else's."""
        self.name = name
        self.capabilities = capabilities
        self.tickets: dict[int, DeskTicket] = {}
        self.requests = 0
        self.failed_at = float("-inf")  # on the steady clock, when it last did not do as it was asked to
        self._clock = clock
        self._faults = faults
        self._witness = witness
        self._acts = 0
        self.add("", "")

    # -- what people and the desk itself do -------------------------------------------------------------------------

    def add(self, key: str, host: str) -> DeskTicket:
        """Put a ticket there."""
        ticket = DeskTicket(len(self.tickets) + 1, key, host, self._clock.steady)
        self.tickets[ticket.number] = ticket
        return ticket

    def ours(self) -> list[DeskTicket]:
        """Return the tickets with a key of ours that are there, each once, the oldest first."""
        found = {id(one): one for one in self.tickets.values() if one.key and not one.deleted}
        return sorted(found.values(), key=lambda one: one.number)

    def act(self, ticket: DeskTicket, kind: Any, **details: Any) -> None:
        """Let a person do something on a ticket, by the desk's own clock."""
        self._acts += 1
        when = datetime.fromtimestamp(self._clock.true, UTC)
        ticket.acts.append(Act(id=f"{self.name}-{self._acts}", kind=kind, by="sue", at=when, **details))

    def move(self, ticket: DeskTicket) -> None:
        """Give a ticket another number, as a desk does that moves it elsewhere; the old one leads to it."""
        ticket.touched = True
        number = len(self.tickets) + 1
        self.tickets[number] = ticket
        ticket.number = number

    # -- the client -------------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Nothing to say."""
        return []

    def open(self, ticket: Ticket) -> TicketRef:
        """Create it; where the desk is odd, sometimes not as it was asked to."""

        def create() -> DeskTicket:
            made = self.add(ticket.key, ticket.device.id)
            made.priority = made.asked = ticket.priority
            made.due = ticket.service_times.fix_due
            return made

        made = self._change("open", None, ticket, create)
        if self._faults.desks.get(self.name) == "odd" and self._faults.strikes("created, not as asked", 0.3):
            raise NotApplied(f"{self.name}: the due time was not taken")
        return self._ref(made)

    def find(self, key: str) -> list[FoundTicket]:
        """Return the tickets with this key that the search knows of by now."""
        self._ask()
        known = self._clock.steady - self.capabilities.search_lag
        return [self._found(one) for one in self.ours() if one.key == key and one.made_at <= known]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of this host that the search knows of by now."""
        self._ask()
        known = self._clock.steady - self.capabilities.search_lag
        return [self._found(one) for one in self.ours() if one.host == host and one.open and one.made_at <= known]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket, or the one that it was merged into."""
        self._ask()
        there = self._at(ref)
        return TicketState(
            ref=self._ref(there),
            status=there.status,
            desk_status=there.status,
            priority=there.priority,
            handler="sue" if there.acts else "",
            due=there.due,
            resolution=there.resolution,
            acts=tuple(there.acts[-20:]),
        )

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add it."""
        there = self._at(ref)
        self._change("comment", there, comment, lambda: there.comments.append(comment.marker))

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether it is there."""
        self._ask()
        return marker in self._at(ref).comments

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Add the file."""
        there = self._at(ref)
        self._change("attach", there, attachment, lambda: there.files.append(attachment.name))

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether it is there."""
        self._ask()
        return name in self._at(ref).files

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set it if the present one is lower."""
        there = self._at(ref)

        def set_it() -> None:
            if there.asked is None or worse(priority, there.asked):
                there.asked = priority
            if there.priority is None or worse(priority, there.priority):
                there.priority = priority

        self._change("raise_priority", there, priority, set_it)

    def resolve(self, ref: TicketRef) -> None:
        """Resolve it, unless it is over already."""
        there = self._at(ref)

        def end() -> None:
            if there.open:
                there.status = "resolved"

        self._change("resolve", there, None, end)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open it again, or make a follow-up, unless there is one."""
        there = self._at(ref)

        def again() -> DeskTicket:
            if self.capabilities.reopen == "reopen" or there.open:
                there.status = "open"
                return there
            known = [one for one in self.ours() if one.key == ticket.key and one.open]
            if known:
                return known[0]
            follow_up = self.add(ticket.key, ticket.device.id)
            follow_up.priority = follow_up.asked = ticket.priority
            return follow_up

        return self._ref(self._change("reopen", there, ticket, again))

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Close it as another's duplicate."""
        twin = self._at(ref)
        self._change("close_duplicate", twin, original, lambda: setattr(twin, "status", "closed"))

    # -- the wire ---------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._speak()
        with self._served():
            self._faults.before(self.name, changes=False)
            self._faults.after(self.name, changes=False)

    def _change(self, what: str, ticket: DeskTicket | None, content: object, do: Callable[[], Any]) -> Any:
        self._speak()
        self._witness.change(self.name, ticket, what, content)
        with self._served():
            self._faults.before(self.name, changes=True)
            done = do()
            self._faults.after(self.name, changes=True)
        return done

    @contextmanager
    def _served(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.failed_at = self._clock.steady
            raise

    def _speak(self) -> None:
        self.requests += 1
        self._clock.pass_(self._faults.latency(self.name))
        self._witness.call(self.name)

    def _at(self, ref: TicketRef) -> DeskTicket:
        ticket = self.tickets.get(int(ref.id))
        while ticket is not None and ticket.merged_into is not None:
            ticket = ticket.merged_into
        if ticket is None or ticket.deleted:
            raise TicketGone(f"{self.name}: there is no ticket {ref.id}")
        return ticket

    def _ref(self, ticket: DeskTicket) -> TicketRef:
        return TicketRef(self.name, str(ticket.number))

    def _found(self, ticket: DeskTicket) -> FoundTicket:
        return FoundTicket(self._ref(ticket), ticket.key, ticket.open)


def some_capabilities(chance: Random) -> Capabilities:
    """Return what some desk can do. All can be asked for a key: at one that cannot, one ticket cannot be promised."""
    return Capabilities(
        reopen=chance.choice(["reopen", "reopen", "follow_up", "none"]),
        search_lag=chance.choice([0.0, 0.0, 60.0, 300.0]),
        internal_comment=chance.random() < 0.9,
        attach=chance.random() < 0.9,
        priority=chance.random() < 0.9,
        due=chance.choice(["time", "day", "none"]),
        appointments=chance.random() < 0.5,
    )
