"""A trend is of the usual growth, and a date only where it is one to plan by."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.capacity import FARTHEST, Trend, crossing, trend, weekly_highs

DAY = 86400.0
NOW = 1_795_910_400.0
WHOLE = 500e9


def grown(per_day, days=91, at_the_end=300e9):
    """Return hourly points that grow evenly up to now."""
    return [(NOW - ago * DAY, at_the_end - ago * per_day) for ago in range(days, 0, -1)]


def test_each_week_counts_by_its_highest_use():
    """A nightly peak counts; the weeks end now, so that the last one is whole."""
    points = [(NOW - day * DAY - 1, 100.0 + (50.0 if day == 3 else 0)) for day in range(21, -1, -1)]
    assert weekly_highs(points, NOW) == [
        (NOW - 21 * DAY - 1, 100.0),
        (NOW - 20 * DAY - 1, 100.0),
        (NOW - 13 * DAY - 1, 100.0),
        (NOW - 3 * DAY - 1, 150.0),
    ]


def test_even_growth_is_found_as_it_is():
    """Two gigabytes a day are two gigabytes a day."""
    found = trend(weekly_highs(grown(2e9), NOW))
    assert found == Trend(low=pytest.approx(2e9), median=pytest.approx(2e9), high=pytest.approx(2e9))


def test_one_large_file_does_not_turn_the_trend():
    """It came and stays, and the growth is what it was."""
    points = [(at, value + (80e9 if at > NOW - 10 * DAY else 0)) for at, value in grown(5e8)]
    assert trend(weekly_highs(points, NOW)).median == pytest.approx(5e8, rel=0.2)


def test_three_weeks_say_nothing():
    """Nobody knows a trend by them."""
    assert trend(weekly_highs(grown(2e9, days=20), NOW)) is None


def test_it_is_full_when_the_room_is_used_up():
    """200 GB of room at 2 GB a day are a hundred days; the slowest and fastest weeks give the range."""
    found = crossing(Trend(low=1e9, median=2e9, high=4e9), 300e9, WHOLE, NOW, 90 * DAY)
    assert [(at - NOW) / DAY for at in (found.earliest, found.expected, found.latest)] == [50, 100, 200]


@pytest.mark.parametrize("growth", [Trend(-1e9, -5e8, 1e9), Trend(0, 0, 0), Trend(1e7, 2e7, 3e7)])
def test_what_does_not_grow_has_no_date(growth):
    """Nor has what grows by less than anybody would plan for."""
    assert crossing(growth, 300e9, WHOLE, NOW, 90 * DAY) is None


def test_a_date_is_no_farther_than_twice_as_far_as_was_looked_back():
    """Three months of history say nothing of next year."""
    growth = Trend(1e9, 1e9, 1e9)
    assert crossing(growth, 300e9, WHOLE, NOW, 200 * DAY / FARTHEST) is not None
    assert crossing(growth, 300e9, WHOLE, NOW, 199 * DAY / FARTHEST) is None


def test_growth_that_may_stop_may_never_fill_it():
    """Some weeks it shrank: the latest date is none."""
    assert crossing(Trend(-1e9, 2e9, 4e9), 300e9, WHOLE, NOW, 90 * DAY).latest is None


@given(seed=st.integers(0, 10_000), per_day=st.floats(1e8, 5e9))
def test_the_three_dates_are_in_order_whatever_the_noise(seed, per_day):
    """Earliest, expected, latest."""
    noise = random.Random(seed)  # noqa: S311 - nothing secret
    points = [(at, value + noise.gauss(0, 5e9)) for at, value in grown(per_day)]
    found = crossing(trend(weekly_highs(points, NOW)), 300e9, WHOLE, NOW, 90 * DAY)
    if found is not None:
        assert NOW < found.earliest <= found.expected <= (found.latest or found.expected)
