"""The customer's calendar in unix seconds: weekly hours, RFC 5545 rules, freezes and public holidays, expanded and checked.

A rule is expanded in wall time and each occurrence is then placed in its zone, by RFC 5545's own rule: a wall time that a clock
change skips is read with the offset before the change (so it shifts forward), one that comes twice is the first. A duration is
absolute time. Hours that go past midnight belong to the day on which they begin.

Imported by the courier and by commands: dateutil and holidays are nothing for the resident daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import holidays
from dateutil.rrule import DAILY, rrule, rrulestr

from agent.calendar.windows import Calendar, Closure, Hours
from agent.configuration.settings import DAY, Freeze, PublicHolidays, RuledWindow, WeeklyWindow, WindowSettings

#: how far ahead is planned: a window once a year is found
HORIZON = 400 * DAY
#: the collection of public holidays that is locked here, and of which day it is
HOLIDAYS = ("0.109", date(2026, 11, 17))
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: how the collection calls our languages; English has most of its names
_LANGUAGES = {"en": "en_US", "zh_Hans": "zh_CN", "zh_Hant": "zh_TW"}


def calendar(
    settings: WindowSettings, zone: ZoneInfo, now: float, *, until: float | None = None, language: str = "en"
) -> Calendar:
    """Return the calendar from `now` to `until` (unix seconds), 400 days when None.

    zone: the customer's, for entries that name none; language: of the holidays' names, where the collection has it.
    Raises ValueError when an entry is not what `agent.calendar.calendar_check` lets pass.
    """
    until = now + HORIZON if until is None else until
    hours = {one for agreed in settings.agreed for one in hours_of(agreed, zone, now, until)}
    closures = [one for freeze in settings.freezes for one in closures_of(freeze, zone, now, until)]
    closures += holidays_of(settings.holidays, zone, now, until, language)
    return Calendar(
        hours=tuple(sorted(hours)),
        closures=tuple(sorted(closures)),
        zone=zone.key,
        holidays=holiday_data() if settings.holidays.country else "",
    )


def hours_of(agreed: WeeklyWindow | RuledWindow, zone: ZoneInfo, now: float, until: float) -> Iterator[Hours]:
    """Yield each time that `agreed` comes which is not over at `now` and begins before `until`."""
    zone = ZoneInfo(agreed.zone) if agreed.zone else zone
    for wall in _occurrences(rule_of(agreed, zone, now), zone, now - agreed.duration, until):
        if (agreed.valid_from or "") <= wall.date().isoformat() <= (agreed.valid_until or "9999"):
            start = moment(wall, zone)
            end = start + agreed.duration
            if end > now and start < until:
                # "No start in the last N minutes": exactly N before the end is still allowed.
                yield Hours(start=start, end=end, last_start=end - agreed.cutoff)


def closures_of(freeze: Freeze, zone: ZoneInfo, now: float, until: float) -> Iterator[Closure]:
    """Yield each time that `freeze` comes which is not over at `now` and begins before `until`."""
    zone = ZoneInfo(freeze.zone) if freeze.zone else zone
    first = datetime.fromisoformat(freeze.start)
    if freeze.rule is None:
        end = datetime.fromisoformat(freeze.end or freeze.start)
        if "T" not in (freeze.end or ""):
            end += timedelta(days=1)  # the whole of its last day
        spans = [(moment(first, zone), moment(end, zone))]
    else:
        rule = parse_rule(freeze.rule, first)
        walls = _occurrences(rule, zone, now - freeze.duration, until)
        spans = [(start, start + freeze.duration) for start in (moment(wall, zone) for wall in walls)]
    for start, end_at in spans:
        if end_at > now and start < until:
            yield Closure(start=start, end=end_at, code="freeze", name=freeze.name)


def holidays_of(
    whose: PublicHolidays, zone: ZoneInfo, now: float, until: float, language: str = "en"
) -> Iterator[Closure]:
    """Yield each public holiday, from midnight to midnight in `zone`.

    Raises NotImplementedError for a country or a part of one that the collection does not know.
    """
    if not whose.country:
        return
    years = range(datetime.fromtimestamp(now, zone).year, datetime.fromtimestamp(until, zone).year + 1)
    country = whose.country.upper()
    known = holidays.list_localized_countries().get(country, [])
    named = next((name for name in (_LANGUAGES.get(language, language), "en_US") if name in known), None)
    days = holidays.country_holidays(country, subdiv=whose.subdivision or None, years=years, language=named)
    for day, name in sorted(days.items()):
        start, end = (moment(datetime.combine(day + timedelta(days=n), time()), zone) for n in (0, 1))
        if end > now and start < until:
            yield Closure(start=start, end=end, code="holiday", name=name)


def holiday_data() -> str:
    """Return which collection of public holidays this is, with its day where that is known: it ages, as countries decide.

    >>> holiday_data().startswith("holidays ")
    True
    """
    installed, (known, day) = version("holidays"), HOLIDAYS
    return f"holidays {installed} of {day}" if installed == known else f"holidays {installed}"


def rule_of(agreed: WeeklyWindow | RuledWindow, zone: ZoneInfo, now: float) -> rrule:
    """Return when `agreed` begins, in wall time: hours of the week are a rule as well."""
    if isinstance(agreed, RuledWindow):
        return parse_rule(agreed.rule, datetime.fromisoformat(agreed.start))
    yesterday = datetime.fromtimestamp(now - agreed.duration - 2 * DAY, zone).date()
    first = datetime.combine(yesterday, time.fromisoformat(agreed.start))
    return rrule(DAILY, dtstart=first, byweekday=[_WEEKDAYS.index(day) for day in agreed.days])


def parse_rule(text: str, first: datetime) -> rrule:
    """Return a recurrence rule that begins at `first` (wall time). Raises ValueError that says what is wrong with it."""
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    if parts.get("FREQ") not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise ValueError("FREQ is not DAILY, WEEKLY, MONTHLY or YEARLY")
    if "UNTIL" in parts:
        raise ValueError("UNTIL is said by valid_until, or by the freeze's end")
    if parts.get("INTERVAL", "1").strip("0") == "":
        raise ValueError("INTERVAL is 0: it would come for ever on one day")
    try:
        rule = rrulestr(text, dtstart=first)
    except (ValueError, KeyError, TypeError, IndexError) as error:  # dateutil's own, for different slips
        raise ValueError(f"is no recurrence rule ({error})") from error
    if not isinstance(rule, rrule):
        raise ValueError("is more than one recurrence rule")  # noqa: TRY004 - a slip in a file, as the others
    return rule


def moment(wall: datetime, zone: ZoneInfo) -> float:
    """Return the unix seconds of a wall time: shifted forward where clocks skip it, the first where it comes twice.

    >>> moment(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()
    True
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC).timestamp()


def _occurrences(rule: rrule, zone: ZoneInfo, since: float, until: float) -> Iterator[datetime]:
    """Yield the wall times of `rule` from a day before `since` to a day after `until`: what a zone's offset can make of them."""
    last = datetime.fromtimestamp(until + DAY, zone).replace(tzinfo=None)
    for wall in rule.xafter(datetime.fromtimestamp(since - DAY, zone).replace(tzinfo=None), inc=True):
        if wall > last:
            return
        yield wall
