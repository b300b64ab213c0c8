"""What every proposal of windows has to keep, told a second time and without the planner's own arithmetic.

Agreed hours and freezes are expanded by dateutil, whose own `resolve_imaginary` moves wall times that clocks skip; holidays are
looked up by day. Used by the property tests on samples and by `tools/all_zones.py` on every zone.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import msgspec
from dateutil.rrule import rrulestr
from dateutil.tz import resolve_imaginary

from agent.calendar.calendars import HORIZON, calendar
from agent.calendar.quiet_hours import QuietHours
from agent.calendar.windows import Limits, Proposal, Taken, propose
from agent.configuration.settings import DAY, RuledWindow, WeeklyWindow, WindowSettings

ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
Span = tuple[float, float]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the planner: all times are unix seconds, all lengths seconds."""

    settings: WindowSettings
    zone: str
    now: float
    length: float
    crossing: float | None = None
    place: int = 0
    taken: tuple[Taken, ...] = ()
    quiet: QuietHours | None = None

    @property
    def latest(self) -> float:
        """By when the work has to be over."""
        return self.now + 10_000 * DAY if self.crossing is None else self.crossing - self.settings.safety


def answer(case: Case) -> Proposal:
    """Return what the planner proposes."""
    zone = ZoneInfo(case.zone)
    limits = Limits(soonest=case.now + case.settings.notice, latest=case.latest, length=case.length)
    return propose(
        case.now,
        calendar(case.settings, zone, case.now),
        limits,
        options=case.settings.options,
        crossing=case.crossing,
        place=case.place,
        taken=case.taken,
        quiet=case.quiet,
    )


def broken(case: Case, proposal: Proposal) -> Iterator[str]:
    """Yield in words every promise that `proposal` breaks: none, when the planner is right."""
    agreed, closed = list(agreed_hours(case)), list(freezes(case))
    if len(proposal.options) > case.settings.options:
        yield "too many options"
    for number, option in enumerate(proposal.options):
        kept = {
            "no sooner than the notice": option.start >= case.now + case.settings.notice,
            "as long as the work": abs(option.end - option.start - case.length) < 1e-3,
            "over by the deadline": option.end <= case.latest,
            "in agreed hours": any(opens <= option.start <= last and option.end <= end for opens, last, end in agreed),
            "outside freezes": not any(option.start < end and option.end > start for start, end in closed),
            "on no holiday": not on_a_holiday(case, option.start, option.end),
            "where nothing is agreed": not any(
                one.agreed and option.start < one.end and option.end > one.start for one in case.taken
            ),
        }
        yield from (f"option {number + 1} is not {promise}" for promise, is_kept in kept.items() if not is_kept)
    spans = sorted((option.start, option.end) for option in proposal.options)
    if any(earlier[1] > later[0] + 1e-3 for earlier, later in pairwise(spans)):
        yield "options overlap"
    if proposal.none_fits:
        start = possible_start(case, agreed, closed)
        if start is not None:
            yield f"nothing was proposed, and {datetime.fromtimestamp(start, ZoneInfo(case.zone))} would do"
        if not proposal.ruled_out and any(end > case.now and opens < case.latest for opens, _, end in agreed):
            yield "nothing was proposed, and it does not say why"


def agreed_hours(case: Case) -> Iterator[tuple[float, float, float]]:
    """Yield begin, last start and end of the agreed hours around the time that is planned."""
    for agreed in case.settings.agreed:
        name = agreed.zone or case.zone
        for wall in walls(agreed, name, case.now - 16 * DAY, min(case.now + HORIZON, case.latest)):
            if (agreed.valid_from or "") <= f"{wall:%Y-%m-%d}" <= (agreed.valid_until or "9999"):
                start = placed(wall, name)
                if start < case.now + HORIZON:
                    yield start, start + agreed.duration - agreed.cutoff, start + agreed.duration


