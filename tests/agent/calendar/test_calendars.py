"""The customer's calendar: rules, clock changes, freezes and holidays; and that no proposal breaks a promise, in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.calendar.calendars import HOLIDAYS, calendar, holiday_data, parse_rule
from agent.calendar.quiet_hours import QuietHours
from agent.calendar.windows import Taken
from agent.configuration.settings import (
    DAY,
    HOUR,
    MINUTE,
    Freeze,
    PublicHolidays,
    RuledWindow,
    WeeklyWindow,
    WindowSettings,
)
from window_laws import ZONES, Case, answer, broken, clock_changes

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    """Return the unix seconds of a wall time that comes once."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def wall(moment: float, zone: ZoneInfo = BERLIN) -> str:
    """Return the wall time of unix seconds, with its offset."""
    return datetime.fromtimestamp(moment, zone).strftime("%a %d %b %Y %H:%M %z")


def weekly(days: list[str], start: str, hours: float, **rest) -> WindowSettings:
    """Return settings with one weekly window."""
    return WindowSettings(weekly=[WeeklyWindow(days=days, start=start, duration=hours * HOUR, **rest)])


def ruled(rule: str, start: str, hours: float, **rest) -> WindowSettings:
    """Return settings with one window by a rule."""
    return WindowSettings(rules=[RuledWindow(rule=rule, start=start, duration=hours * HOUR, **rest)])


def openings(configured: WindowSettings, now: str, count: int = 3, zone: ZoneInfo = BERLIN) -> list[str]:
    """Return when the next hours begin."""
    return [wall(hours.start, zone) for hours in calendar(configured, zone, at(now, zone)).hours[:count]]


# -- hours --------------------------------------------------------------------------------------------------------------


def test_without_configuration_every_night_is_open():
    """From 22:00 to 02:00."""
    hours = calendar(WindowSettings(), BERLIN, at("2026-11-23T12:00")).hours
    assert wall(hours[0].start) == "Mon 23 Nov 2026 22:00 +0100"
    assert {one.end - one.start for one in hours} == {4 * HOUR}
    assert len(hours) == 400


def test_rules_take_the_place_of_every_night_and_stand_beside_weekly_hours():
    """Whoever agreed on one Saturday a month did not agree on tonight; both forms together are both."""
    second_saturday = ruled("FREQ=MONTHLY;BYDAY=2SA", "2026-01-10T22:00", 6)
    assert openings(second_saturday, "2026-11-23T12:00") == [
        "Sat 12 Dec 2026 22:00 +0100",
        "Sat 09 Jan 2027 22:00 +0100",
        "Sat 13 Feb 2027 22:00 +0100",
    ]
    both = WindowSettings(weekly=weekly(["sun"], "02:00", 2).weekly, rules=second_saturday.rules)
    assert openings(both, "2026-12-10T12:00") == [
        "Sat 12 Dec 2026 22:00 +0100",
        "Sun 13 Dec 2026 02:00 +0100",
        "Sun 20 Dec 2026 02:00 +0100",
    ]


def test_an_interval_is_counted_from_the_first_time():
    """Every second week from a Tuesday on, whenever it is asked."""
    fortnightly = ruled("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-01-06T20:00", 2)
    assert openings(fortnightly, "2026-11-23T12:00", 2) == [
        "Tue 24 Nov 2026 20:00 +0100",
        "Tue 08 Dec 2026 20:00 +0100",
    ]
    assert openings(fortnightly, "2026-11-25T12:00", 1) == ["Tue 08 Dec 2026 20:00 +0100"]


def test_the_last_day_of_each_month_comes_in_the_months_of_clock_changes_too():
    """BYMONTHDAY=-1 is the 31 March 2030, on whose night clocks go forward, as any other."""
    last_day = ruled("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31T02:30", 2)
    assert openings(last_day, "2030-02-01T12:00") == [
        "Thu 28 Feb 2030 02:30 +0100",
        "Sun 31 Mar 2030 03:30 +0200",
        "Tue 30 Apr 2030 02:30 +0200",
    ]


def test_an_entry_is_valid_from_a_day_until_a_day():
    """Both days are still, or already, part of it."""
    valid = weekly(DAYS, "22:00", 2, valid_from="2026-11-25", valid_until="2026-11-26")
    assert openings(valid, "2026-11-20T12:00", 9) == ["Wed 25 Nov 2026 22:00 +0100", "Thu 26 Nov 2026 22:00 +0100"]


def test_an_entry_of_another_zone_is_placed_there():
    """22:00 in New York, for a customer in Berlin."""
    assert openings(weekly(DAYS, "22:00", 2, zone="America/New_York"), "2026-11-23T12:00", 1) == [
        "Tue 24 Nov 2026 04:00 +0100"
    ]


