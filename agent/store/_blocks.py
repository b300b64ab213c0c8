"""Columns of numbers as one compressed block: a stretch of readings, or of hours.

The first column is whole numbers that mostly grow evenly, so its differences are kept. All numbers are eight bytes; those are
sorted by significance before zlib sees them, since the high bytes of neighbours are alike. Measured on a day of readings: a
third less room for a constant, a quarter for free space, a seventh for noise; half more for a few values in random order.
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

HOUR = 3600.0
_WIDTH = 8
_TICKS_PER_SECOND = 1000  # times are kept to the millisecond
# A stretch of minutes is some hundred bytes: for each, zlib's own 256 KB of tables would be cleared, and be new pages of memory.
_SMALL_WINDOW, _SMALL_MEMORY = 12, 5  # 4 KB, and 32 of tables


class Hour(msgspec.Struct, frozen=True):
    """A summary of one hour: its start in unix seconds, how many readings had a number, and their mean, lowest and highest."""

    at: float
    count: int
    mean: float
    low: float
    high: float


# Hundreds of series are read at the same times and written one after the other: that takes a third off a flush.
@lru_cache(maxsize=1)
def _tick_differences(times: tuple[float, ...]) -> list[int]:
    return _differences([round(at * _TICKS_PER_SECOND) for at in times])


def pack_readings(times: Sequence[float], values: Sequence[float]) -> bytes:
    """Return a block of readings: unix seconds, kept to the millisecond, and any values, kept exactly."""
    return zlib.compress(_sorted_bytes("qd", _tick_differences(tuple(times)), values))


def pack_each(columns: Iterable[tuple[array[float], array[float]]]) -> Iterator[bytes]:
    """Yield a block of readings, as `pack_readings` does, for the times and values of each of many series in a few minutes.

    Most series of a host seldom change, so what is the same is packed once.
    """
    packed: dict[tuple[bytes, bytes], bytes] = {}
    for times, values in columns:
        exactly = times.tobytes(), values.tobytes()
        block = packed.get(exactly)
        if block is None:
            small = zlib.compressobj(wbits=_SMALL_WINDOW, memLevel=_SMALL_MEMORY)
            block = small.compress(_sorted_bytes("qd", _tick_differences(tuple(times)), values)) + small.flush()
            packed[exactly] = block
        yield block


def unpack_readings(block: bytes) -> Iterator[tuple[float, float]]:
    """Yield (unix seconds, value) in the order in which they were packed."""
    ticks, values = _unpack("qd", block)
    return ((tick / _TICKS_PER_SECOND, value) for tick, value in zip(ticks, values, strict=True))


def pack_hours(hours: Sequence[Hour]) -> bytes:
    """Return a block of hours."""
    rest = ([getattr(hour, name) for hour in hours] for name in Hour.__struct_fields__[1:])
    return zlib.compress(_sorted_bytes("qqddd", _differences([round(hour.at) for hour in hours]), *rest))


def unpack_hours(block: bytes) -> Iterator[Hour]:
    """Yield the hours in the order in which they were packed."""
    starts, *rest = _unpack("qqddd", block)
    return itertools.starmap(Hour, zip(map(float, starts), *rest, strict=True))


def summarise(readings: Iterable[tuple[float, float]]) -> list[Hour]:
    """Return the hours that `readings` fall into, in order. A reading that is not a number is not counted."""
    by_hour: dict[float, list[float]] = {}
    for at, value in readings:
        if not math.isnan(value):
            by_hour.setdefault(at // HOUR * HOUR, []).append(value)
    return [
        Hour(start, len(values), sum(values) / len(values), min(values), max(values))
        for start, values in sorted(by_hour.items())
    ]


def merge_hours(hours: Iterable[Hour]) -> list[Hour]:
    """Return `hours` in order, with several summaries of parts of the same hour made one."""
    merged: dict[float, Hour] = {}
    for hour in hours:
        merged[hour.at] = _merged(merged[hour.at], hour) if hour.at in merged else hour
    return [merged[start] for start in sorted(merged)]


def _merged(one: Hour, other: Hour) -> Hour:
    count = one.count + other.count
    mean = one.mean * (one.count / count) + other.mean * (other.count / count)
    return Hour(one.at, count, mean, min(one.low, other.low), max(one.high, other.high))


def _differences(grows: Sequence[int]) -> list[int]:
    """Return the first of these numbers, and by how much each of the others differs from the one before it."""
    return [grows[0], *(after - before for before, after in itertools.pairwise(grows))]


def _sorted_bytes(kinds: str, differences: Sequence[int], *columns: Sequence[float]) -> bytes:
    raw = struct.pack(_layout(kinds, len(differences)), *differences, *itertools.chain.from_iterable(columns))
    return b"".join([raw[byte::_WIDTH] for byte in range(_WIDTH)])


@lru_cache(maxsize=8)
def _layout(kinds: str, rows: int) -> str:
    return "<" + "".join(f"{rows}{kind}" for kind in kinds)


def _unpack(kinds: str, block: bytes) -> list[Sequence[float]]:
    sorted_bytes = zlib.decompress(block)
    numbers = len(sorted_bytes) // _WIDTH
    raw = bytearray(len(sorted_bytes))
    for byte in range(_WIDTH):
        raw[byte::_WIDTH] = sorted_bytes[byte * numbers : (byte + 1) * numbers]
    rows = numbers // len(kinds)
    flat = struct.unpack(_layout(kinds, rows), raw)
    grows = list(itertools.accumulate(flat[:rows]))
    return [grows, *(flat[start : start + rows] for start in range(rows, numbers, rows))]
