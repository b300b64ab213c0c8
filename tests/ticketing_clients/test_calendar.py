"""An appointment as a calendar file, read back by two calendar programs' own readers, in every time zone."""

from __future__ import annotations

import uuid
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from ticketing_clients import Appointment
from ticketing_clients._calendar import calendar_file

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
AGREED = Appointment(
    uid="a1@foretell",
    sequence=2,
    status="confirmed",
    start=NOON,
    end=NOON + timedelta(hours=2),
    zone="Asia/Shanghai",
    summary="Maintenance of web01",
    description="a, b; c\nd 夜里",
)


def change(**changes) -> Appointment:
    """Return the appointment with something else about it."""
    return msgspec.structs.replace(AGREED, **changes)


def read(appointment: Appointment) -> tuple[icalendar.Calendar, icalendar.Event]:
    """Return the calendar and its event as icalendar reads them."""
    calendar = icalendar.Calendar.from_ical(calendar_file(appointment, NOON).content)
    (event,) = calendar.events
    return calendar, event


def test_what_is_agreed_is_a_confirmed_event_that_takes_its_time():
    """With its moments and words, organised by nobody who could be mailed."""
    calendar, event = read(AGREED)
    assert (event.start, event.end, event["SUMMARY"]) == (AGREED.start, AGREED.end, AGREED.summary)
    assert event["DESCRIPTION"] == "a, b; c d 夜里"
    assert (event["STATUS"], event["TRANSP"], event["ORGANIZER"]) == ("CONFIRMED", "OPAQUE", "invalid:nomail")
    assert calendar["METHOD"] == "PUBLISH"


def test_what_is_suggested_takes_nobodys_time():
    """Nobody has agreed to it yet."""
    _, event = read(change(status="tentative"))
    assert (event["STATUS"], event["TRANSP"]) == ("TENTATIVE", "TRANSPARENT")


def test_what_is_taken_back_is_cancelled():
    """By its method, its status, and a version that is later than what it cancels."""
    calendar, event = read(change(status="cancelled", sequence=3))
    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 3)
    assert calendar_file(change(status="cancelled"), NOON).media_type.endswith("method=CANCEL")


def test_a_later_version_is_the_same_entry_and_another_file():
    """The UID is for ever; desks that keep one file of a name keep both."""
    first, second = (calendar_file(change(sequence=number), NOON) for number in (0, 1))
    assert [read(change(sequence=number))[1]["UID"] for number in (0, 1)] == ["a1@foretell"] * 2
    assert (first.name, second.name) == ("maintenance-0.ics", "maintenance-1.ics")


def test_no_text_becomes_a_property_of_its_own():
    """A line end in a title does not invite anybody."""
    _, event = read(change(summary="x\r\nATTENDEE:mailto:eve@evil.test"))
    assert "ATTENDEE" not in event
    assert event["SUMMARY"] == "x ATTENDEE:mailto:eve@evil.test"


def test_a_window_across_the_end_of_summer_time_is_as_long_as_it_is():
    """From 22:00 to 03:00 in Berlin are six hours that night; a difference of wall times would say five."""
    start = datetime(2026, 10, 24, 20, tzinfo=UTC)
    _, event = read(change(zone="Europe/Berlin", start=start, end=start + timedelta(hours=6)))
    assert event.end.astimezone(UTC) - event.start.astimezone(UTC) == timedelta(hours=6)
    assert f"{event.end:%H:%M}" == "03:00"


def test_the_second_of_two_equal_wall_times_is_not_taken_for_the_first():
    """02:30 in winter time, the second on that night, is written so that it cannot be misread."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    _, event = read(change(zone="Europe/Berlin", start=second, end=second + timedelta(hours=1)))
    assert event.start.astimezone(UTC) == second


def agrees(appointment: Appointment) -> None:
    """See that both readers take the same moments from the file, the second by nothing but the zone's rules in it."""
    content = calendar_file(appointment, NOON).content
    _, event = read(appointment)
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (appointment.start, appointment.end)
    # A name that no database has, and that it has not met before: it remembers zones by their names.
    unknown = content.decode().replace(f"TZID:{appointment.zone}", name := f"TZID:{uuid.uuid4()}")
    unknown = unknown.replace(f"TZID={appointment.zone}", name.replace(":", "="))
    other = vobject.readOne(unknown).vevent
    assert (other.dtstart.value.astimezone(UTC), other.dtend.value.astimezone(UTC)) == (
        appointment.start,
        appointment.end,
    )
    assert (other.uid.value, other.sequence.value) == (appointment.uid, str(appointment.sequence))


@given(
    st.sampled_from(ZONES),
    st.integers(0, 40 * 365 * 96).map(
        lambda quarters: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    ),
    st.integers(1, 40),
)
def test_two_independent_readers_take_the_same_moments_from_it(zone, start, quarters):
    """In every zone, at any quarter of an hour until 2060."""
    agrees(change(zone=zone, start=start, end=start + timedelta(minutes=15 * quarters)))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana"])
def test_two_independent_readers_agree_around_clock_changes(zone):
    """Each quarter of an hour for a day around each change of a year."""
    year = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(366 * 24)]
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in year]
    changes = [at for at, before, after in zip(year, offsets, offsets[1:], strict=False) if before != after]
    assert changes
    for at in changes:
        for quarter in range(-6, 8):
            start = at + timedelta(minutes=15 * quarter)
            agrees(change(zone=zone, start=start, end=start + timedelta(hours=1)))
