"""A fast rise: a flow that fills what is left within hours, larger than any of its length in two weeks before it. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

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

_Amounts = tuple[float, ...]  # one for each length


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
    usual: _Amounts = (0.0,) * len(MATTERS)
    running: tuple[Rise, ...] = ()
    began: Point = (0.0, 0.0)
    largest: _Amounts = (0.0,) * len(MATTERS)


def follow(rises: Rises, points: Sequence[Point], *, attended: bool) -> Rises:
    """Return `rises` after the newest of `points`. attended: a case is open."""
    now, used = points[-1]
    starts = [_start(points, hours * HOUR) for hours in MATTERS]
    amounts = [0.0 if start is None else used - points[start][1] for start in starts]
    largest = tuple(map(max, rises.largest, amounts))
    if _lulls(rises.began, points):
        return over(_remember(rises, RisesOfDay(int(now // DAY), largest, attended)), points[-1])
    running = []
    for number, (hours, matters) in enumerate(MATTERS.items()):
        start, amount = starts[number], amounts[number]
        if start is None or amount <= LARGER * rises.usual[number]:
            continue
        if _flows(points[start:], hours * HOUR):
            soon = matters * FIRST_DAY_SHARE if now < FIRST_DAY else matters
            running.append(Rise(amount / (now - points[start][0]) * DAY, soon))
    return Rises(rises.days, rises.usual, tuple(running), rises.began, largest)


def over(rises: Rises, point: Point = (0.0, 0.0)) -> Rises:
    """Return `rises` without the flows of now; the next begins at `point` at the earliest."""
    return Rises(rises.days, rises.usual, began=point)


def threat(rises: Rises, room: float) -> Rise | None:
    """Return the running flow that fills `room` soonest, if any fills it so soon that it matters."""
    threats = [rise for rise in rises.running if room * DAY <= rise.matters * HOUR * rise.per_day]
    return max(threats, key=lambda rise: rise.per_day, default=None)


def _start(points: Sequence[Point], length: float) -> int | None:
    """Return the number of the point about `length` seconds before the newest; None when there is none."""
    now = points[-1][0]
    start = bisect_right(points, (now - (1 - TOLERANCE) * length, math.inf)) - 1
    return start if start >= 0 and points[start][0] >= now - REACH * length else None


def _lulls(began: Point, points: Sequence[Point]) -> bool:
    """Return whether the usage rose less within the last hour than since it began to, or not at all."""
    now, used = points[-1]
    at, before = points[max(bisect_right(points, (now - (1 - TOLERANCE) * HOUR, math.inf)) - 1, 0)]
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


def _usual(days: Sequence[RisesOfDay], number: int) -> float:
    """Return the largest rise that has ended by itself; of those that a person may have ended, the first is none."""
    alone = (day.amounts[number] for day in days if not day.attended)
    helped = sorted(day.amounts[number] for day in days if day.attended)
    return max(*alone, *helped[-2:-1], 0.0, 0.0)


def _remember(rises: Rises, new: RisesOfDay) -> Rises:
    """Return what is usual after `new`."""
    days = rises.days
    known = days[-1] if days else None
    if known is None or (known.day, known.attended) != (new.day, new.attended):
        days = (*days, new)[-REMEMBERED:]
    else:
        amounts = tuple(map(max, known.amounts, new.amounts))
        if amounts == known.amounts:
            return rises
        days = (*days[:-1], RisesOfDay(new.day, amounts, new.attended))
    return Rises(days, tuple(_usual(days, number) for number in range(len(MATTERS))))
