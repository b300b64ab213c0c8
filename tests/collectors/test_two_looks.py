"""Counters looked at twice."""

import pytest

from collectors._two_looks import TwoLooks


def test_the_first_run_measures_on_the_spot_and_later_ones_since_the_run_before():
    """Each run hands on its last look."""
    times, counts, waited = iter([0.0, 0.0, 0.2, 60.0, 60.2]), iter([1, 2, 3]), []
    looks = TwoLooks(0.2, waited.append, lambda: next(times))
    first = looks.take(lambda: next(counts))
    assert (first.before, first.after, first.seconds) == (1, 2, 0.2)
    second = looks.take(lambda: next(counts))
    assert (second.before, second.after) == (2, 3)
    assert second.seconds == 60.0
    assert waited == [0.2]


def test_after_a_look_ahead_only_what_is_left_is_waited_for():
    """Then the time passes while others are at work; what was seen ahead counts."""
    times, counts, waited = iter([0.0, 0.15, 0.2]), iter([1, 2]), []
    looks = TwoLooks(0.2, waited.append, lambda: next(times))
    looks.ahead(lambda: next(counts))
    first = looks.take(lambda: next(counts))
    assert (first.before, first.after, first.seconds) == (1, 2, 0.2)
    assert waited == [pytest.approx(0.05)]
