"""Proposed windows: agreed hours, clock changes, deadlines."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import resolve_imaginary
from hypothesis import given
from hypothesis import strategies as st

from agent.settings import DAY, HOUR, MINUTE, WeeklyWindow, WindowSettings
from agent.windows import propose, spread

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    """Return the unix seconds of a wall time that comes once."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def wall(moment: float, zone: ZoneInfo = BERLIN) -> str:
    """Return the wall time of unix seconds, with its offset."""
    return datetime.fromtimestamp(moment, zone).strftime("%a %d %b %H:%M %z")


def weekly(days: list[str], start: str, hours: float, **rest) -> WindowSettings:
    """Return settings with one weekly window."""
    return WindowSettings(weekly=[WeeklyWindow(days=days, start=start, duration=hours * HOUR)], **rest)


def test_the_next_windows_come_soonest_first():
    """Without a crossing the next nights are proposed, as many as configured."""
    proposal = propose(at("2026-11-23T12:00"), WindowSettings(), BERLIN, before=None, length=HOUR)
    assert [wall(option.start) for option in proposal.options] == [
        "Mon 23 Nov 22:00 +0100",
        "Tue 24 Nov 22:00 +0100",
        "Wed 25 Nov 22:00 +0100",
    ]
    assert all(option.end - option.start == HOUR and option.zone == "Europe/Berlin" for option in proposal.options)


def test_a_window_too_soon_is_ruled_out_by_the_notice():
    """Two hours before tonight's hours end there is no notice of four hours left; tomorrow is proposed and it says why."""
    settings = weekly(DAYS, "22:00", 2, notice=4 * HOUR, options=1)
    proposal = propose(at("2026-11-23T20:30"), settings, BERLIN, before=None, length=HOUR)
    assert [wall(option.start) for option in proposal.options] == ["Tue 24 Nov 22:00 +0100"]
    assert [(wall(hours.start), hours.code) for hours in proposal.ruled_out] == [("Mon 23 Nov 22:00 +0100", "notice")]


def test_no_window_is_bent_when_the_crossing_comes_first():
    """A crossing before the next agreed hours leaves nothing, and the hours that were looked at say so."""
    settings = weekly(["sun"], "02:00", 4)
    now = at("2026-11-23T12:00")
    proposal = propose(now, settings, BERLIN, before=now + 2 * DAY, length=HOUR)
    assert proposal.none_fits
    assert [(wall(hours.start), hours.code) for hours in proposal.ruled_out] == [("Sun 29 Nov 02:00 +0100", "crossing")]


def test_a_window_that_would_end_within_the_safety_is_ruled_out():
    """One second less than work and safety need before the crossing, and the window is gone."""
    settings = weekly(DAYS, "22:00", 1, notice=0, safety=2 * HOUR)
    now, crossing = at("2026-11-23T12:00"), at("2026-11-24T01:00")
    assert len(propose(now, settings, BERLIN, before=crossing, length=HOUR).options) == 1
    assert propose(now, settings, BERLIN, before=crossing - 1, length=HOUR).none_fits


def test_hours_shorter_than_the_work_never_do():
    """Work of two hours does not fit hours of one; they are ruled out as too short."""
    proposal = propose(at("2026-11-23T12:00"), weekly(DAYS, "22:00", 1), BERLIN, before=None, length=2 * HOUR)
    assert proposal.none_fits
    assert {hours.code for hours in proposal.ruled_out} == {"short"}


def test_a_crossing_in_the_past_leaves_nothing():
    """What has happened already cannot be prevented in a window."""
    now = at("2026-11-23T12:00")
    assert propose(now, WindowSettings(), BERLIN, before=now - HOUR, length=HOUR).none_fits


def test_hours_past_midnight_belong_to_the_day_they_begin_on():
    """At half past midnight on Sunday, Saturday's 22:00-04:00 is still open; Sunday's own day is not agreed."""
    settings = weekly(["sat"], "22:00", 6, notice=0, options=1)
    proposal = propose(at("2026-11-22T00:30"), settings, BERLIN, before=None, length=HOUR)
    assert [wall(option.start) for option in proposal.options] == ["Sun 22 Nov 00:30 +0100"]


def test_a_wall_time_in_the_gap_shifts_forward():
    """02:30 does not exist in Berlin on 29 March 2026: the window begins at 03:30, and lasts as long as agreed."""
    settings = weekly(["sun"], "02:30", 1, notice=0, options=1)
    (option,) = propose(at("2026-03-28T12:00"), settings, BERLIN, before=None, length=HOUR).options
    assert (wall(option.start), option.end - option.start) == ("Sun 29 Mar 03:30 +0200", HOUR)


def test_a_wall_time_that_comes_twice_is_the_first():
    """02:30 comes twice in Berlin on 25 October 2026: the first, still summer time, is taken."""
    settings = weekly(["sun"], "02:30", 1, notice=0, options=1)
    (option,) = propose(at("2026-10-24T12:00"), settings, BERLIN, before=None, length=HOUR).options
    assert wall(option.start) == "Sun 25 Oct 02:30 +0200"


def test_a_duration_is_absolute_across_a_clock_change():
    """22:00 for eight hours ends at 05:00 when the clock goes back, at 07:00 when it goes forward."""
    settings = weekly(["sat"], "22:00", 8, notice=0, options=1)
    (autumn,) = propose(at("2026-10-24T12:00"), settings, BERLIN, before=None, length=8 * HOUR).options
    (spring,) = propose(at("2026-03-28T12:00"), settings, BERLIN, before=None, length=8 * HOUR).options
    assert wall(autumn.end) == "Sun 25 Oct 05:00 +0100"
    assert wall(spring.end) == "Sun 29 Mar 07:00 +0200"


