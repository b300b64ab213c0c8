"""The host's habits: learned from two weeks at least, in the customer's week."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.calendar.quiet_hours import HOUR, hour_of_week, learn

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 10, 5, tzinfo=BERLIN).timestamp()
DAY = 24 * HOUR


def office(at: float, zone: ZoneInfo = BERLIN) -> float:
    """Return the load of a host that works from nine to five, Monday to Friday."""
    day, hour = divmod(hour_of_week(at, zone), 24)
    return 0.8 if day < 5 and 9 <= hour < 17 else 0.1


def history(days: float, zone: ZoneInfo = BERLIN) -> list[tuple[float, float]]:
    """Return the hours of so many days."""
    return [(MONDAY + n * HOUR, office(MONDAY + n * HOUR, zone)) for n in range(round(days * 24))]


def test_two_weeks_are_enough_and_less_is_not():
    """One hour less than two weeks ranks nothing, and says how long it has been."""
    assert learn(history(14), BERLIN).known
    young = learn(history(14 - 1 / 24), BERLIN)
    assert (young.known, young.span) == (False, 14 * DAY - HOUR)
    assert young.load(MONDAY, MONDAY + HOUR) is None


def test_no_history_is_no_habit():
    """A host that was installed this minute has none."""
    assert learn([], BERLIN).span == 0
    assert not learn([], BERLIN).known


def test_the_habit_is_one_of_the_customers_week_across_a_clock_change():
    """Five weeks over the end of summer time: nine o'clock is busy and eight is not, before and after."""
    quiet = learn(history(35), BERLIN)
    for week in (0, 4):
        nine = (
            datetime(2026, 10, 5 + week * 7, 9, tzinfo=BERLIN) if week == 0 else datetime(2026, 11, 2, 9, tzinfo=BERLIN)
        )
        assert quiet.load(nine.timestamp(), nine.timestamp() + HOUR) == pytest.approx(0.8)
        assert quiet.load(nine.timestamp() - HOUR, nine.timestamp()) == pytest.approx(0.1)


def test_the_busiest_hour_of_the_work_is_what_counts():
    """From eight to ten on a Monday it is as busy as it is at nine."""
    quiet = learn(history(21), BERLIN)
    assert quiet.load(MONDAY + 8 * HOUR, MONDAY + 10 * HOUR) == pytest.approx(0.8)


def test_a_history_with_large_holes_is_no_habit():
    """A host that is switched off at night was never seen at night: nothing is said about it."""
    day = [(at, load) for at, load in history(28) if 8 <= datetime.fromtimestamp(at, BERLIN).hour < 20]
    assert not learn(day, BERLIN).known


def test_an_hour_that_was_seen_once_is_not_known():
    """With one hour of the week missing but once, the week is known and that hour is not."""
    holed = [(at, load) for at, load in history(14) if at != MONDAY + 3 * HOUR]
    quiet = learn(holed, BERLIN)
    assert quiet.known
    assert quiet.load(MONDAY + 3 * HOUR, MONDAY + 3.5 * HOUR) is None


def test_hours_of_a_zone_that_is_half_an_hour_off_are_its_own():
    """In Kolkata work from 08:45 to 09:15 there is in the hour that begins at nine."""
    kolkata = ZoneInfo("Asia/Kolkata")
    quiet = learn(history(21, kolkata), kolkata)
    begins = datetime(2026, 11, 2, 8, 45, tzinfo=kolkata).timestamp()
    assert quiet.load(begins, begins + HOUR / 2) == pytest.approx(0.8)
