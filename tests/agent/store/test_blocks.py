"""Blocks give back exactly what was put in, and are small."""

import math
import random
import struct
from array import array

from hypothesis import given
from hypothesis import strategies as st

from agent.store._blocks import (
    Hour,
    merge_hours,
    pack_each,
    pack_hours,
    pack_readings,
    summarise,
    unpack_hours,
    unpack_readings,
)

TIMES = st.integers(-(10**12), 10**13).map(lambda tick: tick / 1000)
NUMBERS = st.floats(-1e12, 1e12)


def bits(value: float) -> bytes:
    """Return a number as it is stored, so that NaN equals NaN and -0.0 is not 0.0."""
    return struct.pack("<d", value)


@given(st.lists(st.tuples(TIMES, st.floats()), min_size=1))
def test_readings_come_back_bit_by_bit(readings):
    """Any values at any times in any order: NaN, infinities and steps of the clock too."""
    times, values = zip(*readings, strict=True)
    back = list(unpack_readings(pack_readings(times, values)))
    assert [(at, bits(value)) for at, value in back] == [(at, bits(value)) for at, value in readings]


@given(st.lists(st.lists(st.tuples(TIMES, st.sampled_from([0.0, -0.0, math.nan, 1.0])), min_size=1), max_size=9))
def test_of_many_series_each_comes_back_bit_by_bit(series):
    """Those that are the same, and those that only look so."""
    columns = [tuple(array("d", column) for column in zip(*readings, strict=True)) for readings in series]
    for readings, block in zip(series, pack_each(columns), strict=True):
        assert [(at, bits(value)) for at, value in unpack_readings(block)] == [
            (at, bits(value)) for at, value in readings
        ]


def test_of_many_series_none_takes_more_room_than_alone():
    """Ten minutes of 15 s, half of them of a constant."""
    chance = random.Random(7)  # noqa: S311 - an example, not a secret
    times = array("d", [1.79e9 + 15 * number for number in range(40)])
    values = [array("d", [1.0 if each % 2 else chance.random() for _ in times]) for each in range(10)]
    together = list(pack_each((times, one) for one in values))
    assert sum(map(len, together)) <= sum(len(pack_readings(times, one)) for one in values)


@given(
    st.lists(
        st.builds(
            Hour, st.integers(-(10**6), 10**6).map(lambda n: n * 3600.0), st.integers(1), NUMBERS, NUMBERS, NUMBERS
        ).filter(lambda hour: hour.count < 2**63),
        min_size=1,
    )
)
def test_hours_come_back_as_they_were(hours):
    """Start, count, mean, low and high."""
    assert list(unpack_hours(pack_hours(hours))) == hours


@given(st.lists(st.tuples(TIMES, NUMBERS | st.just(math.nan)), max_size=60), st.integers(0, 60))
def test_hours_made_in_two_parts_are_those_made_in_one(readings, border):
    """It does not matter where a block ended."""
    whole = summarise(readings)
    parts = merge_hours([*summarise(readings[:border]), *summarise(readings[border:])])
    assert [(one.at, one.count, one.low, one.high) for one in parts] == [
        (one.at, one.count, one.low, one.high) for one in whole
    ]
    for one, other in zip(parts, whole, strict=True):
        assert math.isclose(one.mean, other.mean, rel_tol=1e-9, abs_tol=1e-3)
        assert one.low - 1e-3 <= one.mean <= one.high + 1e-3


def test_an_hour_is_summarised_without_what_is_no_number():
    """By example: two hours, one reading that says nothing, one hour that has no number at all."""
    readings = [(3600.0, 1.0), (7199.9, 3.0), (7200.0, 5.0), (3700.0, math.nan), (20000.0, math.nan)]
    assert summarise(readings) == [Hour(3600.0, 2, 2.0, 1.0, 3.0), Hour(7200.0, 1, 5.0, 5.0, 5.0)]


def test_a_day_of_one_series_is_a_few_kilobytes_at_most():
    """What 14 days of 200 series take rests on this."""
    chance = random.Random(7)  # noqa: S311 - an example, not a secret
    times = [1.79e9 + 60 * number + chance.random() / 20 for number in range(1440)]
    assert len(pack_readings(times, [5e9] * 1440)) < 3_000
    free, level = [], 5e10
    for _ in times:
        level -= 4096 * chance.randrange(1000)
        free.append(level)
    assert len(pack_readings(times, free)) < 8_000
    assert len(pack_readings(times, [chance.random() for _ in times])) < 14_000
