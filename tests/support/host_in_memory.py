"""A host with one clock, one customer and a desk in memory, on which the life of cases is told by example."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.configuration.settings import CaseSettings, CustomerSettings, DeliverySettings, HostSettings, ServiceLevels
from agent.following.cases import Situation, case_key
from agent.following.follow import follow
from agent.following.model import Case, Delivered, DeskEvent, Observed, Operation, Promise
from thresholds import Finding, Forecast, Rule, Selector, Severity
from ticketing_clients import Act, ActKind, TicketRef, TicketState

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NOON = 1_790_000_000.0
TICKET = TicketRef("rt", "7", "http://127.0.0.1/7")

RULES = {
    "disk_space": Rule(
        id="disk_space",
        summary="A disk fills up.",
        kind="forecast",
        select=Selector(reading="filesystem_avail_bytes"),
        hold=5 * MINUTE,
        verify=HOUR,
    )
}


class Host:
    """A host with one clock, one customer, and a desk that does what it is asked."""

    def __init__(self, *, installed_ago: float = 30 * DAY) -> None:
        self.now = NOON
        self.first_look_ends = NOON - installed_ago + DAY
        self.cases: dict[str, Case] = {}
        self.operations: list[Operation] = []
        self.untold: list[str] = []
        self.maintenance = False
        self.policy = CaseSettings()
        self.delivery = DeliverySettings()
        self.service_levels = ServiceLevels()
        self.host = HostSettings()
        self.customer = CustomerSettings(id="acme", contact="ann@acme.test")
        self.kept: list[tuple[str, str, str]] = []
        self.budgets: dict[str, int] = {}
        self.ticket_open = True
        self.acts: list[Act] = []

    def cycle(self, *findings: Finding, after: float = MINUTE, events: list[DeskEvent] | None = None) -> list[str]:
        """Let time pass, run one cycle, and return what it asks of the desk as `kind topic`."""
        self.now += after
        stamped = [_at(finding, self.now) for finding in findings]
        situation = Situation(
            now=self.now,
            host_id="h1",
            rules=RULES,
            host=self.host,
            customer=self.customer,
            policy=self.policy,
            delivery=self.delivery,
            service_levels=self.service_levels,
            first_look_ends=self.first_look_ends,
            maintenance=self.maintenance,
            budgets=self.budgets,
        )
        steps = follow(self.cases, stamped, events or [], situation)
        self.cases = {step.case.key: step.case for step in steps}
        asked = [operation for step in steps for operation in step.operations]
        self.operations += asked
        self.untold += [step.case.key for step in steps if step.untold]
        self.kept += [kept for step in steps for kept in step.kept]
        return [f"{operation.kind} {operation.topic}" for operation in asked]

    def case(self, mount: str = "/srv") -> Case:
        return self.cases[key_of(mount)]

    def open_case(self) -> None:
        """Bring a disk's case to an open, delivered ticket."""
        self.cycle(filling())
        assert self.cycle(filling(), after=5 * MINUTE) == ["open opened"]
        self.deliver("open")
        assert self.case().ticket == TICKET

    def deliver(self, kind: str, promise: Promise | None = None) -> None:
        """Have the desk do it; `promise` is what its ticket then says is due."""
        event = Delivered(case=key_of("/srv"), operation="x", kind=kind, ref=TICKET, at=self.now, promise=promise)  # type: ignore[arg-type]
        self.cycle(events=[event], after=0)

    def said(self, topic: str) -> list[Operation]:
        """Return what was said on a topic so far."""
        return [one for one in self.operations if one.topic == topic]

    def deliver_to(self, rule: str, ref: TicketRef = TICKET) -> None:
        """Have the gathering's ticket opened."""
        [gathering] = [case for case in self.cases.values() if case.rule == rule]
        event = Delivered(case=gathering.key, operation="x", kind="open", ref=ref, at=self.now)
        self.cycle(events=[event], after=0)

    def gathering(self, rule: str) -> Case:
        [gathering] = [case for case in self.cases.values() if case.rule == rule]
        return gathering

    def person(self, kind: ActKind, *, ticket_open: bool | None = None, **details: object) -> list[DeskEvent]:
        """Return what a poll shows after a person did this."""
        when = datetime.fromtimestamp(self.now, UTC)
        self.acts.append(Act(id=str(len(self.acts) + 1), kind=kind, by="sue", at=when, **details))  # type: ignore[arg-type]
        if ticket_open is not None:
            self.ticket_open = ticket_open
        return self.poll()

    def poll(self) -> list[DeskEvent]:
        status = "open" if self.ticket_open else "resolved"
        state = TicketState(ref=TICKET, status=status, desk_status=status, handler="sue", acts=tuple(self.acts))
        return [Observed(case=key_of("/srv"), state=state, at=self.now)]


def key_of(mount: str) -> str:
    return case_key("acme", "h1", "disk_space", {"mountpoint": mount})


def filling(mount: str = "/srv", *, days: float = 10.0, severity: Severity = Severity.WARNING) -> Finding:
    """A finding whose limit is expected to be crossed in so many days (from the cycle that sees it)."""
    forecast = Forecast(days * DAY * 0.8, days * DAY, days * DAY * 1.5)
    return Finding("disk_space", {"mountpoint": mount}, severity, 0.0, {"used": 1.0}, forecast)


def full(mount: str = "/srv") -> Finding:
    return Finding("disk_space", {"mountpoint": mount}, Severity.CRITICAL, 0.0, {"used": 2.0})


def healthy(mount: str = "/srv") -> Finding:
    return Finding("disk_space", {"mountpoint": mount}, Severity.HEALTHY, 0.0, {"used": 0.5})


def _at(finding: Finding, now: float) -> Finding:
    forecast = finding.forecast and Forecast(
        now + finding.forecast.earliest, now + finding.forecast.expected, now + (finding.forecast.latest or 0)
    )
    return Finding(
        finding.rule, finding.subject, finding.severity, now, finding.evidence, forecast, finding.labels, finding.since
    )
