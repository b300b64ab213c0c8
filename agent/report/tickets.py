"""The tickets of a period: what each warned of and what became of that, promises kept, and what came back. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, cast, get_args

from agent.following.episodes import how_it_ended
from agent.following.follow import GATHERINGS
from agent.following.model import Case, Episode, Kept, Promised
from agent.report.model import About, Outcome, Promises, Recurrence, Risk, Ticket
from agent.report.schedule import Period
from thresholds import Finding, Forecast, Rule, Severity
from ticketing_clients import Priority

# An operation is queued in the cycle that opens its case; so many seconds are a clock that was corrected meanwhile.
SAME_MOMENT = 120.0
FEWEST_TIMES = 2  # that something opened in the period, to have come back


class Opening(NamedTuple):
    """What a desk was told when a case opened: at unix seconds, and the forecast of that moment."""

    case: str
    at: float
    forecast: Forecast | None


class Happened(NamedTuple):
    """One line of a case's time line, at unix seconds."""

    case: str
    at: float
    what: str


#: whether the limit that a case is about was reached between two times; None where the history cannot tell
Reached = Callable[[Case, float, float], bool | None]


def about(case: Case | Finding, rules: Mapping[str, Rule]) -> About:
    """Return what a case or finding is about."""
    rule = rules.get(case.rule)
    return About(
        rule=case.rule,
        summary=rule.summary if rule else "",
        remedy=(rule.remedy if rule else None) or case.rule,
        # That of a gathering is a time, which only tells it from others.
        subject={} if case.rule in GATHERINGS else case.subject,
    )


def tickets(
    cases: Iterable[Case],
    rules: Mapping[str, Rule],
    openings: Iterable[Opening],
    reached: Reached,
    period: Period,
) -> list[Ticket]:
    """Return the tickets that were open at any time in `period`, in the order in which they were opened."""
    opened: dict[str, list[Opening]] = defaultdict(list)
    for one in openings:
        opened[one.case].append(one)
    found = []
    for case in cases:
        for episode in _episodes(case):
            if episode.ticket is not None and episode.opened_at < period.until and episode.closed_at >= period.since:
                forecast = _warned_of(opened[case.key], episode)
                outcome = _outcome(case, episode, forecast, reached, period.until) if forecast else None
                found.append(_ticket(about(case, rules), episode, forecast, outcome, period.until))
    return sorted(found, key=lambda one: one.opened_at)


def _episodes(case: Case) -> Iterator[Episode]:
    """Yield each time that the case was open; one that still is has an end that never comes."""
    yield from case.episodes
    if case.state not in {"pending", "closed"} and case.opened_at is not None:
        yield Episode(
            opened_at=case.opened_at,
            closed_at=float("inf"),
            closed_by="person",
            severity=case.severity,
            priority=case.priority,
            ticket=case.ticket,
        )


def _warned_of(openings: Iterable[Opening], episode: Episode) -> Forecast | None:
    """Return what the ticket of `episode` said would come, if that was still to come when it opened."""
    begin, end = episode.opened_at - SAME_MOMENT, episode.closed_at
    opening = next((one for one in openings if begin <= one.at <= end), None)
    forecast = opening.forecast if opening else None
    return forecast if opening and forecast and forecast.expected > opening.at else None


def _ticket(about: About, episode: Episode, forecast: Forecast | None, outcome: Outcome | None, until: float) -> Ticket:
    over = episode.closed_at < until
    return Ticket(
        about=about,
        number=episode.ticket.id if episode.ticket else "",
        priority=episode.priority,
        opened_at=episode.opened_at,
        closed_at=episode.closed_at if over else None,
        ending=how_it_ended(episode) if over else None,
        forecast=forecast,
        outcome=outcome,
        done=episode.done,
        rating=episode.rating,
    )


def _outcome(case: Case, episode: Episode, forecast: Forecast, reached: Reached, until: float) -> Outcome:
    """Return what became of what `forecast` said: prevented only where it was measured in order and never reached."""
    over = episode.closed_at < until
    end = min(episode.closed_at, until)
    crossed = reached(case, episode.opened_at, end)
    if crossed is None and forecast.earliest == forecast.latest:
        crossed = end >= forecast.expected  # a date in the calendar needs no history
    if crossed:
        return "reached"
    if not over:
        return "running"
    return "prevented" if crossed is False and episode.measured_after else "unknown"


def recurrences(cases: Iterable[Case], of: Iterable[Ticket], rules: Mapping[str, Rule]) -> list[Recurrence]:
    """Return what opened more than once among the tickets `of` the period, or is known to recur; the most frequent first."""
    times: dict[tuple[str, frozenset[tuple[str, str]]], list[float]] = defaultdict(list)
    for one in of:
        times[one.about.rule, frozenset(one.about.subject.items())].append(one.opened_at)
    found = []
    for case in cases:
        opened = times[case.rule, frozenset(case.subject.items())]
        flagged = case.recurring and bool(opened)
        if case.rule not in GATHERINGS and (flagged or len(opened) >= FEWEST_TIMES):
            found.append(Recurrence(about=about(case, rules), times=tuple(opened), flagged=flagged))
    return sorted(found, key=lambda one: (-len(one.times), one.about.rule))


def promises(happened: Iterable[Happened], cases: Iterable[Case]) -> list[Promises]:
    """Return how often the service levels' promises were kept, by what is on record of it."""
    by_key = {case.key: case for case in cases}
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: {"met": 0, "missed": 0})
    for one in happened:
        promised, _, kept = one.what.partition(" ")
        if promised in get_args(Promised) and kept in get_args(Kept) and one.case in by_key:
            counts[_priority(by_key[one.case], one.at), promised][kept] += 1
    return [
        Promises(promised=cast("Promised", promised), priority=cast("Priority", priority), **kept)
        for (priority, promised), kept in sorted(counts.items())
    ]


def _priority(case: Case, at: float) -> Priority:
    """Return the priority that the ticket had when it ended, of the time that the case was open at `at`."""
    within = (one.priority for one in case.episodes if one.opened_at <= at <= one.closed_at + SAME_MOMENT)
    return next(within, case.priority)


def risks(cases: Iterable[Case], findings: Iterable[Finding], rules: Mapping[str, Rule]) -> list[Risk]:
    """Return what is not in order now: the cases that are open, and what was found that opens none. The worst first.

    A case that its parent's ticket speaks for is named by itself; the parent is not.
    """
    working = [
        case
        for case in cases
        if case.state in {"open", "acknowledged", "deferred"} and case.rule not in GATHERINGS and case.rule
    ]
    parents = {case.key: case for case in cases}
    found = [
        Risk(
            about=about(case, rules),
            severity=case.severity,
            since=case.opened_at or case.first_seen,
            evidence=case.evidence,
            forecast=case.forecast,
            number=_number(case, parents),
            priority=case.priority,
        )
        for case in working
    ]
    known = {(case.rule, frozenset(case.subject.items())) for case in working}
    found += [
        Risk(about=about(one, rules), severity=one.severity, since=one.since or one.at, evidence=one.evidence)
        for one in findings
        if one.severity > Severity.HEALTHY and (one.rule, frozenset(one.subject.items())) not in known
    ]
    return sorted(found, key=lambda one: (one.priority or "P9", -one.severity, one.since))


def _number(case: Case, parents: Mapping[str, Case]) -> str:
    told_by = parents.get(case.parent or "", case)
    return told_by.ticket.id if told_by.ticket else ""
