"""When a health report is due by itself: of which month, quarter or year, that is over by now. Pure.

The daemon imports it: what a report is made of is elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agent.configuration.settings import DAY, Schedule

#: months that a period has
MONTHS: dict[Schedule, int] = {"monthly": 1, "quarterly": 3, "yearly": 12}
# A report of a few days says nothing that its readers do not know.
LEAST_KNOWN = 7 * DAY


class Period(NamedTuple):
    """What is reported: [since, until), in unix seconds."""

    since: float
    until: float


class Finished(NamedTuple):
    """A period that is over. name: "2026-10", "2026-Q4" or "2026"."""

    name: str
    period: Period


def finished(schedule: Schedule, now: float, zone: ZoneInfo) -> Finished | None:
    """Return the last period that is over at `now` (unix seconds) by the calendar of `zone`; None for never.

    >>> finished("quarterly", datetime(2026, 11, 29).timestamp(), ZoneInfo("Europe/Berlin")).name
    '2026-Q3'
    """
    if schedule not in MONTHS:
        return None
    length, today = MONTHS[schedule], datetime.fromtimestamp(now, zone)
    index = (today.year * 12 + today.month - 1) // length  # of the period that is going on
    since, until = (_first_day(number * length, zone) for number in (index - 1, index))
    name = {1: f"{since:%Y-%m}", 3: f"{since:%Y}-Q{(since.month + 2) // 3}", 12: f"{since:%Y}"}[length]
    return Finished(name, Period(since.timestamp(), until.timestamp()))


def due(schedule: Schedule, now: float, zone: ZoneInfo, *, known_since: float, reported: str) -> Finished | None:
    """Return the period of which a report is to be made at `now`; None when there is none to make.

    known_since: when the records began. reported: the name of the last period of which one was made.
    """
    found = finished(schedule, now, zone)
    if found is None or found.name == reported or found.period.until - known_since < LEAST_KNOWN:
        return None
    return found


def _first_day(month: int, zone: ZoneInfo) -> datetime:
    year, rest = divmod(month, 12)
    return datetime(year, rest + 1, 1, tzinfo=zone)
