"""Service hours: time that counts only while the desk is there, across nights, weekends, holidays and clock changes."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.calendar.service_hours import ServiceHours
from agent.configuration.settings import DAY, HOUR, DeskHours

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
OFFICE = ServiceHours(weekly=[DeskHours(days=WORKDAYS, start="09:00", duration=8 * HOUR)], zone=BERLIN)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("begin", "hours", "end"),
    [
        ("2026-11-23T10:00", 2, "2026-11-23T12:00"),  # within a day
        ("2026-11-23T16:00", 2, "2026-11-24T10:00"),  # over a night
        ("2026-11-27T16:00", 2, "2026-11-30T10:00"),  # from Friday to Monday
        ("2026-11-28T12:00", 1, "2026-11-30T10:00"),  # on a Saturday
        ("2026-11-23T03:00", 8, "2026-11-23T17:00"),  # all of the first day
        ("2026-03-27T16:00", 9, "2026-03-30T17:00"),  # over the night in which the clocks go forward
    ],
)
def test_only_the_desks_hours_count(begin, hours, end):
    """A promise that is made outside them begins when the desk does."""
    assert OFFICE.after(at(begin), hours * HOUR) == at(end)


def test_a_holiday_does_not_count():
    """The calendar is handed in: nothing begins on a day that it closes."""
    closed = ServiceHours(weekly=OFFICE.weekly, zone=BERLIN, closed=lambda day: day == date(2026, 12, 25))
    assert closed.after(at("2026-12-24T16:00"), 2 * HOUR) == at("2026-12-28T10:00")
    assert closed.before(at("2026-12-28T10:00"), 2 * HOUR) == at("2026-12-24T16:00")


def test_without_hours_it_counts_round_the_clock():
    """The same with a calendar that never opens: better due too early than never."""
    always = ServiceHours(weekly=[], zone=BERLIN)
    assert always.after(1000.0, DAY) == 1000.0 + DAY
    assert always.before(1000.0, DAY) == 1000.0 - DAY
    never = ServiceHours(weekly=OFFICE.weekly, zone=BERLIN, closed=lambda _: True)
    assert never.after(1000.0, DAY) == 1000.0 + DAY


HOURS = st.lists(
    st.builds(
        DeskHours,
        days=st.lists(st.sampled_from([*WORKDAYS, "sat", "sun"]), min_size=1, max_size=4, unique=True),
        start=st.sampled_from(["00:00", "02:30", "09:00", "22:00"]),
        duration=st.sampled_from([HOUR, 5.5 * HOUR, 10 * HOUR, DAY]),
    ),
    min_size=1,
    max_size=3,
)


WHOLE_MOMENTS = st.integers(1_600_000_000, 1_900_000_000)
WHOLE_SECONDS = st.integers(1, int(20 * DAY))


@given(HOURS, st.sampled_from(ZONES), WHOLE_MOMENTS, WHOLE_SECONDS, WHOLE_SECONDS)
def test_time_adds_up_and_leads_back(weekly, zone, moment, first, second):
    """In every zone, across every change: later by parts is later by the whole, and the way back ends where it counted from."""
    hours = ServiceHours(weekly=weekly, zone=ZoneInfo(zone))
    end = hours.after(moment, first)
    assert end >= moment + first
    assert hours.after(end, second) == hours.after(moment, first + second)
    begin = hours.before(end, first)
    assert begin >= moment
    assert hours.after(begin, first) == end
