"""Makes the customer's view of what the daemon knows: which cases are told, how they stand, and what is drawn of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from agent.chart import Chart, Mark, Point
from agent.configuration.settings import DAY
from agent.following.model import Case
from agent.status import CaseDetails, Desk, Summary, health
from agent.web.consent import ConsentView
from agent.web.glance import glance
from agent.web.past import Past
from agent.web.story import happenings
from agent.web.view import CaseView, DeskView, FrontView, Standing, StoryView, Text, Window
from agent.wording import plain
from agent.wording.spoken import Problem, Spoken
from collectors import Reading
from thresholds import Forecast

MOST_CASES = 100
MOST_CHARTS = 12
LONG, SHORT = 30 * DAY, 7 * DAY  # how far back is drawn: of what goes on for weeks, and of what came up
#: units of what can be drawn; the rest is a date, or yes and no
DRAWN = frozenset({"bytes", "ratio", "seconds", "celsius", "count"})


def front_view(
    summary: Summary, done: Sequence[Case], consent: ConsentView | None, spoken: Spoken, past: Past
) -> FrontView:
    """Return the front page. done: the cases that were closed lately."""
    told = [case for case in summary.cases if case.parent is None]
    build = _Builder(summary, spoken, past)
    cases = [build.case(case, drawn=number < MOST_CHARTS) for number, case in enumerate(told[:MOST_CASES])]
    names = [plain.subject(gap.labels) if gap.labels else collector for collector, gap in summary.unchecked]
    names += [run.name for run in summary.collectors if not (run.success or run.not_supported or run.unchecked)]
    return FrontView(
        host=summary.host_name,
        zone=summary.zone,
        at=summary.cycle_at,
        next_at=summary.next_cycle_at,
        health=health(summary),
        cases=tuple(cases),
        more=len(told) - len(cases),
        done=tuple(build.case(case, drawn=False) for case in done),
        glance=glance(past, build.drawn, spoken, summary.zone),
        unchecked=tuple(dict.fromkeys(names)),
        unjudged=len(summary.unjudged),
        desks=tuple(_desk(desk) for desk in summary.desks),
        consent=consent,
    )


def story_view(details: CaseDetails, summary: Summary, spoken: Spoken, past: Past) -> StoryView:
    """Return the page of one case."""
    build = _Builder(summary, spoken, past, own={details.case.rule: details.summary})
    return StoryView(
        host=summary.host_name,
        zone=summary.zone,
        at=summary.cycle_at,
        case=build.case(details.case, drawn=True),
        happened=happenings(details),
        texts=tuple(sorted(_texts(details), key=lambda text: text.at)),
    )


class _Builder:
    def __init__(self, summary: Summary, spoken: Spoken, past: Past, own: dict[str, str] | None = None) -> None:
        self._summary, self._spoken, self._past = summary, spoken, past
        self._lines = {**(own or {}), **summary.rules}
        self.drawn: list[str] = []  # series of which there is a drawing

    def case(self, case: Case, *, drawn: bool) -> CaseView:
        """Return one case."""
        now, over = self._summary.cycle_at, case.state == "closed"
        forecast = None if over or _has_happened(case, now) else self._spoken.reachable(case.forecast)
        problem = Problem(
            rule=case.rule,
            summary=self._lines.get(case.rule, ""),
            subject=case.subject,
            severity=case.severity,
            evidence=case.evidence,
            forecast=None if over else case.forecast,
        )
        title = self._spoken.headline(problem) if case.rule else ""
        healthy = standing(case) in {"checked", "waiting", "done"} and case.healthy_evidence
        latest = msgspec.structs.replace(problem, evidence=case.healthy_evidence) if healthy else problem
        windows = () if over else _windows(case, now)
        return CaseView(
            title=title,
            priority=case.priority,
            standing=standing(case),
            since=case.changed_at,
            path=f"/cases/{case.key[:16]}",
            measured=self._spoken.measured(latest) if case.rule else "",
            forecast=forecast,
            windows=windows,
            settled_by=None if over or case.care.promise is None else case.care.promise.fix_due,
            next_at=_next_news(case),
            until=case.deferred_until if case.state == "deferred" else None,
            handler=case.handler,
            ticket=f"{case.ticket.desk} #{case.ticket.id}" if case.ticket else "",
            url=case.ticket.url if case.ticket and case.ticket.url.startswith(("https://", "http://")) else "",
            others=len(case.members),
            chart=self._chart(case, title, forecast, windows) if drawn else None,
        )

    def _chart(self, case: Case, title: str, forecast: Forecast | None, windows: Sequence[Window]) -> Chart | None:
        """Return the drawing of what the case is about, if it is a number and there is more than one of it."""
        reading, unit = self._summary.reads.get(case.rule, ""), str(case.evidence.get("unit") or "")
        if not reading or unit not in DRAWN or (not case.labels and case.subject):
            return None
        series = Reading(reading, 0.0, unit, case.labels, 0.0).series
        end = case.closed_at or self._summary.cycle_at
        points = self._past.points(series, end - (LONG if case.forecast else SHORT), end)
        latest = case.evidence.get("available", case.evidence.get("value"))
        if isinstance(latest, int | float) and case.last_seen > max((point.at for point in points), default=0.0):
            points.append(Point(case.last_seen, float(latest)))
        limit = case.evidence.get("limit")
        if len(points) < 2:  # noqa: PLR2004 - a line needs two
            return None
        self.drawn.append(series)
        marks = [] if case.closed_at else [Mark(self._summary.cycle_at, self._spoken.at_present)]
        return Chart(
            title=title,
            points=points,
            unit=unit,
            zone=self._summary.zone,
            limit=float(limit) if isinstance(limit, int | float) else None,
            forecast=forecast,
            seen_at=case.last_seen,
            windows=[(window.start, window.end) for window in windows],
            marks=marks,
        )


def _has_happened(case: Case, now: float) -> bool:
    """Return whether what was foreseen is past for certain: then it is not coming any more, it is there."""
    return case.forecast is not None and case.forecast.latest is not None and case.forecast.latest <= now


def standing(case: Case) -> Standing:
    """Return how the case stands, as the customer sees it."""
    if case.state in _STANDINGS:
        return _STANDINGS[case.state]
    if case.agreed is not None:
        return "agreed"
    return "worked_on" if case.handler or case.state == "acknowledged" else "diagnosed"


_STANDINGS: dict[str, Standing] = {
    "deferred": "put_off",
    "recovering": "checked",
    "awaiting_confirmation": "waiting",
    "closed": "done",
}


def _windows(case: Case, now: float) -> tuple[Window, ...]:
    if case.agreed is not None:
        return (Window(start=case.agreed.window.start, end=case.agreed.window.end, agreed=True),)
    return tuple(Window(start=one.start, end=one.end) for one in case.proposed if one.end > now)


def _next_news(case: Case) -> float | None:
    """Return until when people hear from us or from the desk, where that was promised."""
    care, promise = case.care, case.care.promise
    if care.note_due is not None:
        return care.note_due
    return promise.answer_due if promise is not None and care.answered_at is None else None


def _desk(desk: Desk) -> DeskView:
    return DeskView(
        name=desk.name,
        reachable=desk.reachable,
        waiting=desk.queue.waiting,
        oldest_at=desk.queue.oldest_at,
        refused=desk.queue.rejected,
        last_contact=desk.last_contact,
    )


def _texts(details: CaseDetails) -> Iterator[Text]:
    """Yield what was written: by us, as it was sent, and by people, as far as the desk told us.

    Of an act's words nobody knows whether the customer is to see them: they may be a note of IT's. The local desk knows.
    """
    for one in details.sent:
        if not one.copy:
            yield Text(at=one.at, title=one.title, body=one.body, desk=one.desk, public=one.public)
    here = [comment for comment in details.ticket.comments if comment.by] if details.ticket else []
    yield from (Text(at=one.at, words=one.text, by=one.by, public=one.public) for one in here)
    for act in details.case.acts:
        if act.text and (act.by, act.text) not in {(one.by, one.text) for one in here}:
            yield Text(at=act.at.timestamp(), words=act.text, by=act.by, public=False)
