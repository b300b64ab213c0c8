"""A history through the daemon's own judge and case machine, with the history's time: which tickets it would have opened.

Each host is judged by itself, in memory; nothing is written and no desk is asked. A desk is played that takes every ticket at
once, and a person who confirms each recovery when the readings have verified it, and does nothing else: what was done about
the trouble is in the history. The host has been known for long, so there is no first look.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from agent.configuration.config import Configuration
from agent.configuration.settings import DAY
from agent.following.cases import is_history
from agent.following.follow import follow
from agent.following.model import Acted, Case, Delivered, DeskEvent, Operation
from agent.replay.recording import Recorded, Series
from collectors import Reading
from thresholds import Fact, Finding, Forecast, Judge
from ticketing_clients import Act, Priority, TicketRef

DESK = "replay"
#: a series that has missed so many of its own intervals is no longer there; a slow collector's last reading counts until then
MISSED_INTERVALS = 3
LONGEST_GAP = DAY
#: a limit is reached when no more than this share of the whole is left
REACHED = 0.001


class ReplayedTicket(msgspec.Struct, kw_only=True):
    """A ticket that would have been opened. Times are unix seconds.

    subject: the labels that identify it, with the label `host` where the history has hosts. priority: at opening;
    highest: what it rose to. evidence, forecast: of the finding that opened it. opened_at, reopened_at: when; closed_at: when
    the recovery was verified, None while it lasts. crossed_at: when the limit was reached while the ticket was open.
    """

    key: str
    rule: str
    host: str
    subject: dict[str, str]
    opened_at: float
    closed_at: float | None = None
    reopened_at: tuple[float, ...] = ()
    priority: Priority
    highest: Priority
    evidence: dict[str, Fact]
    forecast: Forecast | None
    crossed_at: float | None = None


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that was reached without an open ticket: the rule saw it too late, or something held the ticket back."""

    rule: str
    host: str
    subject: dict[str, str]
    at: float


class Outcome(msgspec.Struct, kw_only=True):
    """What a history comes to.

    host_days: days of history, summed over the hosts. unknown: rule and subject pairs that could never be judged.
    """

    tickets: list[ReplayedTicket]
    missed: list[Missed]
    hosts: int
    host_days: float
    series: int
    readings: int
    unknown: int


class Replay:
    """Feed it a history in the order of each host's time, then ask for the outcome."""

    def __init__(self, configuration: Configuration) -> None:
        """Given the configuration whose rules, cases and impact are tried."""
        self._configuration = configuration
        self._hosts: dict[str, _Host] = {}
        self._series: dict[Series, _Latest] = {}
        self._readings = 0

    def feed(self, recorded: Iterable[Recorded]) -> None:
        """Take in readings; those of one host and time are one cycle."""
        known = self._series
        for series, value, at in recorded:
            latest = known.get(series) or self._meet(series, at)
            host = latest.host
            if at != host.now:
                host.cycle()
                host.now = at
            latest.take(value, at)
            self._readings += 1

    def _meet(self, series: Series, at: float) -> _Latest:
        host = self._hosts.get(series.host)
        if host is None:
            host = self._hosts[series.host] = _Host(series.host, self._configuration, at)
        latest = self._series[series] = _Latest(series, host)
        host.series.append(latest)
        return latest

    def outcome(self) -> Outcome:
        """Return what has come of it so far, the last cycles included."""
        for host in self._hosts.values():
            host.cycle()
        hosts = self._hosts.values()
        return Outcome(
            tickets=sorted((one for host in hosts for one in host.tickets), key=lambda one: (one.opened_at, one.key)),
            missed=sorted((one for host in hosts for one in host.missed), key=lambda one: one.at),
            hosts=len(self._hosts),
            host_days=sum(host.now - host.began for host in hosts) / DAY,
            series=len(self._series),
            readings=self._readings,
            unknown=sum(host.never_judged for host in hosts),
        )


class _Latest:
    """The latest reading of one series.

    until: when it will have missed so many of its own intervals that it is no longer there (unix seconds).
    """

    __slots__ = ("at", "host", "reading", "series", "until")
    reading: Reading

    def __init__(self, series: Series, host: _Host) -> None:
        self.series = series
        self.host = host
        self.at = self.until = -math.inf

    def take(self, value: float, at: float) -> None:
        if at > self.at:  # else it was said twice
            self.until = at + min(MISSED_INTERVALS * (at - self.at), LONGEST_GAP)
            self.at = at
        self.reading = self.series.reading(value, at)


