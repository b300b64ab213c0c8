"""Amounts and times in the pieces that templates put into words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wording._values import Span, local, number, offset, percent, size, span

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, Span(1, "minute")),
        (90, Span(2, "minute")),
        (HOUR, Span(1, "hour")),
        (90 * MINUTE, Span(90, "minute")),
        (36 * HOUR, Span(36, "hour")),
        (3 * DAY, Span(3, "day")),
        (-3 * DAY, Span(3, "day")),
        (30 * DAY, Span(4, "week")),
        (90 * DAY, Span(3, "month")),
    ],
)
def test_a_time_span_is_said_in_one_unit(seconds, said):
    """The unit is the one people use for a span of this length; the sign is for the sentence around it."""
    assert span(seconds) == said


@given(st.floats(0, 1e10))
def test_a_time_span_is_said_within_half_a_unit(seconds):
    """What is said is never off by more than half of its unit, or is the least there is."""
    units = {"minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 365.25 / 12 * DAY}
    said = span(seconds)
    assert said.number == 1 or abs(said.number * units[said.unit] - seconds) <= units[said.unit] / 2


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "0 B"), (512, "512 B"), (1e3, "1.0 kB"), (999_960, "1.0 MB"), (456.07e9, "456.1 GB"), (-2.3e9, "-2.3 GB")],
)
def test_bytes_are_said_in_a_decimal_unit(amount, said):
    """One decimal of the unit that suits; nothing reads 1000.0 of a smaller one."""
    assert size(amount) == said


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.912, "91.2 %"), (0.5, "50 %"), (0.0, "0 %"), (0.99996, "99.9 %"), (1.0, "100 %")]
)
def test_a_share_that_is_not_whole_never_reads_whole(ratio, said):
    """99.996 % is not 100 %."""
    assert percent(ratio) == said


@pytest.mark.parametrize(("amount", "said"), [(2.0, "2"), (3.25, "3.25"), (1_234_567.0, "1,234,567"), (100.0, "100")])
def test_a_plain_number_has_no_needless_fraction(amount, said):
    """Whole numbers read whole, and keep their zeros."""
    assert number(amount) == said


def test_an_offset_is_the_one_of_that_day():
    """Summer time and winter time in one zone, and a zone of half hours."""
    berlin = ZoneInfo("Europe/Berlin")
    assert offset(local(1_795_600_800, berlin)) == "UTC+01:00"
    assert offset(local(1_782_000_000, berlin)) == "UTC+02:00"
    assert offset(local(1_795_600_800, ZoneInfo("America/St_Johns"))) == "UTC-03:30"