def test_hosts_are_spread_over_the_hours_and_each_keeps_its_place():
    """Many hosts of one customer start at different quarters of the same night; one host always at the same."""
    now, settings = at("2026-11-23T12:00"), WindowSettings(options=1)
    starts = [
        propose(now, settings, BERLIN, before=None, length=HOUR, place=spread(f"host-{number}")).options[0].start
        for number in range(100)
    ]
    assert len(set(starts)) == 13  # every quarter from 22:00 to 01:00
    again = propose(now, settings, BERLIN, before=None, length=HOUR, place=spread("host-0")).options[0].start
    assert again == starts[0]


def test_agreed_hours_that_overlap_are_not_offered_twice():
    """Two entries for the same night give one option for it."""
    twice = [WeeklyWindow(days=DAYS, start=start, duration=4 * HOUR) for start in ("22:00", "22:15")]
    proposal = propose(at("2026-11-23T12:00"), WindowSettings(weekly=twice), BERLIN, before=None, length=4 * HOUR)
    ends = [(option.start, option.end) for option in proposal.options]
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(ends))


def test_an_option_says_why_it_was_chosen():
    """Hours agreed, notice given, and the time left to the crossing, in seconds."""
    now = at("2026-11-23T12:00")
    proposal = propose(now, WindowSettings(options=1), BERLIN, before=at("2026-11-26T22:00"), length=HOUR)
    assert [(reason.code, reason.seconds) for reason in proposal.options[0].reasons] == [
        ("hours", 4 * HOUR),
        ("notice", 10 * HOUR),
        ("margin", 3 * DAY - HOUR),
    ]


@cache
def clock_changes(name: str) -> tuple[datetime, ...]:
    """Return the times (UTC) between 1990 and 2037 near which the zone's offset changes, to three hours."""
    zone, step = ZoneInfo(name), timedelta(hours=12)
    times = [datetime(1990, 1, 1, tzinfo=UTC) + timedelta(days=15 * index) for index in range(1160)]
    found = []
    for earlier, later in pairwise(times):
        low, high = earlier, later
        if low.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset():
            continue
        while high - low > step / 4:
            middle = low + (high - low) / 2
            if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset():
                low = middle
            else:
                high = middle
        found.append(high)
    return tuple(found)


@st.composite
def planned(draw):
    """Draw a zone, a time near one of its clock changes, agreed hours, a crossing and a length of work."""
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(clock_changes(zone) or (datetime(2026, 3, 29, 1, tzinfo=UTC),)))
    now = near.timestamp() + draw(st.integers(-10 * 24 * 60, 2 * 24 * 60)) * MINUTE
    hours = [
        WeeklyWindow(
            days=draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True)),
            start=f"{draw(st.integers(0, 23)):02}:{draw(st.sampled_from([0, 15, 20, 30, 59])):02}",
            duration=draw(st.sampled_from([HOUR, 2.5 * HOUR, 4 * HOUR, 12 * HOUR, DAY])),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]
    settings = WindowSettings(
        weekly=hours,
        notice=draw(st.sampled_from([0.0, 4 * HOUR, 3 * DAY])),
        safety=draw(st.sampled_from([0.0, 2 * HOUR])),
        options=draw(st.integers(1, 3)),
    )
    left = draw(st.none() | st.integers(-60, 21 * 24 * 60).map(lambda minutes: minutes * MINUTE))
    return ZoneInfo(zone), now, settings, None if left is None else now + left


def agreed_hours(now: float, settings: WindowSettings, zone: ZoneInfo) -> list[tuple[float, float]]:
    """Return the agreed hours from two days before `now` to six weeks after it, with clock changes resolved by dateutil."""
    first = datetime.fromtimestamp(now, zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    found = []
    for weekly_ in settings.weekly:
        hour, minute = (int(part) for part in weekly_.start.split(":"))
        for number in range(-2, 43):
            day = first + timedelta(days=number)
            if DAYS[day.weekday()] in weekly_.days:
                begins = resolve_imaginary(day.replace(hour=hour, minute=minute, tzinfo=zone)).timestamp()
                found.append((begins, begins + weekly_.duration))
    return found


@given(planned(), st.sampled_from([30 * MINUTE, HOUR, 4 * HOUR]), st.integers(0, 2**64))
def test_every_option_keeps_every_promise_in_every_zone(plan, length, place):
    """In the future after the notice, within agreed hours, of the right length, over in time, in order, apart."""
    zone, now, settings, before = plan
    proposal = propose(now, settings, zone, before=before, length=length, place=place)
    assert len(proposal.options) <= settings.options
    ended, hours = now, agreed_hours(now, settings, zone)
    for option in proposal.options:
        assert option.start >= now + settings.notice
        assert option.end - option.start == pytest.approx(length)
        assert before is None or option.end <= before - settings.safety
        assert option.start >= ended
        ended = option.end
        assert any(opens <= option.start and option.end <= closes for opens, closes in hours)


@given(planned(), st.sampled_from([30 * MINUTE, HOUR, 4 * HOUR]))
def test_nothing_fits_only_when_nothing_does(plan, length):
    """When the proposal is empty, no agreed hours before the crossing, tried one by one, have room for the work."""
    zone, now, settings, before = plan
    proposal = propose(now, settings, zone, before=before, length=length)
    if proposal.none_fits:
        latest = now + 30 * DAY if before is None else before - settings.safety
        assert not any(
            min(closes, latest) - max(opens, now + settings.notice) >= length
            for opens, closes in agreed_hours(now, settings, zone)
        )
        assert before is None or proposal.ruled_out
