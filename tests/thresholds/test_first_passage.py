"""First passage: the formula against simulated walks, and what must hold of every probability."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresholds._first_passage import CLOSE, LONGEST, Walk

WALKS = st.builds(Walk, st.floats(-1, 1), st.floats(1e-9, 1), st.floats(0, 1))


@pytest.mark.parametrize(
    ("drift", "deviation", "doubt"),
    [
        (0.02, 0.05, 0.0),
        (0.0, 0.1, 0.0),
        (-0.02, 0.1, 0.0),
        (0.02, 0.05, 0.03),
        (0.02, 0.01, 0.01),
        (-0.05, 0.05, 0.05),
    ],
)
def test_the_formula_agrees_with_simulated_walks(drift, deviation, doubt):
    """Two thousand walks in small steps reach the barrier about as often as it says."""
    random.seed(7)
    room, days, steps = 0.2, 7, 200
    reached = 0
    for _ in range(2000):
        level, pace = 0.0, random.gauss(drift, doubt)
        for _ in range(steps):
            level += random.gauss(pace * days / steps, deviation * (days / steps) ** 0.5)
            if level >= room:
                reached += 1
                break

    assert Walk(drift, deviation**2, doubt**2).reaches(room, days) == pytest.approx(reached / 2000, abs=0.05)


def test_a_steady_walk_arrives_when_division_says():
    """Ten at one a day, with hardly any doubt."""
    days = Walk(1.0, 1e-6, 0.0).days_until(10, (0.1, 0.5, 0.9))

    assert days == pytest.approx([10, 10, 10], abs=0.05)
    assert days == sorted(days)


def test_doubt_about_the_pace_spreads_the_days_and_keeps_the_middle():
    """Ten at one a day, give or take a third: half are there after ten days."""
    early, middle, late = Walk(1.0, 1e-6, 0.35**2).days_until(10, (0.1, 0.5, 0.9))

    assert middle == pytest.approx(10, abs=0.05)
    assert early == pytest.approx(10 / (1 + 1.2816 * 0.35), abs=0.05)
    assert late == pytest.approx(10 / (1 - 1.2816 * 0.35), abs=0.1)


@pytest.mark.parametrize(
    "walk", [Walk(1.0, 0.0, 0.0), Walk(1.0, 0.0, 0.25), Walk(1e6, 1e-9, 1.0), Walk(-1e6, 1e-9, 1.0)]
)
def test_extreme_walks_have_a_probability_too(walk):
    """Steady to the last digit, or faster than anything that is measured."""
    assert 0 <= walk.reaches(0.5, 0.25) <= walk.reaches(0.5, 700) <= 1


def test_what_shrinks_never_arrives():
    """No forecast where there is nothing to forecast."""
    assert Walk(-0.1, 1e-4, 0.0).days_until(0.5, [0.5]) == [None]


def test_what_is_full_has_arrived():
    """No room is no time."""
    walk = Walk(-0.1, 1e-4, 0.0)

    assert (walk.reaches(0, 1), walk.days_until(0, [0.9])) == (1, [0])


@given(WALKS, st.floats(0, 1), st.floats(0, LONGEST), st.floats(0, LONGEST))
def test_more_time_never_makes_it_less_likely(walk, room, some, more):
    """A probability, and one that grows with the horizon."""
    some, more = sorted((some, more))

    assert 0 <= walk.reaches(room, some) <= walk.reaches(room, more) + 1e-6 <= 1 + 1e-6


@given(WALKS, st.floats(1e-3, 1))
def test_the_quantiles_are_in_order_and_mean_what_they_say(walk, room):
    """By the day of a quantile its probability is reached, and a little earlier it is not."""
    days = walk.days_until(room, (0.1, 0.5, 0.9))

    known = [day for day in days if day is not None]
    assert known == sorted(known)
    assert days[: len(known)] == known
    for share, day in zip((0.1, 0.5, 0.9), known, strict=False):
        assert walk.reaches(room, day) >= share - 1e-6
        assert walk.reaches(room, day - 1.1 * CLOSE * max(1, day)) <= share + 1e-6
