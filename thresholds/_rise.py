"""A fast rise: a flow that fills what is left within hours, larger than any of its length in two weeks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from thresholds._usage import DAY, HOUR

#: length of a rise in hours, and the time to full in hours from which it matters
LENGTHS = ((1, 3.0), (3, 8.0), (6, 18.0), (12, 36.0))
LARGER = 1.25  # than the largest of its length
REMEMBERED = 14  # days
STEPS = 3  # at least, of which a flow consists
LARGEST_STEP = 0.6  # of the rise; beyond it is a jump, which says nothing about what follows


class Rise(msgspec.Struct, frozen=True, array_like=True):
    """A flow that still runs: over so many hours, by so much a day."""

    hours: int
    per_day: float


class Rises(msgspec.Struct, frozen=True, array_like=True):
    """The largest rise of each length by day, newest last (day number, rises), and the flow that runs now."""

    days: tuple[tuple[int, tuple[float, ...]], ...] = ()
    running: tuple[Rise, ...] = ()


def follow(rises: Rises, points: Sequence[tuple[float, float]]) -> Rises:
    """Return `rises` after the newest of `points` (seconds, amount)."""
    now, used = points[-1]
    found = [_window(points, hours) for hours, _ in LENGTHS]
    largest = tuple(max(0.0, used - window[0][1]) if window else 0.0 for window in found)
    running = []
    for number, ((hours, _), window) in enumerate(zip(LENGTHS, found, strict=True)):
        # What runs now began up to so long ago; only days that ended before tell what is usual.
        usual = max((day[1][number] for day in rises.days if (day[0] + 1) * DAY <= now - hours * HOUR), default=0.0)
        if window and largest[number] > LARGER * usual and _flows(window):
            running.append(Rise(hours, largest[number] / (now - window[0][0]) * DAY))
    return Rises(_remember(rises.days, int(now // DAY), largest), tuple(running))


def threat(rises: Rises, room: float) -> Rise | None:
    """Return the running flow that fills `room` soonest, if that is soon for its length."""
    soon = dict(LENGTHS)
    threats = [rise for rise in rises.running if room / rise.per_day * 24 <= soon[rise.hours]]
    return max(threats, key=lambda rise: rise.per_day, default=None)


def _window(points: Sequence[tuple[float, float]], hours: int) -> Sequence[tuple[float, float]]:
    """Return the points of the last `hours`; empty when they do not reach as far back, or with a gap."""
    length = hours * HOUR
    start = points[-1][0] - length
    first = next((number for number, (at, _) in enumerate(points) if at > start + 0.1 * length), len(points)) - 1
    window = points[max(first, 0) :]
    if first < 0 or len(window) <= STEPS:
        return ()
    gap = max(late[0] - early[0] for early, late in pairwise(window))
    return window if gap <= length / STEPS * 1.1 else ()


def _flows(window: Sequence[tuple[float, float]]) -> bool:
    """Return whether it is no single jump, and still runs at half its pace or more."""
    rise = window[-1][1] - window[0][1]
    steps = [late[1] - early[1] for early, late in pairwise(window)]
    latest = max(1, len(steps) // 4)
    return (
        rise > 0
        and max(steps) <= LARGEST_STEP * rise
        and steps[-1] > 0
        and sum(steps[-latest:]) >= 0.5 * rise * latest / len(steps)
    )


def _remember(
    days: tuple[tuple[int, tuple[float, ...]], ...], day: int, largest: tuple[float, ...]
) -> tuple[tuple[int, tuple[float, ...]], ...]:
    if days and days[-1][0] == day:
        before = days[-1][1]
        return (*days[:-1], (day, tuple(max(old, new) for old, new in zip(before, largest, strict=True))))
    return (*days, (day, largest))[-REMEMBERED:]
