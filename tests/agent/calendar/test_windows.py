"""Proposed windows: what is offered, in which order, and why other hours are not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from agent.calendar.quiet_hours import QuietHours, hour_of_week
from agent.calendar.windows import Calendar, Closure, Hours, Limits, Taken, propose, spread

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    """Return the unix seconds of a wall time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def wall(moment: float) -> str:
    """Return the wall time of unix seconds."""
    return datetime.fromtimestamp(moment, BERLIN).strftime("%a %d %b %H:%M")


NOW = at("2026-11-23T12:00")  # a Monday


def nights(hours: float = 4, count: int = 30, cutoff: float = 0, closures: Iterable[Closure] = ()) -> Calendar:
    """Return a calendar with hours from 22:00 each night, from tonight on."""
    starts = [at("2026-11-23T22:00") + number * DAY for number in range(count)]
    each = (Hours(start, start + hours * HOUR, start + hours * HOUR - cutoff) for start in starts)
    return Calendar(hours=tuple(each), closures=tuple(closures), zone="Europe/Berlin")


def limits(notice: float = 0, latest: str = "2027-06-01T00:00", length: float = HOUR) -> Limits:
    """Return what a proposal at NOW keeps to."""
    return Limits(soonest=NOW + notice, latest=at(latest), length=length)


def starts(proposal) -> list[str]:
    """Return when the options begin."""
    return [wall(option.start) for option in proposal.options]


def passed_over(proposal) -> list[tuple[str, str]]:
    """Return what was ruled out, and for what."""
    return [(wall(hours.start), hours.code) for hours in proposal.ruled_out]


def test_the_next_windows_come_soonest_first():
    """Without a habit to go by the next nights are proposed, as many as asked for."""
    proposal = propose(NOW, nights(), limits())
    assert starts(proposal) == ["Mon 23 Nov 22:00", "Tue 24 Nov 22:00", "Wed 25 Nov 22:00"]
    assert all(option.end - option.start == HOUR and option.zone == "Europe/Berlin" for option in proposal.options)


def test_a_window_too_soon_is_ruled_out_by_the_notice():
    """With twelve hours of notice tonight is too soon, and it says why."""
    proposal = propose(NOW, nights(hours=2), limits(notice=12 * HOUR), options=1)
    assert starts(proposal) == ["Tue 24 Nov 22:00"]
    assert passed_over(proposal) == [("Mon 23 Nov 22:00", "notice")]


def test_no_window_is_bent_when_the_crossing_comes_first():
    """A deadline before the next agreed hours leaves nothing, and the hours that were looked at say so."""
    proposal = propose(NOW, nights(), limits(latest="2026-11-23T21:00"))
    assert proposal.none_fits
    assert passed_over(proposal) == [("Mon 23 Nov 22:00", "crossing")]


def test_a_window_ends_by_the_deadline_to_the_second():
    """One second less than the work needs, and the window is gone."""
    assert len(propose(NOW, nights(hours=1), limits(latest="2026-11-23T23:00")).options) == 1
    late = Limits(soonest=NOW, latest=at("2026-11-23T23:00") - 1, length=HOUR)
    assert propose(NOW, nights(hours=1), late).none_fits


def test_hours_shorter_than_the_work_never_do():
    """Work of two hours does not fit hours of one; they are ruled out as too short."""
    proposal = propose(NOW, nights(hours=1), limits(length=2 * HOUR))
    assert proposal.none_fits
    assert {hours.code for hours in proposal.ruled_out} == {"short"}


def test_nothing_begins_after_the_cutoff():
    """Hours of four with a cutoff of three begin within the first hour only; with less they are too short."""
    found = {
        propose(NOW, nights(cutoff=3 * HOUR), limits(length=HOUR / 2), options=1, place=place).options[0].start
        for place in range(40)
    }
    assert (wall(min(found)), wall(max(found))) == ("Mon 23 Nov 22:00", "Mon 23 Nov 23:00")


def test_hours_that_have_begun_still_do():
    """At half past ten of a night that is open, work can begin at once."""
    now = at("2026-11-23T22:30")
    proposal = propose(now, nights(), Limits(soonest=now, length=HOUR), options=1)
    assert starts(proposal) == ["Mon 23 Nov 22:30"]


def test_a_freeze_is_never_bent():
    """A freeze over two nights moves everything behind it, and is named."""
    freeze = Closure(at("2026-11-23T00:00"), at("2026-11-25T00:00"), "freeze", "year end")
    proposal = propose(NOW, nights(hours=2, closures=[freeze]), limits(), options=2)
    assert starts(proposal) == ["Wed 25 Nov 22:00", "Thu 26 Nov 22:00"]
    assert [(hours.code, hours.name) for hours in proposal.ruled_out] == [("freeze", "year end")] * 2


def test_what_a_holiday_leaves_of_a_night_is_used():
    """A holiday on Tuesday leaves two hours of Monday's night, which end at midnight."""
    holiday = Closure(at("2026-11-24T00:00"), at("2026-11-25T00:00"), "holiday", "Saint Somebody")
    for place in range(20):
        (option,) = propose(NOW, nights(closures=[holiday]), limits(), options=1, place=place).options
        assert at("2026-11-23T22:00") <= option.start <= option.end <= at("2026-11-24T00:00")


def test_a_freeze_leads_to_no_window_when_all_before_the_deadline_is_closed():
    """Nothing is left before the crossing: the proposal is empty and says freeze, not crossing."""
    freeze = Closure(NOW, at("2026-11-27T00:00"), "freeze")
    proposal = propose(NOW, nights(hours=1, closures=[freeze]), limits(latest="2026-11-26T12:00"))
    assert proposal.none_fits
    assert [hours.code for hours in proposal.ruled_out] == ["freeze"] * 4


