"""How an amount in use grows, from the increments of its 30-hour maximum day by day over four weeks. Pure.

What is left out, and why: an increment far outside the others is one event and not the growth, unless such events recur; when
the last days all outgrow those before, something has changed and only they count; a usage that rose and fell back by itself
more than once is followed from peak to peak.
"""

from __future__ import annotations

import math
import statistics
from bisect import insort
from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise
from operator import mul, ne, sub

import msgspec

from thresholds._first_passage import Walk
from thresholds._usage import BLOCKS_A_DAY, DAY, Crest, Usage

NOISE = 2e-4  # of the capacity: standard deviation a day below which no measured steadiness is believed
OUTLIER = 4 * 1.4826  # median absolute deviations that make an outlier (4 standard deviations of a normal distribution)
FEW = 5  # increments below which they cannot be judged by each other
# How much the pace of the days to come differs from that of the days before, as a share of it, however steady those were.
# Chosen so that what is said to happen in 80 of 100 cases does (docs/judging.md, "How honest the dates are").
PACE = 0.4
LAGS = 3  # days within which increments may take each other back
LEAST_LASTING = 0.1  # of the variance of one increment
WEEK = 7  # days: the newest weigh double
SHORTEST_LATELY, LONGEST_LATELY = 2, 13  # days that a change of pace is looked for in
ONE_JUMP = 0.6  # of what came in these days, within six hours: no change of pace, but one event that two windows saw
BEFORE = 7  # days that have to be known before them
CHANGE_HORIZON = 3.0  # days: so far is growth believed that began this week
BORNE_OUT = 0.5  # of the growth that is claimed has to show in the peaks
LATEST_PEAKS = 2  # days whose peaks are compared with those of the week before them
TEETH = 2  # peaks that fell back by themselves; where a person may have helped, a peak is half a one
RESCUED = 0.9  # of the capacity: what fell from above that while a case was open, a person rescued
SLACK = 0.01  # of the capacity: how much higher than all before the present tooth may be


class Growth(msgspec.Struct, frozen=True):
    """How the usage grows. walk: in shares of the capacity per day; horizon: days for which it is believed.

    path: what decided; `trend`, `change` of pace, or `teeth` (of a saw). days: over which it was measured. ignored: outliers
    left out.
    """

    walk: Walk
    horizon: float
    path: str
    days: float
    ignored: int = 0


def growth(usage: Usage, capacity: float, horizon: float) -> list[Growth]:
    """Return how `usage` grows towards `capacity`, by each path that applies; none in the first two days.

    horizon: days for which the trend is believed, unless it has not been seen for as long.
    """
    increments = [increment / capacity for increment in daily_increments(usage.tops)]
    if not increments:
        return []
    horizon = min(horizon, (usage.at - usage.settled) / DAY)
    saw = _saw(usage.crests, capacity)
    if saw:
        if usage.recent_high <= max(crest.height for crest in saw) + SLACK * capacity:
            return [Growth(_walk_of_peaks(saw, capacity), horizon, "teeth", (saw[-1].at - saw[0].at) / DAY)]
        increments = [max(increment, 0.0) for increment in increments]  # this time it did not fall where it used to
    kept = _without_outliers(increments, usage.highs, capacity)
    ignored = sum(map(ne, increments, kept))
    known = [Growth(_walk(kept), horizon, "trend", len(kept), ignored)]
    lately = _lately(increments)
    if lately and not _is_one_jump(usage.tops, len(lately)):
        known.append(Growth(_walk(lately), min(horizon, CHANGE_HORIZON), "change", len(lately)))
    return known


def borne_out(one: Growth, usage: Usage, capacity: float) -> bool:
    """Return whether the peaks have risen as `one` says: a level that swings has a trend, but sets no new records by it."""
    latest = LATEST_PEAKS * BLOCKS_A_DAY
    before = usage.highs[-latest - WEEK * BLOCKS_A_DAY : -latest]
    claimed = BORNE_OUT * LATEST_PEAKS * one.walk.drift * capacity
    return not before or usage.recent_high - max(before) >= claimed


def daily_increments(tops: Sequence[float]) -> list[float]:
    """Return by how much the 30-hour maximum grew from day to day, newest first, given what it was after each block."""
    daily = tops[::-BLOCKS_A_DAY]
    return list(map(sub, daily, daily[1:]))


