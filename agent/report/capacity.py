"""The trend of what fills up over weeks and months: for planning, where a ticket looks days ahead. Pure.

By the highest use of each week, so that a nightly peak counts and a quiet Sunday does not. The growth is the median of the
slopes between any two weeks (Theil 1950, Sen 1968): one clean-up, one large file or a month of holidays does not turn it. The
10th and 90th percentile of the same slopes say how sure that is.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from agent.configuration.settings import DAY
from thresholds import Forecast

WEEK = 7 * DAY
FEWEST_WEEKS = 4
STILL = 0.0001  # of the whole in a day: less is no growth, it takes 27 years
FARTHEST = 2.0  # times as far as was looked back: beyond, a trend is no date
SLOPES = 4000  # at most so many pairs are compared; of more, every n-th


class Trend(msgspec.Struct, frozen=True):
    """Growth in a day: the median, and the 10th and 90th percentile of how it was between any two weeks."""

    low: float
    median: float
    high: float


def weekly_highs(points: Iterable[tuple[float, float]], until: float) -> list[tuple[float, float]]:
    """Return the highest value of each week, counted back from `until`, oldest first, at its own time."""
    highs: dict[int, tuple[float, float]] = {}
    for at, value in points:
        week = int((until - at) // WEEK)
        if week not in highs or value > highs[week][1]:
            highs[week] = (at, value)
    return [highs[week] for week in sorted(highs, reverse=True)]


def trend(highs: Sequence[tuple[float, float]]) -> Trend | None:
    """Return how it grows by the highest use of each week; None when those are too few weeks to say."""
    if len(highs) < FEWEST_WEEKS:
        return None
    pairs = list(itertools.combinations(highs, 2))
    step = -(-len(pairs) // SLOPES)
    slopes = [(after - before) / (later - at) * DAY for (at, before), (later, after) in pairs[::step] if later > at]
    tenths = statistics.quantiles(slopes, n=10, method="inclusive")
    return Trend(low=tenths[0], median=statistics.median(slopes), high=tenths[-1])


def crossing(growth: Trend, used: float, whole: float, now: float, looked_back: float) -> Forecast | None:
    """Return when `whole` is used up if it goes on as it did for `looked_back` seconds; None when that is no date to plan by.

    Times are unix seconds.
    """
    room = whole - used
    if room <= 0 or growth.median < STILL * whole:
        return None
    expected = room / growth.median * DAY
    if expected > FARTHEST * looked_back:
        return None
    latest = room / growth.low * DAY if growth.low > STILL * whole else None
    return Forecast(
        now + room / max(growth.high, growth.median) * DAY, now + expected, None if latest is None else now + latest
    )