def test_a_window_that_another_case_has_agreed_is_kept_free():
    """Agreed work from 22:00 to 02:00 takes the night; of work to midnight the rest is free."""
    whole = Taken("b", at("2026-11-23T22:00"), at("2026-11-24T02:00"), agreed=True)
    proposal = propose(NOW, nights(), limits(), options=1, taken=[whole])
    assert (starts(proposal), passed_over(proposal)) == (["Tue 24 Nov 22:00"], [("Mon 23 Nov 22:00", "taken")])
    half = Taken("b", at("2026-11-23T22:00"), at("2026-11-24T00:00"), agreed=True)
    assert starts(propose(NOW, nights(), limits(), options=1, taken=[half])) == ["Tue 24 Nov 00:00"]


def test_a_window_that_another_case_only_proposes_is_avoided_where_there_is_room():
    """The start moves out of its way; when the whole night is proposed to others, it is shared all the same."""
    half = Taken("b", at("2026-11-23T22:00"), at("2026-11-24T00:00"), agreed=False)
    assert starts(propose(NOW, nights(), limits(), options=1, taken=[half])) == ["Tue 24 Nov 00:00"]
    whole = Taken("b", at("2026-11-23T22:00"), at("2026-11-24T02:00"), agreed=False)
    assert starts(propose(NOW, nights(), limits(), options=1, taken=[whole])) == ["Mon 23 Nov 22:00"]


def habit(busy: float = 0.5, **quiet: float) -> QuietHours:
    """Return a week in which the host is `busy` but for hours named as mon_23."""
    usual = [busy] * 168
    for name, load in quiet.items():
        day, _, hour = name.partition("_")
        usual[["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(day) * 24 + int(hour)] = load
    return QuietHours(span=21 * DAY, zone="Europe/Berlin", usual=tuple(usual))


def test_the_quietest_hours_of_the_next_two_weeks_come_first():
    """Thursday at one in the morning is quiet, 23:00 on Wednesday a little: they come before tonight, and say how busy it is."""
    quiet = habit(thu_01=0.02, wed_23=0.2)
    proposal = propose(NOW, nights(), limits(), quiet=quiet)
    assert starts(proposal) == ["Thu 26 Nov 01:00", "Thu 03 Dec 01:00", "Mon 23 Nov 22:00"]
    assert [reason.amount for reason in proposal.options[0].reasons if reason.code == "quiet"] == [0.02]


def test_a_difference_nobody_would_notice_does_not_delay_the_work():
    """Three percent and one percent are both quiet: tonight is the better."""
    assert starts(propose(NOW, nights(), limits(), options=1, quiet=habit(0.03, sun_23=0.01))) == ["Mon 23 Nov 22:00"]


def test_a_busy_hour_within_the_work_counts():
    """Work of two hours does not begin where its second hour is the busiest of the week."""
    quiet = habit(0.1, mon_23=0.9, tue_00=0.9)
    (option,) = propose(NOW, nights(), limits(length=2 * HOUR), options=1, quiet=quiet).options
    assert wall(option.start).startswith("Tue 24 Nov 2")


def test_too_little_history_ranks_nothing():
    """The soonest come first, as without history."""
    young = QuietHours(span=3 * DAY, zone="Europe/Berlin")
    assert starts(propose(NOW, nights(), limits(), quiet=young)) == starts(propose(NOW, nights(), limits()))


def test_hosts_are_spread_over_the_hours_and_each_keeps_its_place():
    """Many hosts of one customer start at different quarters of the same night; one host always at the same."""
    found = [
        propose(NOW, nights(), limits(), options=1, place=spread(f"host-{number}")).options[0].start
        for number in range(100)
    ]
    assert len(set(found)) == 13  # every quarter from 22:00 to 01:00
    assert propose(NOW, nights(), limits(), options=1, place=spread("host-0")).options[0].start == found[0]


def test_hosts_are_spread_over_the_quiet_part_of_the_hours():
    """When only the hour after midnight is quiet, all begin in it so that they end in it, each at its own quarter."""
    quiet = habit(0.5, tue_00=0.0, tue_01=0.0)
    found = {
        wall(propose(NOW, nights(), limits(), options=1, place=place, quiet=quiet).options[0].start)
        for place in range(20)
    }
    assert found == {f"Tue 24 Nov {when}" for when in ("00:00", "00:15", "00:30", "00:45", "01:00")}


def test_agreed_hours_that_overlap_are_not_offered_twice():
    """Two entries for the same night give one option for it."""
    late = (Hours(hours.start + 900, hours.end + 900, hours.end + 900) for hours in nights().hours)
    twice = Calendar(hours=tuple(sorted([*nights().hours, *late])), zone="Europe/Berlin")
    proposal = propose(NOW, twice, limits(length=4 * HOUR))
    assert len(proposal.options) == 3
    ends = sorted((option.start, option.end) for option in proposal.options)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(ends))


def test_an_option_says_why_it_was_chosen():
    """Hours agreed, notice given, and the time left to the crossing, in seconds."""
    crossing = at("2026-11-26T22:00")
    proposal = propose(NOW, nights(), limits(), options=1, crossing=crossing)
    assert [(reason.code, reason.amount) for reason in proposal.options[0].reasons] == [
        ("hours", 4 * HOUR),
        ("notice", 10 * HOUR),
        ("margin", 3 * DAY - HOUR),
    ]


def test_an_hour_of_the_week_is_the_customers():
    """Sunday 23:30 in Berlin is the last hour of the week there."""
    assert hour_of_week(at("2026-11-29T23:30"), BERLIN) == 167