def _walk(increments: Sequence[float], days: float = 1.0) -> Walk:
    """Return the walk of increments, newest first, that are so many days apart."""
    count = len(increments)
    weights, total, squares = _weights(count, min(math.ceil(WEEK / days), count))
    drift = sum(map(mul, weights, increments)) / total
    rest = [one - drift for one in increments]
    weighted = list(map(mul, weights, rest))
    once = sum(map(mul, weighted, rest)) / total
    # Increments that take each other back make no walk: Newey and West's estimate (1987) of the variance that adds up.
    lasting = once
    for lag in range(1, min(LAGS, count - 1) + 1):
        together = sum(map(mul, weighted, rest[lag:]))
        lasting += 2 * (1 - lag / (LAGS + 1)) * together / total
    lasting = min(max(lasting, LEAST_LASTING * once), once)
    doubt = lasting * squares / (total * total) + (PACE * drift) ** 2
    return Walk(drift / days, lasting / days + NOISE * NOISE, doubt / (days * days))


@cache
def _weights(count: int, recent: int) -> tuple[Sequence[float], float, float]:
    """Return the weights of so many increments, of which the newest weigh double; their sum, and that of their squares."""
    weights = [2.0] * recent + [1.0] * (count - recent)
    return weights, sum(weights), sum(map(mul, weights, weights))


def _without_outliers(increments: Sequence[float], highs: Sequence[float], capacity: float) -> Sequence[float]:
    """Return the increments with lone outliers cut to the edge of what is usual; the first few are measured by the blocks."""
    if len(increments) < FEW:
        steps = [(new - old) / capacity for old, new in pairwise(highs)]
        usual = max(statistics.median(steps), 0.0) * BLOCKS_A_DAY
        return [min(increment, 2 * usual + NOISE) for increment in increments]
    middle = statistics.median(increments)
    width = OUTLIER * max(statistics.median([abs(one - middle) for one in increments]), NOISE)
    low, high = middle - width, middle + width
    most, least = max(increments), min(increments)
    if most > high and _events([one > high for one in increments]) > 1:
        high = most
    if low > 0 or (least < low and _events([one < low for one in increments]) > 1):
        low = least  # a day without growth is no event
    if low <= least and most <= high:
        return increments
    return [min(max(one, low), high) for one in increments]


def _events(marks: Sequence[bool]) -> int:
    """Return of how many events the marked days are: one event may fall into two days."""
    return sum((len(list(run)) + 1) // 2 for marked, run in groupby(marks) if marked)


def _lately(increments: Sequence[float]) -> Sequence[float]:
    """Return the newest increments when all of them are above nearly all before; empty when the pace has not changed."""
    if min(increments[:SHORTEST_LATELY]) <= NOISE:
        return ()
    longest = min(LONGEST_LATELY, len(increments) - BEFORE)
    before = sorted(increments[longest + 1 :])
    for days in range(longest, SHORTEST_LATELY - 1, -1):
        insort(before, increments[days])
        usual = before[round(0.95 * (len(before) - 1))]
        if min(increments[:days]) > max(usual, 0.0) + NOISE:
            return increments[:days]
    return ()


def _is_one_jump(tops: Sequence[float], days: int) -> bool:
    """Return whether most of what the 30-hour maximum grew by in so many days came at one go."""
    latest = tops[-days * BLOCKS_A_DAY - 1 :]
    return max(new - old for old, new in pairwise(latest)) > ONE_JUMP * (latest[-1] - latest[0])


def _saw(crests: Sequence[Crest], capacity: float) -> Sequence[Crest]:
    """Return the peaks that fell back by themselves as far as one can tell; empty when they are too few to count on.

    People do not clean up from the same level to the same level: what fell back alike did so by itself, watched or not.
    """
    teeth = [crest for crest in crests if not (crest.attended and crest.height > RESCUED * capacity)]
    slack = SLACK * capacity
    count = sum(
        0.5 if tooth.attended and not any(_alike(tooth, other, slack) for other in teeth) else 1.0 for tooth in teeth
    )
    return teeth if count >= TEETH else ()


def _alike(one: Crest, other: Crest, slack: float) -> bool:
    return one is not other and abs(one.height - other.height) <= slack and abs(one.floor - other.floor) <= slack


def _walk_of_peaks(saw: Sequence[Crest], capacity: float) -> Walk:
    rises = [(new.height - old.height) / capacity for old, new in pairwise(saw)]
    days = (saw[-1].at - saw[0].at) / DAY / len(rises)
    return _walk(rises[::-1], max(days, 1 / BLOCKS_A_DAY))