class _Host:
    """One host on its way through its history."""

    def __init__(self, name: str, configuration: Configuration, began: float) -> None:
        self.name = name
        self.began = self.now = began
        self.tickets: list[ReplayedTicket] = []
        self.missed: list[Missed] = []
        self._judge = Judge(configuration.rules)
        self.series: list[_Latest] = []
        self._cases: dict[str, Case] = {}
        self._alive = False
        self._events: list[DeskEvent] = []
        self._open: dict[str, ReplayedTicket] = {}
        self._beyond: set[str] = set()
        self._situation = configuration.situation(began, name, first_look_ends=began)

    @property
    def never_judged(self) -> int:
        return self._judge.never_judged

    def cycle(self) -> None:
        """Judge and follow what is known now."""
        now = self.now
        readings = [one.reading for one in self.series if now <= one.until]
        findings, _ = self._judge.judge(readings, (), now)
        # To closed cases and to none at all a healthy finding is no news.
        news = self._alive or bool(self._events)
        for finding in findings:
            if finding.severity:
                news = True
            if "available" in finding.evidence:
                self._watch(finding)
        if news:
            self._follow(findings)

    def _follow(self, findings: Sequence[Finding]) -> None:
        situation = msgspec.structs.replace(self._situation, now=self.now)
        events, self._events = self._events, []
        steps = follow(self._cases, findings, events, situation)
        for step in steps:
            for operation in step.operations:
                self._deliver(operation, step.case)
            self._answer(self._cases.get(step.case.key), step.case)
        self._alive = any(step.case.state != "closed" for step in steps)
        self._cases = {step.case.key: step.case for step in steps if not is_history(step.case, self.now)}

    def _deliver(self, operation: Operation, case: Case) -> None:
        """Take an operation as a desk does that never refuses."""
        now, key = self.now, operation.case
        match operation.kind:
            case "open":
                ticket = self._open[key] = ReplayedTicket(
                    key=key,
                    rule=case.rule,
                    host=self.name,
                    subject=case.subject | ({"host": self.name} if self.name else {}),
                    opened_at=now,
                    priority=case.priority,
                    highest=case.priority,
                    evidence=case.evidence,
                    forecast=case.forecast,
                    crossed_at=now if key in self._beyond else None,
                )
                self.tickets.append(ticket)
            case "reopen":
                self._open[key].closed_at = None
                self._open[key].reopened_at += (now,)
            case "raise_priority":
                self._open[key].highest = case.priority
            case _:
                pass
        ref = TicketRef(DESK, key)
        self._events.append(Delivered(case=key, operation=operation.id, kind=operation.kind, ref=ref, at=now))

    def _answer(self, before: Case | None, case: Case) -> None:
        """Confirm a recovery as soon as the readings have verified it."""
        if case.state == "awaiting_confirmation" and (before is None or before.state != case.state):
            at = datetime.fromtimestamp(self.now, UTC)
            act = Act(id=f"confirmed {case.operations}", kind="confirm", by="the replay", at=at)
            self._events.append(Acted(case=case.key, act=act, at=self.now))
            self._open[case.key].closed_at = self.now

    def _watch(self, finding: Finding) -> None:
        """Notice a limit that is reached, where what is left until then is known, and whether a ticket had said so."""
        left, whole = finding.evidence.get("available"), finding.evidence.get("whole")
        if not isinstance(left, float) or not isinstance(whole, float):
            return
        reached = left <= REACHED * whole
        if not reached and not self._beyond:
            return
        key = self._situation.key(finding.rule, finding.subject)
        if not reached:
            self._beyond.discard(key)
        elif key not in self._beyond:
            self._beyond.add(key)
            ticket = self._speaking_for(key)
            if ticket is not None:
                ticket.crossed_at = ticket.crossed_at or self.now
            elif self.now > self.began:  # what was so from the start nobody could have told
                self.missed.append(Missed(rule=finding.rule, host=self.name, subject=finding.subject, at=self.now))

    def _speaking_for(self, key: str) -> ReplayedTicket | None:
        """Return the open ticket of a case, its own or that of the gathering which told of it."""
        case = self._cases.get(key)
        ticket = self._open.get(case.parent or key) if case else None
        return ticket if ticket is not None and ticket.closed_at is None else None
