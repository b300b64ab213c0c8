"""Random lives of cases: whatever findings, people and the desk do, in whatever order, the promises hold."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.cases import Situation
from agent.follow import follow
from agent.model import Case, Delivered, DeskEvent, Observed, Operation
from agent.priority import worse
from agent.settings import CaseSettings, CustomerSettings, HostSettings
from thresholds import Finding, Forecast, Rule, Selector, Severity
from ticketing_clients import Act, TicketRef, TicketState

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MOUNTS = ["/a", "/b", "/c"]
RULE = Rule(id="disk_space", summary="", kind="x", select=Selector(reading="x"), hold=300.0, verify=3600.0)
KEEPS_CLOSED = {"resolve", "wont_fix"}


class DeskTicket:
    """One ticket in a desk that does exactly what it is asked."""

    def __init__(self, number: int, key: str) -> None:
        self.ref = TicketRef("desk", str(number))
        self.key = key
        self.open = True
        self.acts: list[Act] = []


class Life(RuleBasedStateMachine):
    """A host with three disks and a desk with people."""

    @initialize(installed_ago=st.sampled_from([0.0, 30 * DAY]))
    def begin(self, installed_ago: float) -> None:
        self.now = 1_790_000_000.0
        self.first_look_ends = self.now - installed_ago + DAY
        self.cases: dict[str, Case] = {}
        self.tickets: list[DeskTicket] = []
        self.waiting: list[Operation] = []
        self.events: list[DeskEvent] = []
        self.maintenance = False
        self.acts = 0
        self.verified: set[str] = set()

    @rule(
        severities=st.lists(st.sampled_from([None, *Severity]), min_size=3, max_size=3),
        days=st.sampled_from([None, 0.2, 3.0, 20.0]),
        after=st.sampled_from([MINUTE, 10 * MINUTE, HOUR, DAY, 8 * DAY]),
    )
    def cycle(self, severities: list[Severity | None], days: float | None, after: float) -> None:
        """Time passes; each disk is healthy, ill, or could not be checked."""
        self.now += after
        forecast = None if days is None else Forecast(self.now + days * DAY / 2, self.now + days * DAY, None)
        findings = [
            Finding("disk_space", {"mountpoint": mount}, severity, self.now, {}, forecast if severity else None)
            for mount, severity in zip(MOUNTS, severities, strict=True)
            if severity is not None
        ]
        before = self.cases
        events, self.events = self.events, []
        steps = follow(before, findings, events, self.situation())
        self.cases = {step.case.key: step.case for step in steps}
        for step in steps:
            self.waiting += step.operations
            if step.untold:
                self.withdraw(step.case.key)
            self.check_change(before.get(step.case.key), step.case)
            if any(operation.kind == "open" for operation in step.operations):
                earlier = before.get(step.case.key)
                assert earlier is None or earlier.state in {"pending", "closed"} or earlier.parent, "opened twice"

    def withdraw(self, key: str) -> None:
        """The outbox gives up what waits for a case from its last opening on."""
        openings = [number for number, one in enumerate(self.waiting) if one.case == key and one.kind == "open"]
        if openings:
            kept = [one for one in self.waiting[openings[-1] :] if one.case != key]
            self.waiting[openings[-1] :] = kept

    def situation(self) -> Situation:
        return Situation(
            now=self.now,
            host_id="h",
            rules={"disk_space": RULE},
            host=HostSettings(),
            customer=CustomerSettings(id="c"),
            policy=CaseSettings(),
            first_look_ends=self.first_look_ends,
            maintenance=self.maintenance,
        )

    def check_change(self, before: Case | None, after: Case) -> None:
        if before is None:
            return
        open_states = {"open", "acknowledged", "deferred", "recovering", "awaiting_confirmation"}
        if before.state in open_states and after.state in open_states:
            assert not worse(before.priority, after.priority), "a priority fell while its case was open"
        if before.state in open_states and after.state == "closed" and after.closed_by == "rule":
            assert before.state == "awaiting_confirmation", "closed by rule without a verified recovery"
        if self.maintenance:
            assert not (before.state == "pending" and after.state == "open"), "opened during maintenance"

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        """The desk carries out what waits, in order."""
        for _ in range(min(count, len(self.waiting))):
            operation = self.waiting.pop(0)
            ticket = self.newest(operation.case)
            if operation.kind == "open" and (ticket is None or not ticket.open):  # else it is adopted, as couriers do
                ticket = DeskTicket(len(self.tickets) + 1, operation.case)
                self.tickets.append(ticket)
            assert ticket is not None, f"{operation.kind} on a ticket that was never opened"
            if operation.kind == "reopen":
                ticket.open = True
            if operation.kind == "resolve":
                ticket.open = False
            self.events.append(
                Delivered(case=operation.case, operation=operation.id, kind=operation.kind, ref=ticket.ref, at=self.now)
            )

    @rule(
        kind=st.sampled_from(["reply", "acknowledge", "confirm", "defer", "wont_fix", "resolve", "reopen"]),
        which=st.integers(0, 9),
    )
    def person(self, kind: str, which: int) -> None:
        """A person does something on some ticket."""
        if self.tickets:
            ticket = self.tickets[which % len(self.tickets)]
            self.acts += 1
            when = datetime.fromtimestamp(self.now, UTC)
            ticket.acts.append(Act(id=str(self.acts), kind=kind, by="sue", at=when))  # type: ignore[arg-type]
            if kind in KEEPS_CLOSED:
                ticket.open = False
            elif kind == "reopen":
                ticket.open = True

    @rule()
    def poll(self) -> None:
        """The courier looks at the tickets of cases that are not closed."""
        for case in self.cases.values():
            ticket = next((one for one in self.tickets if one.ref == case.ticket), None)
            if ticket is not None and case.state not in {"pending", "closed"}:
                status = "open" if ticket.open else "resolved"
                state = TicketState(ref=ticket.ref, status=status, desk_status=status, acts=tuple(ticket.acts))
                self.events.append(Observed(case=case.key, state=state, at=self.now))

    @rule(on=st.booleans())
    def maintain(self, *, on: bool) -> None:
        """Maintenance mode is switched."""
        self.maintenance = on

    def newest(self, key: str) -> DeskTicket | None:
        return next((one for one in reversed(self.tickets) if one.key == key), None)

    @invariant()
    def operations_are_numbered_once(self) -> None:
        ids = [operation.id for operation in self.waiting]
        assert len(ids) == len(set(ids))

    @invariant()
    def a_case_never_is_healthy_and_ill(self) -> None:
        assert not [
            case for case in self.cases.values() if case.breach_since is not None and case.healthy_since is not None
        ]


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
