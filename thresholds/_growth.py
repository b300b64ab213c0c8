"""How an amount in use grows, from the increments of its 30-hour maximum day by day over four weeks. Pure.

What is left out, and why: an increment far outside the others is one event and not the growth, unless such events recur; when
the last days all outgrow those before, something has changed and only they count; a usage that rose and fell back by itself
more than once is followed from peak to peak.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from thresholds._first_passage import Walk
from thresholds._usage import BLOCKS_A_DAY, DAY, WINDOW, Usage

NOISE = 2e-4  # of the capacity: standard deviation a day below which no measured steadiness is believed
OUTLIER = 4 * 1.4826  # median absolute deviations that make an outlier (4 standard deviations of a normal distribution)
FEW = 5  # increments below which none can be called an outlier
WEEK = 7  # days: the newest weigh double
LATELY = range(6, 1, -1)  # days that a change of pace is looked for in
BEFORE = 7  # days that must be known before them
CHANGED_HORIZON = 3.0  # days: so far is growth believed that began this week
TEETH = 2  # peaks that fell back by themselves


class Growth(msgspec.Struct, frozen=True):
    """How the usage grows. walk: in shares of the capacity per day; horizon: days for which it is believed.

    path: what decided; `trend`, `change` of pace, or `teeth` (a saw). ignored: outliers left out. days: increments seen.
    """

    walk: Walk
    horizon: float
    path: str
    ignored: int
    days: int


def growth(usage: Usage, capacity: float, horizon: float) -> list[Growth]:
    """Return how `usage` grows towards `capacity`, by each path that applies; none in the first two days.

    horizon: days for which the trend is believed, unless it has not been seen for as long.
    """
    increments = [one / capacity for one in daily_increments(usage.highs)]
    if not increments:
        return []
    days = len(increments)
    teeth = _teeth(usage, capacity)
    if teeth is not None:
        return [Growth(teeth, horizon, "teeth", 0, days)]
    kept, ignored = _without_outliers(increments)
    known = [Growth(_walk(kept), min(horizon, usage.at / DAY), "trend", ignored, days)]
    lately = _lately(increments)
    if lately:
        known.append(Growth(_walk(lately), min(horizon, CHANGED_HORIZON), "change", 0, days))
    return known


def daily_increments(highs: Sequence[float]) -> list[float]:
    """Return by how much the 30-hour maximum grew from day to day, newest first; whole windows only."""
    ends = range(len(highs), WINDOW - 1, -BLOCKS_A_DAY)
    windows = [max(highs[end - WINDOW : end]) for end in ends]
    return [new - old for new, old in pairwise(windows)]


def _walk(increments: Sequence[float]) -> Walk:
    weights = [2.0 if age < WEEK else 1.0 for age in range(len(increments))]
    total = sum(weights)
    drift = sum(weight * one for weight, one in zip(weights, increments, strict=True)) / total
    spread = (
        sum(weight * (one - drift) * (one - drift) for weight, one in zip(weights, increments, strict=True)) / total
    )
    doubt = sum(weight * weight for weight in weights) / (total * total)
    return Walk(drift, spread + NOISE * NOISE, doubt)


def _without_outliers(increments: Sequence[float]) -> tuple[list[float], int]:
    """Return the increments with lone outliers cut to the edge of what is usual, and how many were cut."""
    if len(increments) < FEW:
        return list(increments), 0
    middle = statistics.median(increments)
    width = OUTLIER * max(statistics.median(abs(one - middle) for one in increments), NOISE)
    low, high = middle - width, middle + width
    if sum(one > high for one in increments) > 1:
        high = max(increments)
    if sum(one < low for one in increments) > 1:
        low = min(increments)
    kept = [min(max(one, low), high) for one in increments]
    return kept, sum(one != cut for one, cut in zip(increments, kept, strict=True))


def _lately(increments: Sequence[float]) -> Sequence[float]:
    """Return the newest increments when all of them are above nearly all before; empty when the pace has not changed."""
    for days in LATELY:
        before = increments[days:]
        if len(before) >= BEFORE:
            usual = sorted(before)[int(0.95 * (len(before) - 1) + 0.5)]
            if min(increments[:days]) > max(usual, 0.0) + NOISE:
                return increments[:days]
    return ()


def _teeth(usage: Usage, capacity: float) -> Walk | None:
    """Return the walk of the peaks of a saw, as long as the present tooth is not higher than those before."""
    crests = usage.crests
    if len(crests) < TEETH:
        return None
    rises = [(new.height - old.height) / capacity for old, new in pairwise(crests)]
    highest = max(crest.height for crest in crests)
    if usage.recent_high > highest + max(rises[-1], 0.0) * capacity + 0.01 * capacity:
        return None
    spans = [(new.at - old.at) / DAY for old, new in pairwise(crests)]
    length = sum(spans)
    drift = sum(rises) / length
    spread = sum((rise - drift * span) ** 2 for rise, span in zip(rises, spans, strict=True)) / length
    return Walk(drift, spread + NOISE * NOISE, 1.0 / length)
