"""What was not measured counts as that, and what is not there any more does not."""

from __future__ import annotations

import pytest

from agent.report.coverage import gap, together
from agent.report.model import Gap

HOUR, DAY = 3600.0, 86400.0
NOW = 1_795_910_400.0
SINCE = NOW - 10 * DAY
EVERY_HOUR = [SINCE + number * HOUR for number in range(240)]


def test_a_series_that_was_always_read_lacks_nothing():
    """All of the period could be measured, and was."""
    assert gap("cpu", EVERY_HOUR, SINCE, NOW) == Gap(name="cpu", expected=10 * DAY, missing=0.0)


def test_hours_without_a_reading_are_missing():
    """A day away is a day."""
    hours = [at for at in EVERY_HOUR if not SINCE + 2 * DAY <= at < SINCE + 3 * DAY]
    assert gap("cpu", hours, SINCE, NOW).missing == DAY


def test_what_is_read_once_a_day_lacks_nothing_in_between():
    """Its own rhythm is what it is measured by."""
    assert gap("packages", [SINCE + day * DAY for day in range(10)], SINCE, NOW).missing == 0.0


def test_what_began_within_the_period_is_expected_from_then_on():
    """A disk that is new was not missing before."""
    hours = [at for at in EVERY_HOUR if at >= SINCE + 4 * DAY]
    assert gap("disk", hours, SINCE, NOW) == Gap(name="disk", expected=6 * DAY, missing=0.0)


def test_what_is_gone_is_no_gap():
    """A disk that was taken away is not looked for."""
    hours = [at for at in EVERY_HOUR if at < SINCE + 5 * DAY]
    assert gap("disk", hours, SINCE, NOW) == Gap(name="disk", expected=5 * DAY, missing=0.0)


def test_what_has_just_stopped_is_missing_until_now():
    """A mount that hangs since yesterday is not gone."""
    hours = [at for at in EVERY_HOUR if at < NOW - DAY]
    assert gap("disk", hours, SINCE, NOW).missing == DAY


@pytest.mark.parametrize("hours", [[], [SINCE - 5 * DAY]])
def test_what_was_not_there_in_the_period_is_not_told(hours):
    """Nothing was expected of it."""
    assert gap("disk", hours, SINCE, NOW) is None


def test_readings_of_one_sort_are_added_up_the_worst_first():
    """Twenty disks are one line."""
    found = together([Gap(name="a", expected=10, missing=0), Gap(name="b", expected=10, missing=5)] * 2)
    assert found == [Gap(name="b", expected=20, missing=10), Gap(name="a", expected=20, missing=0)]
