"""A desk in memory that does what a test tells it to, and the agent's records beside it: a batch without any network."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from agent.configuration.settings import DAY, Settings
from agent.consent.levels import Level
from agent.delivery.batch import Delivery
from agent.delivery.outbox import Outbox
from agent.following.facts import case_facts, pack
from agent.following.model import (
    Case,
    DeskHealth,
    Operation,
    OperationKind,
    QueueState,
    Topic,
)
from agent.store import Store
from agent.system.host import HostIdentity
from agent.wording.context import RenderContext
from thresholds import Severity
from ticketing_clients import (
    Attachment,
    Capabilities,
    Comment,
    FoundTicket,
    Priority,
    Ticket,
    TicketGone,
    TicketRef,
    TicketState,
)

NOW = 1_790_000_000.0
A, B = "a" * 64, "b" * 64


class DeskTicket:
    """A ticket in the desk's memory."""

    def __init__(self, number: int, key: str) -> None:
        self.ref = TicketRef("desk", str(number))
        self.key = key
        self.open = True
        self.priority: Priority | None = None
        self.comments: list[str] = []
        self.files: dict[str, bytes] = {}
        self.original: TicketRef | None = None
        self.merged_into: TicketRef | None = None


class Desk:
    """A whole desk in memory. `fails` says, by call, what goes wrong with the next ones: before or after they are done."""

    def __init__(self) -> None:
        self.capabilities = Capabilities()
        self.tickets: list[DeskTicket] = []
        self.calls: list[str] = []
        self.fails: dict[str, list[Exception]] = {}
        self.fails_after: dict[str, list[Exception]] = {}

    def add(self, key: str, *, is_open: bool = True) -> DeskTicket:
        """Put a ticket there."""
        ticket = DeskTicket(len(self.tickets) + 1, key)
        ticket.open = is_open
        self.tickets.append(ticket)
        return ticket

    def _do(self, call: str, change: Callable[[], object] = lambda: None) -> None:
        self.calls.append(call)
        if errors := self.fails.get(call):
            raise errors.pop(0)
        change()
        if errors := self.fails_after.get(call):
            raise errors.pop(0)

    def _at(self, ref: TicketRef) -> DeskTicket:
        for ticket in self.tickets:
            if ticket.ref == ref:
                return ticket
        raise TicketGone(f"there is no ticket {ref.id}")

    def open(self, ticket: Ticket) -> TicketRef:
        self._do("open", lambda: setattr(self.add(ticket.key), "priority", ticket.priority))
        return self.tickets[-1].ref

    def find(self, key: str) -> list[FoundTicket]:
        self._do("find")
        return [FoundTicket(one.ref, one.key, one.open) for one in self.tickets if one.key == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        self._do(f"list_open {host}")
        return [FoundTicket(one.ref, one.key, one.open) for one in self.tickets if one.open]

    def read(self, ref: TicketRef) -> TicketState:
        self._do("read")
        there = self._at(self._at(ref).merged_into or ref)
        status = "open" if there.open else "resolved"
        return TicketState(ref=there.ref, status=status, desk_status=status)

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        self._do("comment", lambda: self._at(ref).comments.append(comment.marker))

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        self._do("has_comment")
        return marker in self._at(ref).comments

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        self._do("attach", lambda: self._at(ref).files.update({attachment.name: attachment.content}))

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        self._do("has_attachment")
        return name in self._at(ref).files

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        self._do("raise_priority", lambda: setattr(self._at(ref), "priority", priority))

    def resolve(self, ref: TicketRef) -> None:
        self._do("resolve", lambda: setattr(self._at(ref), "open", False))

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        there = self._at(ref)
        if self.capabilities.reopen == "follow_up":
            self._do("reopen", lambda: self.add(ticket.key))
            return self.tickets[-1].ref
        self._do("reopen", lambda: setattr(there, "open", True))
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        def close() -> None:
            self._at(ref).open = False
            self._at(ref).original = original

        self._do("close_duplicate", close)


class Office:
    """A desk, the agent's records, and the time between batches."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.outbox = Outbox(store)
        self.desk = Desk()
        self.now = NOW
        self.health = DeskHealth()
        self.level: Level = "none"  # what somebody has consented to

    def ask(
        self,
        key: str,
        kind: OperationKind = "open",
        topic: Topic = "opened",
        priority: Priority = "P3",
        *,
        public: bool = True,
        copy: bool = False,
        expires: float | None = None,
    ) -> str:
        """Queue an operation of an open case, which is made with the first; return its id."""
        case = self.store.case(key) or self.save(key)
        case = msgspec.structs.replace(case, operations=case.operations + 1, priority=priority)
        operation = Operation(
            id=f"{key[:16]}-{case.operations}",
            case=key,
            kind=kind,
            topic=topic,
            desk="desk",
            copy=copy,
            public=public,
            facts=pack(case_facts(case, {})),
            created_at=self.now,
            expires=expires,
        )
        with self.store.transaction():
            self.store.save_case(case, [], self.now)
            self.outbox.queue(operation)
        return operation.id

    def save(self, key: str, **values: object) -> Case:
        """Write down a case."""
        case = Case(
            key=key,
            rule="disk_space",
            subject={"mountpoint": f"/{key[0]}"},
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            opened_at=NOW,
            severity=Severity.CRITICAL,
            evidence={"value": 1e9, "whole": 1e11, "unit": "bytes", "used": 99e9},
        )
        case = msgspec.structs.replace(case, **({"state": "open"} | values))
        self.store.save_case(case, [], self.now)
        return case

    def batch(
        self, after: float = 0.0, *, poll: bool = False, rebuild: bool = False, watched: float = DAY
    ) -> list[str]:
        """Let time pass and run a batch; return what the desk was asked in it."""
        self.now += after
        self.desk.calls.clear()
        settings = Settings()
        host = HostIdentity(id="h1", name="web01", os="")
        context = RenderContext(settings=settings, host=host, zone=ZoneInfo("UTC"), now=self.now)
        delivery = Delivery(
            self.store,
            self.desk,
            context,
            "desk",
            lambda: self.now,
            allowed=lambda *_: self.level,
            watched=watched,  # type: ignore[arg-type]
        )
        self.health = delivery.run(poll=poll, rebuild=rebuild)
        self.store.set_desk_health("desk", self.health)
        return list(self.desk.calls)

    def open(self, key: str = A) -> DeskTicket:
        """Have a ticket opened and its case know it."""
        self.ask(key)
        self.batch()
        ticket = self.desk.tickets[-1]
        self.save(key, ticket=ticket.ref, operations=1)
        self.store.take_events()
        return ticket

    def state(self, id: str) -> str:  # noqa: A002 - it is called that everywhere
        """What became of an operation."""
        [found] = [one for one in self.outbox.all(get_args(QueueState)) if one.operation.id == id]
        return found.state
