"""Plain words for times and amounts, whatever a host reports."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.following.model import CaseState, Hold, QueueState
from agent.wording import plain
from thresholds import Forecast


def test_the_examples_in_the_docstrings_are_true():
    """What the functions say about themselves is run."""
    assert doctest.testmod(plain).failed == 0
    assert doctest.testmod(plain).attempted > 5


@pytest.mark.parametrize(
    ("words", "values"), [(plain.STATES, CaseState), (plain.HOLDS, Hold), (plain.QUEUE_STATES, QueueState)]
)
def test_every_state_has_words(words, values):
    """A new state cannot be shown as nothing."""
    assert set(words) == set(values.__args__)


@given(st.floats(), st.sampled_from(["bytes", "ratio", "seconds", "timestamp", "count", "boolean", "info", "other"]))
def test_no_number_is_without_words(value, unit):
    """Infinite, absurd or no number at all: there is always something to show."""
    assert plain.amount(value, unit)


def test_a_crossing_says_how_sure_it_is():
    """All three dates are named, and that it may never be."""
    assert plain.crossing(Forecast(0.0, 86_400.0, None), "UTC") == (
        "1970-01-01 00:00 UTC at the earliest, most likely 1970-01-02 00:00 UTC, or never"
    )
    assert plain.crossing(Forecast(0.0, 0.0, 86_400.0), "UTC").endswith("at the latest 1970-01-02 00:00 UTC")


def test_a_state_needs_no_number():
    """That a unit failed is said by the rule; "yes" adds nothing."""
    assert plain.measured({"value": 1.0, "limit": 1.0, "unit": "boolean"}) == ""
    assert plain.measured({}) == ""


def test_a_deadline_is_a_date():
    """The end of support is shown as the day it is."""
    assert plain.measured({"deadline": 0.0, "unit": "seconds"}) == "due 1970-01-01 00:00 UTC"