def test_the_cutoff_is_the_last_start():
    """Hours from 22:00 to 02:00 with a cutoff of one hour begin until 01:00."""
    (hours, *_) = calendar(weekly(DAYS, "22:00", 4, cutoff=HOUR), BERLIN, at("2026-11-23T12:00")).hours
    assert (wall(hours.last_start), wall(hours.end)) == ("Tue 24 Nov 2026 01:00 +0100", "Tue 24 Nov 2026 02:00 +0100")


def test_hours_past_midnight_belong_to_the_day_they_begin_on():
    """At half past midnight on Sunday, Saturday's 22:00 to 04:00 are still open; Sunday's own night is not agreed."""
    assert openings(weekly(["sat"], "22:00", 6), "2026-11-22T00:30", 1) == ["Sat 21 Nov 2026 22:00 +0100"]


def test_a_wall_time_in_the_gap_shifts_forward():
    """02:30 does not exist in Berlin on 29 March 2026: the hours begin at 03:30, and last as long as agreed."""
    (hours, *_) = calendar(weekly(["sun"], "02:30", 1), BERLIN, at("2026-03-28T12:00")).hours
    assert (wall(hours.start), hours.end - hours.start) == ("Sun 29 Mar 2026 03:30 +0200", HOUR)


def test_a_wall_time_that_comes_twice_is_the_first():
    """02:30 comes twice in Berlin on 25 October 2026: the first, still summer time, is taken."""
    assert openings(weekly(["sun"], "02:30", 1), "2026-10-24T12:00", 1) == ["Sun 25 Oct 2026 02:30 +0200"]


def test_a_duration_is_absolute_across_a_clock_change():
    """22:00 for eight hours ends at 05:00 when the clock goes back, at 07:00 when it goes forward."""
    saturdays = weekly(["sat"], "22:00", 8)
    assert wall(calendar(saturdays, BERLIN, at("2026-10-24T12:00")).hours[0].end) == "Sun 25 Oct 2026 05:00 +0100"
    assert wall(calendar(saturdays, BERLIN, at("2026-03-28T12:00")).hours[0].end) == "Sun 29 Mar 2026 07:00 +0200"


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("FREQ=HOURLY", "FREQ is not DAILY"),
        ("FREQ=DAILY;UNTIL=20261231", "UNTIL is said by valid_until"),
        ("FREQ=MONTHLY;BYDAY=XX", "is no recurrence rule"),
        ("FREQ=DAILY;NEVER=1", "is no recurrence rule"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is 0"),
        ("FREQ=DAILY;COUNT", "is no recurrence rule"),
    ],
)
def test_what_is_no_rule_is_said_to_be_none(rule, wrong):
    """Each slip in its own words, and never a traceback of the library's."""
    with pytest.raises(ValueError, match=wrong):
        parse_rule(rule, datetime(2026, 1, 1))  # noqa: DTZ001 - wall time


# -- what is closed -------------------------------------------------------------------------------------------------------


def closures(
    configured: WindowSettings, now: str, zone: ZoneInfo = BERLIN, language: str = "en"
) -> list[tuple[str, str, str]]:
    """Return begin, end and name of what is closed from `now` on."""
    found = calendar(configured, zone, at(now, zone), language=language).closures
    return [(wall(one.start, zone), wall(one.end, zone), one.name) for one in found]


def test_a_freeze_of_days_lasts_until_the_end_of_its_last_day():
    """From the first midnight to the last, across the end of summer time."""
    freeze = WindowSettings(freezes=[Freeze(start="2026-10-24", end="2026-10-25", name="audit")])
    assert closures(freeze, "2026-10-01T00:00") == [
        ("Sat 24 Oct 2026 00:00 +0200", "Mon 26 Oct 2026 00:00 +0100", "audit")
    ]


def test_a_freeze_that_recurs_comes_each_month():
    """Three days around the end of each month; the one that has begun is still one."""
    freeze = WindowSettings(freezes=[Freeze(start="2026-01-30", rule="FREQ=MONTHLY;BYMONTHDAY=-2", duration=3 * DAY)])
    found = [begins for begins, _, _ in closures(freeze, "2026-11-30T12:00")]
    assert found[:2] == ["Sun 29 Nov 2026 00:00 +0100", "Wed 30 Dec 2026 00:00 +0100"]


def test_public_holidays_are_days_of_the_customers_zone():
    """Bavaria has the Epiphany, Hamburg has not; names are in the ticket's language where the collection has it."""
    bavaria = WindowSettings(holidays=PublicHolidays(country="DE", subdivision="BY"))
    hamburg = WindowSettings(holidays=PublicHolidays(country="de", subdivision="HH"))
    epiphany = ("Wed 06 Jan 2027 00:00 +0100", "Thu 07 Jan 2027 00:00 +0100", "Epiphany")
    assert epiphany in closures(bavaria, "2026-12-01T00:00")
    assert epiphany not in closures(hamburg, "2026-12-01T00:00")
    china = WindowSettings(holidays=PublicHolidays(country="CN"))
    names = {name for _, _, name in closures(china, "2026-12-01T00:00", ZoneInfo("Asia/Shanghai"), "zh_Hans")}
    assert "春节" in " ".join(names)


