"""The host's own quiet hours: how busy it usually is at each hour of the week, learned from its history. Pure.

An hour of the week is an hour of people's week: learned and asked in the customer's zone. Two weeks are the least from which a
habit can be told from a single busy night; with less nothing is ranked, and the ticket says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

HOUR, DAY = 3600.0, 86400.0
ENOUGH = 14 * DAY
HOURS_OF_WEEK = 7 * 24
#: so often an hour of the week has to have been seen, and so many of them, for the whole to be a habit
SEEN, COVERED = 2, 0.9


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Usual load by hour of the week, Monday 00:00 first, as a ratio (0 to 1); None where too little was seen.

    span: seconds of history it was learned from. zone: whose week it is. usual: empty when the history is too short.
    """

    span: float
    zone: str
    usual: tuple[float | None, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is enough history to rank by."""
        return bool(self.usual)

    def load(self, start: float, end: float) -> float | None:
        """Return the usual load from `start` to `end` (unix seconds): of its busiest hour, for that is who is disturbed.

        None when one of its hours is not known.
        """
        if not self.usual:
            return None
        loads = [self.usual[hour_of_week(at, ZoneInfo(self.zone))] for at in _hours(start, end)]
        return None if None in loads else max(load for load in loads if load is not None)


def learn(hours: Iterable[tuple[float, float]], zone: ZoneInfo) -> QuietHours:
    """Given begin (unix seconds) and mean load of each hour of history, by time, return the habit in them."""
    seen: list[list[float]] = [[] for _ in range(HOURS_OF_WEEK)]
    times = []
    for at, load in hours:
        times.append(at)
        seen[hour_of_week(at, zone)].append(load)
    span = times[-1] + HOUR - times[0] if times else 0.0
    usual = tuple(sum(loads) / len(loads) if len(loads) >= SEEN else None for loads in seen)
    covered = sum(load is not None for load in usual) / HOURS_OF_WEEK
    enough = span >= ENOUGH and covered >= COVERED
    return QuietHours(span=span, zone=zone.key, usual=usual if enough else ())


def hour_of_week(at: float, zone: ZoneInfo) -> int:
    """Return which hour of the week it is at `at` (unix seconds) in `zone`, from 0.

    >>> hour_of_week(4 * 86400, ZoneInfo("UTC"))  # Monday 5 January 1970, midnight
    0
    """
    local = datetime.fromtimestamp(at, zone)
    return local.weekday() * 24 + local.hour


def _hours(start: float, end: float) -> Iterator[float]:
    """Yield a moment in each hour from `start` to `end`: quarters, since a zone's hours need not begin with UTC's."""
    at = start
    while at < end:
        yield at
        at += HOUR / 4