def freezes(case: Case) -> Iterator[Span]:
    """Yield begin and end of each freeze around the time that is planned."""
    for freeze in case.settings.freezes:
        name = freeze.zone or case.zone
        if freeze.end is not None:
            end = datetime.fromisoformat(freeze.end)
            yield (
                placed(datetime.fromisoformat(freeze.start), name),
                placed(end if "T" in freeze.end else end + timedelta(days=1), name),
            )
        elif freeze.rule is not None:
            rule = rrulestr(freeze.rule, dtstart=datetime.fromisoformat(freeze.start))
            for wall in rule.between(*around(name, case.now - freeze.duration, case.now + HORIZON), inc=True):
                yield placed(wall, name), placed(wall, name) + freeze.duration


def walls(agreed: WeeklyWindow | RuledWindow, zone: str, since: float, until: float) -> list[datetime]:
    """Return the wall times at which `agreed` begins."""
    first, last = around(zone, since, until)
    if isinstance(agreed, RuledWindow):
        return rrulestr(agreed.rule, dtstart=datetime.fromisoformat(agreed.start)).between(first, last, inc=True)
    hour, minute = map(int, agreed.start.split(":"))
    days = (first.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=n) for n in range(500))
    return [day for day in days if day <= last and f"{day:%a}".lower() in agreed.days]


def around(zone: str, since: float, until: float) -> tuple[datetime, datetime]:
    """Return wall times a day before and a day after."""
    first, last = (datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None) for at in (since - DAY, until + DAY))
    return first, last


def placed(wall: datetime, zone: str) -> float:
    """Return the unix seconds of a wall time, as dateutil resolves one that there is not."""
    return resolve_imaginary(wall.replace(tzinfo=ZoneInfo(zone))).timestamp()


def on_a_holiday(case: Case, start: float, end: float) -> str:
    """Return the public holiday that a minute of the time falls on, empty when none does."""
    whose = case.settings.holidays
    if not whose.country:
        return ""
    at = start
    while at < end:
        day = datetime.fromtimestamp(at, ZoneInfo(case.zone)).date()
        if name := holidays_in(whose.country, whose.subdivision).get(day):
            return str(name)
        at += min(60.0, max(end - at - 1e-3, 1e-3))
    return ""


@cache
def holidays_in(country: str, subdivision: str) -> holidays.HolidayBase:
    """Return a country's holidays, which are made as they are asked for."""
    return holidays.country_holidays(country, subdiv=subdivision or None)


def possible_start(case: Case, agreed: list[tuple[float, float, float]], closed: list[Span]) -> float | None:
    """Return a start that keeps every promise, tried minute by minute; None when there is none."""
    soonest = case.now + case.settings.notice
    busy = closed + [(one.start, one.end) for one in case.taken if one.agreed]
    for opens, last, closes in agreed:
        start = max(opens, soonest)
        while start <= min(last, closes - case.length, case.latest - case.length):
            blocking = [end for begin, end in busy if start < end and start + case.length > begin]
            if not blocking and not on_a_holiday(case, start, start + case.length):
                return start
            start = max(blocking) if blocking else start + 60
    return None


@cache
def clock_changes(name: str, first: int = 1990, last: int = 2037) -> tuple[float, ...]:
    """Return the unix seconds from the year `first` to `last` at which the zone's offset changes, to the minute."""
    zone = ZoneInfo(name)

    def offset(at: float) -> timedelta | None:
        return datetime.fromtimestamp(at, zone).utcoffset()

    begin, end = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (first, last))
    found = []
    for number in range(round((end - begin) / DAY / 5)):  # Morocco changes for a month of four weeks
        low, high = begin + number * 5 * DAY, begin + (number + 1) * 5 * DAY
        if offset(low) == offset(high):
            continue
        while high - low > 60:
            middle = (low + high) / 2
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        found.append(round(high / 60) * 60.0)
    return tuple(found)