def test_the_age_of_the_holidays_is_told():
    """Which release it is, and of which day, while it is the one that is locked here."""
    assert holiday_data() == f"holidays {HOLIDAYS[0]} of {HOLIDAYS[1]}"
    assert HOLIDAYS[1] > date(2026, 1, 1)


# -- the laws -------------------------------------------------------------------------------------------------------------

RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=SU,WE",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU",
    "FREQ=MONTHLY;BYDAY=2SA",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
    "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30",
]
COUNTRIES = [("", ""), ("DE", "BY"), ("US", "CA"), ("CN", ""), ("GB", "SCT"), ("IR", ""), ("IL", "")]
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 20, 30, 59]))
lengths = st.sampled_from([HOUR, 2.5 * HOUR, 4 * HOUR, 12 * HOUR, DAY])


@st.composite
def dates(draw, now: float, before: int, after: int) -> date:
    """Draw a day around `now`."""
    return datetime.fromtimestamp(now + draw(st.integers(-before, after)) * DAY, UTC).date()


@st.composite
def agreed_windows(draw, now: float) -> WeeklyWindow | RuledWindow:
    """Draw hours of either form."""
    duration = draw(lengths)
    shared = {
        "duration": duration,
        "cutoff": draw(st.sampled_from([0.0, 0.0, HOUR / 2])),
        "zone": draw(st.none() | st.sampled_from(ZONES)),
        "valid_from": draw(st.none() | dates(now, 20, 20).map(str)),
        "valid_until": draw(st.none() | st.none() | dates(now, 0, 60).map(str)),
    }
    if draw(st.booleans()):
        return WeeklyWindow(
            days=draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True)),
            start=draw(clocks),
            **shared,
        )
    return RuledWindow(rule=draw(st.sampled_from(RULES)), start=f"{draw(dates(now, 400, 0))}T{draw(clocks)}", **shared)


@st.composite
def freezes(draw, now: float) -> Freeze:
    """Draw a freeze of either form."""
    start = draw(dates(now, 5, 30))
    if draw(st.booleans()):
        end = start.fromordinal(start.toordinal() + draw(st.integers(1, 20)))
        clock = f"T{draw(clocks)}"
        return Freeze(
            start=f"{start}{draw(st.sampled_from(['', clock]))}", end=f"{end}{draw(st.sampled_from(['', clock]))}"
        )
    return Freeze(start=f"{start}T{draw(clocks)}", rule=draw(st.sampled_from(RULES)), duration=draw(lengths))


@st.composite
def cases(draw) -> Case:
    """Draw a question: a zone near one of its clock changes, any calendar, any forecast, what else is known."""
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(clock_changes(zone) or (datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp(),)))
    now = near + draw(st.integers(-10 * 24 * 60, 2 * 24 * 60)) * MINUTE
    hours = draw(st.lists(agreed_windows(now), min_size=1, max_size=3))
    country, subdivision = draw(st.sampled_from(COUNTRIES))
    configured = WindowSettings(
        weekly=[one for one in hours if isinstance(one, WeeklyWindow)],
        rules=[one for one in hours if isinstance(one, RuledWindow)],
        freezes=draw(st.lists(freezes(now), max_size=2)),
        holidays=PublicHolidays(country=country, subdivision=subdivision),
        notice=draw(st.sampled_from([0.0, 4 * HOUR, 3 * DAY])),
        safety=draw(st.sampled_from([0.0, 2 * HOUR])),
        options=draw(st.integers(1, 3)),
    )
    left = draw(st.none() | st.integers(-60, 30 * 24 * 60).map(lambda minutes: minutes * MINUTE))
    taken = st.builds(
        lambda begins, lasts, agreed: Taken("other", now + begins * HOUR, now + (begins + lasts) * HOUR, agreed=agreed),
        st.integers(-5, 200), st.integers(1, 30), st.booleans(),
    )  # fmt: skip
    usual = st.lists(st.none() | st.floats(0, 1), min_size=168, max_size=168).map(tuple)
    return Case(
        settings=configured,
        zone=zone,
        now=now,
        length=draw(st.sampled_from([30 * MINUTE, HOUR, 4 * HOUR])),
        crossing=None if left is None else now + left,
        place=draw(st.integers(0, 2**64)),
        taken=tuple(draw(st.lists(taken, max_size=2))),
        quiet=draw(st.none() | st.builds(QuietHours, span=st.just(21 * DAY), zone=st.just(zone), usual=usual)),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(cases())
def test_no_proposal_breaks_a_promise(case):
    """In the future after the notice, in agreed hours, outside what is closed, over in time; or it says why there is none."""
    assert list(broken(case, answer(case))) == []
