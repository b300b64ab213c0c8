"""Random lives of cases: whatever findings, people and the desk do, in whatever order, the promises hold."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.calendar.windows import MaintenanceWindow
from agent.configuration.settings import CaseSettings, Criticality, CustomerSettings, DeliverySettings, HostSettings
from agent.following.cases import Situation, Step
from agent.following.follow import follow
from agent.following.model import EXPIRED, Case, Delivered, DeskEvent, Diagnosed, Observed, Operation, Promise, Refused
from agent.following.priority import highest, worse
from agent.following.routing import ticket_key
from thresholds import Finding, Forecast, Rule, Selector, Severity
from ticketing_clients import Act, Priority, TicketRef, TicketState

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MOUNTS = ["/a", "/b", "/c"]
RULE = Rule(id="disk_space", summary="", kind="x", select=Selector(reading="x"), hold=300.0, verify=3600.0)
KEEPS_CLOSED = {"resolve", "wont_fix"}
WORKING = {"open", "acknowledged"}
OPEN_STATES = {"open", "acknowledged", "deferred", "recovering", "awaiting_confirmation"}
DELIVERY = DeliverySettings(desk="desk", escalate_to="second", supervisor="boss")
POLICY = CaseSettings()
NOTE = 30 * MINUTE


class DeskTicket:
    """One ticket in a desk that does exactly what it is asked."""

    def __init__(self, number: int, key: str) -> None:
        self.ref = TicketRef("desk", str(number))
        self.key = key
        self.open = True
        self.priority: Priority = "P4"
        self.chosen: Priority | None = None
        self.acts: list[Act] = []


class Life(RuleBasedStateMachine):
    """A host with three disks, a desk with people, a second line and a supervisor."""

    @initialize(installed_ago=st.sampled_from([0.0, 30 * DAY]), criticality=st.sampled_from(["normal", "high"]))
    def begin(self, installed_ago: float, criticality: Criticality) -> None:
        self.criticality = criticality
        self.now = 1_790_000_000.0
        self.first_look_ends = self.now - installed_ago + DAY
        self.cases: dict[str, Case] = {}
        self.tickets: list[DeskTicket] = []
        self.waiting: list[Operation] = []
        self.events: list[DeskEvent] = []
        self.maintenance = False
        self.acts = 0
        self.counted: set[tuple[str, float | None, str]] = set()

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
            self.check_promises(step)
            if any(operation.kind == "open" and not operation.copy for operation in step.operations):
                earlier = before.get(step.case.key)
                assert earlier is None or earlier.state in {"pending", "closed"} or earlier.parent, "opened twice"

    @rule(days=st.integers(1, 8))
    def wait(self, days: int) -> None:
        """Everything is healthy, day after day."""
        for _ in range(days):
            self.cycle([Severity.HEALTHY] * 3, None, DAY)

    @rule(which=st.integers(0, 2), times=st.integers(1, 3))
    def come_and_go(self, which: int, times: int) -> None:
        """One disk fills, its ticket is there, and it is settled; perhaps again and again."""
        for _ in range(times):
            ill = [Severity.CRITICAL if one == which else Severity.HEALTHY for one in range(3)]
            self.cycle(ill, None, HOUR)
            self.cycle(ill, None, 10 * MINUTE)
            self.deliver(len(self.waiting))
            self.cycle([Severity.HEALTHY] * 3, None, HOUR)
            self.cycle([Severity.HEALTHY] * 3, None, HOUR)

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
            host=HostSettings(criticality=self.criticality),
            customer=CustomerSettings(id="c", contact="ann@c.test"),
            policy=POLICY,
            delivery=DELIVERY,
            first_look_ends=self.first_look_ends,
            maintenance=self.maintenance,
        )

    def check_change(self, before: Case | None, after: Case) -> None:
        if before is None:
            return
        if before.state in OPEN_STATES and after.state in OPEN_STATES:
            assert not worse(before.priority, after.priority), "a priority fell while its case was open"
        if before.state in OPEN_STATES and after.state == "closed":
            self.check_end(before, after)
        if self.maintenance:
            assert not (before.state == "pending" and after.state == "open"), "opened during maintenance"

    def check_end(self, before: Case, after: Case) -> None:
        """Nothing ends but by a person's word, by the stated rule after a verified recovery, or untold."""
        match after.closed_by:
            case "person":
                assert after.confirmed or after.closed_by_person_at is not None, "closed by a person who said nothing"
            case "rule":
                assert before.state == "awaiting_confirmation", "closed by rule without a verified recovery"
                assert self.now - before.changed_at >= POLICY.confirm_within, "closed by rule before its time"
            case _:
                assert after.parent or after.ticket is None or before.ticket is None or before.state == "pending"

    def check_promises(self, step: Step) -> None:
        """Each promise of an opening is counted once."""
        for promised, _, _ in step.kept:
            once = (step.case.key, step.case.opened_at, promised)
            assert once not in self.counted, f"{promised} was counted twice"
            self.counted.add(once)

    def expire(self, operation: Operation) -> bool:
        """Give up what is no news any more, as couriers do."""
        if operation.expires is None or self.now <= operation.expires:
            return False
        gone = Refused(case=operation.case, operation=operation.id, kind=operation.kind, reason=EXPIRED, at=self.now)
        self.events.append(gone)
        return True

    def promise(self, operation: Operation) -> Promise | None:
        """What the ticket says is due."""
        if operation.copy or operation.kind not in {"open", "reopen", "raise_priority"}:
            return None
        return Promise(
            priority=operation.facts["priority"],
            since=self.now,
            answer_due=self.now + HOUR,
            answer_warning=self.now + 45 * MINUTE,
            fix_due=self.now + DAY,
            fix_warning=self.now + 20 * HOUR,
        )

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        """The desk carries out what waits, in order."""
        for _ in range(min(count, len(self.waiting))):
            operation = self.waiting.pop(0)
            if self.expire(operation):
                continue
            key = ticket_key(operation)
            ticket = self.newest(key)
            if operation.kind == "open" and (ticket is None or not ticket.open):  # else it is adopted, as couriers do
                ticket = DeskTicket(len(self.tickets) + 1, key)
                self.tickets.append(ticket)
            assert ticket is not None, f"{operation.kind} on a ticket that was never opened"
            if operation.kind in {"open", "raise_priority"}:
                ticket.priority = highest([ticket.priority, operation.facts["priority"]])
            if operation.kind == "reopen":
                ticket.open = True
            if operation.kind == "resolve":
                ticket.open = False
            begins = self.now + 6 * HOUR
            told = (MaintenanceWindow(start=begins, end=begins + HOUR, zone="UTC"),)
            self.events.append(
                Delivered(
                    case=operation.case,
                    operation=operation.id,
                    kind=operation.kind,
                    ref=ticket.ref,
                    at=self.now,
                    copy=operation.copy,
                    promise=self.promise(operation),
                    windows=told if operation.kind == "open" else (),
                )
            )

    @rule(
        kind=st.sampled_from(
            [
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
        ),
        which=st.integers(0, 9),
        rating=st.integers(1, 5),
    )
    def person(self, kind: str, which: int, rating: int) -> None:
        """A person does something on some ticket."""
        if self.tickets:
            ticket = self.tickets[which % len(self.tickets)]
            self.acts += 1
            when = datetime.fromtimestamp(self.now, UTC)
            option = rating if kind in {"rate", "accept_window"} else None
            act = Act(id=str(self.acts), kind=kind, by="sue", at=when, option=option)  # type: ignore[arg-type]
            ticket.acts.append(act)
            if kind in KEEPS_CLOSED:
                ticket.open = False
            elif kind == "reopen":
                ticket.open = True

    @rule(priority=st.sampled_from(["P1", "P2", "P4"]), which=st.integers(0, 9))
    def choose(self, priority: Priority, which: int) -> None:
        """A person sets a ticket's priority."""
        if self.tickets:
            ticket = self.tickets[which % len(self.tickets)]
            ticket.priority = ticket.chosen = priority

    @rule(found=st.integers(0, 1), which=st.integers(0, 9))
    def diagnose(self, found: int, which: int) -> None:
        """A first look was made at some case."""
        if self.cases:
            key = sorted(self.cases)[which % len(self.cases)]
            self.events.append(Diagnosed(case=key, found=found, at=self.now))

    @rule()
    def poll(self) -> None:
        """The courier looks at the tickets of cases that are not pending; at closed ones for a rating."""
        for case in self.cases.values():
            ticket = next((one for one in self.tickets if one.ref == case.ticket), None)
            if ticket is not None and case.state != "pending":
                status = "open" if ticket.open else "resolved"
                state = TicketState(
                    ref=ticket.ref,
                    status=status,
                    desk_status=status,
                    priority=ticket.priority,
                    acts=tuple(ticket.acts),
                )
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
    def every_open_p1_has_a_note_due(self) -> None:
        for case in self.cases.values():
            urgent = "P1" in {case.priority, case.ticket_priority}
            if urgent and case.state in WORKING and case.parent is None and case.closed_by_person_at is None:
                assert case.care.note_due is not None, "an urgent case has no note due"
                assert case.care.note_due <= self.now + NOTE, "the next note is too far away"

    @invariant()
    def no_key_has_a_second_open_ticket(self) -> None:
        for one in self.tickets:
            twins = [other for other in self.tickets if other.key == one.key and other.open]
            assert len(twins) <= 1 or any(act.kind == "reopen" for twin in twins for act in twin.acts)

    @invariant()
    def a_persons_choice_is_never_undercut(self) -> None:
        assert not [one for one in self.tickets if one.chosen and worse(one.chosen, one.priority)]

    @invariant()
    def what_recurs_has_one_problem_ticket(self) -> None:
        open_ones = [case.members for case in self.cases.values() if case.rule == "problem" and case.state != "closed"]
        assert len(open_ones) == len(set(open_ones))

    @invariant()
    def notes_do_not_pile_up(self) -> None:
        notes = [one.case for one in self.waiting if one.topic == "progress"]
        assert len(notes) == len(set(notes))

    @invariant()
    def a_case_is_handed_on_once_an_opening(self) -> None:
        assert all(len(case.desks) == len(set(case.desks)) for case in self.cases.values())

    @invariant()
    def a_case_never_is_healthy_and_ill(self) -> None:
        assert not [
            case for case in self.cases.values() if case.breach_since is not None and case.healthy_since is not None
        ]


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
