"""What a forecast remembers of an amount in use: bounded, whatever the cadence, the gaps and the length of the history. Pure.

All times are seconds since the first observation, so that a step of the wall clock moves nothing: one backwards counts as no
time at all, one forwards as a gap.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

HOUR, DAY = 3600.0, 86400.0
BLOCK = 6 * HOUR
BLOCKS_A_DAY = 4
WINDOW = 5  # blocks: 30 hours, into which a nightly peak falls every day, although it comes a little late or early
REMEMBERED = 28 * BLOCKS_A_DAY + WINDOW  # blocks: increments over 28 days
REMEMBERED_TOPS = REMEMBERED - WINDOW + 1
DISORDER = HOUR  # a reading this late is out of order; one that is later still shows that the clock was set back
SPACING = 570.0  # seconds between remembered points: every reading of a ten-minute cadence, jitter allowed
SPAN = 12 * HOUR  # which the points cover
CRESTS = 8

Point = tuple[float, float]  # seconds, amount


class Crest(msgspec.Struct, frozen=True, array_like=True):
    """A peak of the 30-hour maximum from which the usage fell back. at: seconds, to the block; height: amount in use.

    floor: the 30-hour maximum after it. attended: a case was open at the time, so that it may not have fallen by itself.
    """

    at: float
    height: float
    floor: float
    attended: bool


class Swing(msgspec.Struct, frozen=True, array_like=True):
    """The present rise of the 30-hour maximum: from the lowest to the highest amount since the last crest."""

    trough: float
    top: float


class Usage(msgspec.Struct, frozen=True):
    """One subject's usage so far.

    origin: unix seconds of the first observation. at, used: of the latest. found: the amount in use at first sight.
    block: number of the present block; high, low: its extremes so far. highs: maxima of the blocks before, oldest first,
    gaps filled; tops: maxima of each 30 hours of these. lows: minima of the latest blocks. points: (at, used) of the last 12
    hours. crests: peaks that fell back. settled: when a person last made room; growth is believed no farther ahead than it has
    been seen since.
    """

    origin: float
    at: float
    used: float
    found: float
    block: int
    high: float
    low: float
    highs: tuple[float, ...] = ()
    lows: tuple[float, ...] = ()
    points: tuple[Point, ...] = ()
    swing: Swing | None = None
    crests: tuple[Crest, ...] = ()
    settled: float = 0.0
    tops: tuple[float, ...] = ()

    @property
    def recent_high(self) -> float:
        """The highest amount of the last 30 hours."""
        if self.tops:
            return max(self.high, self.tops[-1])
        return max(self.high, *self.highs) if self.highs else self.high

    @property
    def earlier_high(self) -> float:
        """The highest amount known from before the last 30 hours; the amount at first sight counts as such."""
        return max(self.found, *self.highs[:-WINDOW]) if len(self.highs) > WINDOW else self.found


def begin(at: float, used: float) -> Usage:
    """Return the usage of a subject seen for the first time."""
    return Usage(origin=at, at=0.0, used=used, found=used, block=0, high=used, low=used, points=((0.0, used),))


def learn(usage: Usage, at: float, used: float, *, notable: float, attended: bool) -> Usage:
    """Return `usage` with one observation more: `used` at `at` (unix seconds). One that is late or double changes nothing.

    notable: the smallest fall that makes a peak of what was before. attended: a case is open, so that a fall may be the work
    of a person.
    """
    if len(usage.highs) >= WINDOW and not usage.tops:  # it was written down by an earlier version
        usage = msgspec.structs.replace(usage, tops=_tops(usage.highs))
    now = at - usage.origin
    if usage.at - DISORDER < now <= usage.at:
        return usage
    if now <= usage.at:  # the clock was set back: go on from where we were, with no rate across the step
        changed = _in_block(usage, usage.at, used)
        return msgspec.structs.replace(changed, origin=at - usage.at, points=((usage.at, used),))
    block = int(now // BLOCK)
    if block == usage.block:
        return _in_block(usage, now, used)
    if block - usage.block > REMEMBERED:
        return begin(at, used)
    return _next_block(usage, now, used, block, notable=notable, attended=attended)


def low_since(usage: Usage, start: float) -> float | None:
    """Return the lowest amount from `start` to an hour ago, at most 30 hours back; None when nothing is known of that time."""
    first = usage.block - len(usage.lows)
    lows = [low for number, low in enumerate(usage.lows, first) if number * BLOCK >= start]
    lows += [used for at, used in usage.points if start <= at <= usage.at - HOUR]
    return min(lows, default=None)


def settle(usage: Usage, freed: float) -> Usage:
    """Return `usage` as if the `freed` amount had never been there: a person made room, and growth goes on from here."""
    highs = tuple(high - freed for high in usage.highs[:-WINDOW])
    highs += tuple(min(high - freed, usage.used) for high in usage.highs[-WINDOW:])
    return msgspec.structs.replace(
        usage,
        found=usage.found - freed,
        high=usage.used,
        low=usage.used,
        highs=highs,
        tops=_tops(highs),
        lows=(),
        points=((usage.at, usage.used),),
        swing=None,
        crests=(*usage.crests, Crest(usage.at, usage.recent_high, usage.used, attended=True))[-CRESTS:],
        settled=usage.at,
    )


def _in_block(usage: Usage, now: float, used: float) -> Usage:
    return msgspec.structs.replace(
        usage,
        at=now,
        used=used,
        high=max(usage.high, used),
        low=min(usage.low, used),
        points=_points(usage.points, now, used),
    )


def _points(points: tuple[Point, ...], now: float, used: float) -> tuple[Point, ...]:
    if now - points[-1][0] < SPACING:
        return points
    kept = points[1:] if points[0][0] < now - SPAN - HOUR else points
    return (*kept, (now, used))


def _next_block(usage: Usage, now: float, used: float, block: int, *, notable: float, attended: bool) -> Usage:
    missed = block - usage.block - 1
    step = (used - usage.used) / (missed + 1)
    filled = [usage.high, *(usage.used + step * (number + 1) for number in range(missed))]
    highs, tops, swing, crests = usage.highs, usage.tops, usage.swing, usage.crests
    for number, high in enumerate(filled):
        highs = (*highs, high)[-REMEMBERED:]
        if len(highs) >= WINDOW:
            top = max(highs[-WINDOW:])
            tops = (*tops, top)[-REMEMBERED_TOPS:]
            swing, crest = _swing(swing, top, notable)
            if crest is not None:
                peak = (usage.block + number + 1 - WINDOW) * BLOCK  # it has just left the 30 hours
                crests = (*crests, Crest(peak, crest, swing.top, attended))[-CRESTS:]
    return Usage(
        origin=usage.origin,
        at=now,
        used=used,
        found=usage.found,
        block=block,
        high=used,
        low=used,
        highs=highs,
        lows=(*usage.lows, usage.low, *filled[1:])[-WINDOW:],
        points=_points(usage.points, now, used),
        swing=swing,
        crests=crests,
        settled=usage.settled,
        tops=tops,
    )


def _tops(highs: Sequence[float]) -> tuple[float, ...]:
    """Return the maxima of each 30 hours of `highs`, oldest first; none where there are fewer."""
    return tuple(map(max, *(highs[block:] for block in range(WINDOW))))


def _swing(swing: Swing | None, high: float, notable: float) -> tuple[Swing, float | None]:
    """Follow the 30-hour maximum; return the height of a peak when it has fallen back from it by half of its rise."""
    if swing is None:
        return Swing(high, high), None
    top = max(swing.top, high)
    rise = top - swing.trough
    if rise >= notable and top - high >= max(notable, rise / 2):
        return Swing(high, high), top
    return (Swing(high, high) if high < swing.trough else Swing(swing.trough, top)), None
