"""Prevented is only what was measured in order again and never happened; everything else is told as what it is."""

from __future__ import annotations

import msgspec
import pytest

from agent.following.model import Case, Episode
from agent.report.model import Promises
from agent.report.schedule import Period
from agent.report.tickets import Happened, Opening, promises, recurrences, risks, tickets
from thresholds import Finding, Forecast, Severity
from ticketing_clients import TicketRef

DAY = 86400.0
NOW = 1_795_910_400.0
PERIOD = Period(NOW - 90 * DAY, NOW)
TICKET = TicketRef("helpdesk", "42")
AHEAD = Forecast(NOW - 36 * DAY, NOW - 35 * DAY, None)


def episode(opened=40.0, closed=38.0, **changes):
    """Return a time that a case was open, from and to so many days ago, and that was measured in order again."""
    whole = {
        "opened_at": NOW - opened * DAY,
        "closed_at": NOW - closed * DAY,
        "closed_by": "person",
        "severity": Severity.WARNING,
        "priority": "P3",
        "measured_after": {"value": 1.0},
        "ticket": TICKET,
    }
    return Episode(**whole | changes)


def case(*episodes, **changes):
    """Return a case with these episodes behind it."""
    whole = {
        "key": "a1" * 32,
        "rule": "disk_space",
        "subject": {"mountpoint": "/srv"},
        "state": "closed",
        "first_seen": NOW,
        "last_seen": NOW,
        "changed_at": NOW,
        "episodes": episodes,
    }
    return Case(**whole | changes)


def only_ticket(one, *, forecast=AHEAD, reached=False):
    """Return the one ticket of a case that was opened forty days ago."""
    opening = Opening(one.key, NOW - 40 * DAY, forecast)
    [found] = tickets([one], {}, [opening], lambda *_: reached, PERIOD)
    return found


def test_what_was_settled_in_time_was_prevented():
    """Its ticket came five days before the date."""
    found = only_ticket(case(episode()))
    assert (found.outcome, found.lead, found.ending) == ("prevented", 5 * DAY, "confirmed")


def test_what_happened_all_the_same_was_not_prevented():
    """By the readings, whoever closed it."""
    assert only_ticket(case(episode()), reached=True).outcome == "reached"


@pytest.mark.parametrize(
    ("changes", "reached"),
    [({"measured_after": {}}, False), ({}, None)],
    ids=["nobody measured that it was in order again", "the history does not tell"],
)
def test_what_cannot_be_proven_is_not_claimed(changes, reached):
    """Unknown is never healthy."""
    assert only_ticket(case(episode(**changes)), reached=reached).outcome == "unknown"


def test_a_date_in_the_calendar_needs_no_readings():
    """A certificate that was renewed after its end had expired."""
    end = NOW - 39 * DAY
    dated = Forecast(end, end, end)
    assert only_ticket(case(episode(closed=38)), forecast=dated, reached=None).outcome == "reached"


def test_what_is_open_is_being_worked_on():
    """It has no end, and no outcome yet."""
    running = case(state="open", opened_at=NOW - 40 * DAY, ticket=TICKET)
    found = only_ticket(running)
    assert (found.outcome, found.closed_at, found.ending) == ("running", None, None)


def test_a_ticket_about_what_had_happened_warned_of_nothing():
    """There was nothing left to prevent, and no lead."""
    found = only_ticket(case(episode()), forecast=Forecast(NOW - 41 * DAY, NOW - 41 * DAY, None))
    assert (found.outcome, found.forecast, found.lead) == (None, None, 0.0)


def test_a_ticket_belongs_to_the_period_in_which_it_was_open():
    """Not the one that was closed before, nor one without a ticket."""
    some = [
        case(episode(opened=120, closed=100), key="a"),
        case(episode(opened=100, closed=80), key="b"),
        case(episode(ticket=None), key="c"),
    ]
    assert [one.opened_at for one in tickets(some, {}, [], lambda *_: None, PERIOD)] == [NOW - 100 * DAY]


def test_promises_are_counted_by_the_priority_of_their_time():
    """A case that is a P1 today was a P3 when its first promise was kept."""
    known = case(episode(), priority="P1", state="open")
    happened = [
        Happened(known.key, NOW - 39 * DAY, "fix met"),
        Happened(known.key, NOW - DAY, "fix missed"),
        Happened(known.key, NOW - DAY, "fix may be missed"),
        Happened("forgotten", NOW - DAY, "fix met"),
    ]
    assert promises(happened, [known]) == [
        Promises(promised="fix", priority="P1", missed=1),
        Promises(promised="fix", priority="P3", met=1),
    ]


def test_what_opened_twice_came_back():
    """Once is no recurrence, unless it is known to be one."""
    twice = case(episode(opened=40), episode(opened=20, closed=19), key="a")
    once = case(episode(), key="b", subject={"mountpoint": "/var"})
    flagged = case(episode(), key="c", subject={"mountpoint": "/opt"}, recurring=True)
    some = [twice, once, flagged]
    found = recurrences(some, tickets(some, {}, [], lambda *_: None, PERIOD), {})
    assert [(one.about.subject["mountpoint"], len(one.times), one.flagged) for one in found] == [
        ("/srv", 2, False),
        ("/opt", 1, True),
    ]


def test_risks_are_what_is_open_and_what_was_only_noticed():
    """A storm's members by themselves, with its number; what a case is about is not told twice."""
    storm = case(key="s", rule="storm", subject={"began": "1"}, state="open", ticket=TicketRef("helpdesk", "7"))
    member = case(key="m", state="open", parent="s", priority="P2")
    notice = Finding("disk_space", {"mountpoint": "/opt"}, Severity.NOTICE, NOW)
    known = msgspec.structs.replace(notice, subject=member.subject)
    well = msgspec.structs.replace(notice, subject={"mountpoint": "/"}, severity=Severity.HEALTHY)
    found = risks([storm, member], [notice, known, well], {})
    assert [(one.about.subject["mountpoint"], one.number) for one in found] == [("/srv", "7"), ("/opt", "")]
