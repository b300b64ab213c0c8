"""A fast rise: a flow that fills what is left within hours, larger than any of its length in two weeks before it. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import gt

import msgspec

from thresholds._usage import DAY, HOUR, Point

#: length of a rise in hours: time to full in hours from which it matters
MATTERS = {1: 3.0, 3: 8.0, 6: 18.0, 12: 36.0}
LARGER = 1.25  # than the largest of its length
REMEMBERED = 14  # days
TOLERANCE = 0.1  # of a length: readings do not come by the clock
REACH = 1.3  # lengths: so far back a point may stand for the beginning
STEPS = 3  # of which a flow consists at least
LARGEST_STEP = 0.6  # of the rise; beyond it is a jump, which says nothing about what follows
LULL = 0.25  # of its pace: slower than that a flow has not begun, or is over
STILL = 0.5  # of its pace: so fast a flow runs that is going to last
# On the first day nobody knows what is usual at which hour: only what is a third as far away is believed.
FIRST_DAY = 26 * HOUR
FIRST_DAY_SHARE = 1 / 3

# For each length: what is at least so long ago begins it, unless it is longer ago than this (seconds).
_REACHES = [((1 - TOLERANCE) * hours * HOUR, REACH * hours * HOUR) for hours in MATTERS]

_Amounts = tuple[float, ...]  # one for each length
_NOTHING: _Amounts = (0.0,) * len(MATTERS)


class Rise(msgspec.Struct, frozen=True, array_like=True):
    """A flow that runs. per_day: its pace; matters: hours to full from which it matters."""

    per_day: float
    matters: float


class RisesOfDay(msgspec.Struct, frozen=True, array_like=True):
    """The largest rises of one day that are over. attended: a case was open, so that a person may have ended them."""

    day: int
    amounts: _Amounts
    attended: bool


class Rises(msgspec.Struct, frozen=True, array_like=True):
    """What is known of rises.

    days: the largest of each day, oldest first; usual: what follows from them. running: the flows of now. began: the point
    from which the usage has risen without a lull. largest: the largest rises since; they count as usual once it is over.
    """

    days: tuple[RisesOfDay, ...] = ()
    usual: _Amounts = _NOTHING
    running: tuple[Rise, ...] = ()
    began: Point = (0.0, 0.0)
    largest: _Amounts = _NOTHING


def follow(rises: Rises, points: Sequence[Point], *, attended: bool) -> Rises:
    """Return `rises` after the newest of `points`. attended: a case is open."""
    now, used = points[-1]
    starts, amounts = [], []
    for near, far in _REACHES:
        start = bisect_right(points, (now - near, math.inf)) - 1
        at, before = points[start]  # now itself, from which nothing rose, where nothing is so old
        starts.append(start)
        amounts.append(used - before if at >= now - far else 0.0)
    largest = tuple(map(max, rises.largest, amounts))
    if _lulls(rises.began, points[max(starts[0], 0)], points[-1]):
        return _ended(rises, points[-1], largest, attended=attended)
    # Seldom is any larger than usual; to look closely each time takes a third as long again as all of this.
    running = tuple(_running(points, starts, amounts, rises.usual)) if any(map(gt, amounts, rises.usual)) else ()
    return Rises(rises.days, rises.usual, running, rises.began, largest)


def _running(
    points: Sequence[Point], starts: Iterable[int], amounts: Iterable[float], usual: Iterable[float]
) -> Iterator[Rise]:
    """Yield the flows that run: larger than usual at their length, and steady."""
    now = points[-1][0]
    for (hours, matters), start, amount, most in zip(MATTERS.items(), starts, amounts, usual, strict=True):
        if amount > LARGER * most and _flows(points[start:], hours * HOUR):
            soon = matters * FIRST_DAY_SHARE if now < FIRST_DAY else matters
            yield Rise(amount / (now - points[start][0]) * DAY, soon)


def over(rises: Rises) -> Rises:
    """Return `rises` without the flows of now."""
    return Rises(rises.days, rises.usual)


def threat(rises: Rises, room: float) -> Rise | None:
    """Return the running flow that fills `room` soonest, if any fills it so soon that it matters."""
    threats = [rise for rise in rises.running if room * DAY <= rise.matters * HOUR * rise.per_day]
    return max(threats, key=lambda rise: rise.per_day, default=None)


def _ended(rises: Rises, newest: Point, largest: _Amounts, *, attended: bool) -> Rises:
    """Return `rises` when the flow of now is over: how large it was counts as usual, and the next begins at `newest`."""
    days, usual, day = rises.days, rises.usual, int(newest[0] // DAY)
    if not days or days[-1].day != day or days[-1].attended != attended:
        days = (*days, RisesOfDay(day, largest, attended))[-REMEMBERED:]
        usual = _usual(days)
    elif any(map(gt, largest, days[-1].amounts)):
        amounts = tuple(map(max, largest, days[-1].amounts))
        days = (*days[:-1], RisesOfDay(day, amounts, attended))
        usual = _usual(days) if attended else tuple(map(max, usual, amounts))
    return Rises(days, usual, began=newest)


def _lulls(began: Point, hour_ago: Point, newest: Point) -> bool:
    """Return whether the usage rose less within the last hour than since it began to, or not at all."""
    (at, before), (now, used) = hour_ago, newest
    if used <= before or began[0] >= now:
        return True
    pace = (used - began[1]) / (now - began[0])
    return (used - before) / (now - at) < LULL * pace


def _flows(window: Sequence[Point], length: float) -> bool:
    """Return whether it is no single jump, was watched without a gap, has run from the start and still runs."""
    steps = [late[1] - early[1] for early, late in pairwise(window)]
    if len(steps) < STEPS or max(late[0] - early[0] for early, late in pairwise(window)) > length / STEPS * (
        1 + TOLERANCE
    ):
        return False
    rise = window[-1][1] - window[0][1]
    quarter = max(1, len(steps) // 4)
    share = rise * quarter / len(steps)
    return (
        max(steps) <= LARGEST_STEP * rise
        and steps[-1] > 0
        and sum(steps[:quarter]) >= LULL * share
        and sum(steps[-quarter:]) >= STILL * share
    )


def _usual(days: Sequence[RisesOfDay]) -> _Amounts:
    """Return the largest rises that have ended by themselves; of those that a person may have ended, the first is none."""
    alone = [day.amounts for day in days if not day.attended]
    helped = [day.amounts for day in days if day.attended]
    second = [sorted(amounts)[-2] for amounts in zip(*helped, strict=True)] if len(helped) > 1 else _NOTHING
    return tuple(map(max, _NOTHING, second, *alone))
