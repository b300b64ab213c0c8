"""Where times and values are on a drawing, which of them get a label, and which points are enough of many. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.chart._chart import Chart, Point
from agent.configuration.settings import DAY, HOUR

PLOT = 1000  # the plot's own units, in both directions
MOST_POINTS = 1200  # drawn; of more, the lowest and highest of each piece are kept
TIME_STEPS = (HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY)
MOST_TIMES, MOST_VALUES = 8, 4


class Frame:
    """Where times and values are on the drawing."""

    def __init__(self, chart: Chart, points: Sequence[Point]) -> None:
        self.chart = chart
        times = [one.at for one in points] + [mark.at for mark in chart.marks] + [end for _, end in chart.windows]
        if chart.forecast:
            # A band that ends in years would press what was measured into a corner.
            span = max(times) - min(times)
            farthest = chart.seen_at + max(span, DAY)
            times += [min(at, farthest) for at in (chart.forecast.expected, chart.forecast.latest or farthest)]
        values = [one.value for one in points] + ([chart.limit] if chart.limit is not None else [])
        self.begin, self.end = min(times), max(*times, min(times) + 1.0)
        self.low, highest = min(0.0, *values), max(0.0, *values)
        self.high = highest + 0.05 * (highest - self.low) or 1.0

    def x(self, at: float) -> float:
        share = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return share * PLOT

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return (1 - share) * PLOT


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> Sequence[Point]:
    """Return at most `most` of `points`, in order: of each piece the lowest and the highest, so that no peak is lost."""
    if len(points) <= most:
        return points
    size = -(-len(points) // (most // 2))
    kept: list[Point] = []
    for begin in range(0, len(points), size):
        piece = points[begin : begin + size]
        kept += sorted({min(piece, key=lambda one: one.value), max(piece, key=lambda one: one.value)})
    return kept


def round_values(low: float, high: float) -> Iterator[float]:
    rough = (high - low) / MOST_VALUES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step)
    yield from (number * step for number in range(first, math.floor(high / step) + 1))


def round_times(begin: float, end: float, zone: str, most: int = MOST_TIMES) -> Iterator[float]:
    """Yield about `most` round times from `begin` to `end` (unix seconds): midnights in `zone`, or hours from one on."""
    step = next((one for one in TIME_STEPS if (end - begin) / one <= most), TIME_STEPS[-1])
    first = datetime.fromtimestamp(begin, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    at = first.astimezone(UTC)
    while at.timestamp() <= end:
        if at.timestamp() >= begin:
            yield at.timestamp()
        at += timedelta(seconds=step)


def written(at: float, zone: str, form: str) -> str:
    """Return unix seconds as wall time in `zone`, by a format of strftime's."""
    try:
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):{form}}"
    except (OverflowError, ValueError, OSError):  # a slow drift may end beyond all calendars
        return "no date"
