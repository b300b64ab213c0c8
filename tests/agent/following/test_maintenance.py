"""Planned maintenance: from a person's word to its end, what is silent meanwhile, and when the word does not stand any more."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agent.calendar.windows import MaintenanceWindow
from agent.following.facts import unpack
from agent.following.model import Acted, Delivered, MaintenanceEnded, Promise
from host_in_memory import DAY, HOUR, MINUTE, NOON, TICKET, Host, filling, full, healthy, key_of
from ticketing_clients import Act

AGREED = ["comment agreed", "calendar agreed"]


def window(hours: float, lasts: float = 1) -> MaintenanceWindow:
    """Return a window that begins so many hours after the tests do."""
    return MaintenanceWindow(start=NOON + hours * HOUR, end=NOON + (hours + lasts) * HOUR, zone="UTC")


WINDOWS = (window(24), window(48), window(72))


@pytest.fixture
def host():
    """A host with an open ticket that proposes tomorrow, the day after, and the day after that."""
    host = Host()
    host.open_case()
    told = Delivered(case=key_of("/srv"), operation="x", kind="open", ref=TICKET, at=host.now, windows=WINDOWS)
    host.cycle(events=[told], after=0)
    assert host.case().proposed == WINDOWS
    return host


def until(host: Host, hours: float) -> float:
    """Return the seconds until so many hours after the tests began."""
    return NOON + hours * HOUR - host.now


def accept(host: Host, number: int = 1) -> list[str]:
    """Have a person accept; return what is asked of the desk."""
    return host.cycle(filling(), events=host.person("accept_window", option=number))


# -- the word -------------------------------------------------------------------------------------------------------------


def test_a_window_that_is_accepted_is_agreed_and_told(host):
    """The case holds it, is quiet until its end, and says so on the ticket and to calendars."""
    assert accept(host, 2) == AGREED
    case = host.case()
    assert (case.agreed.window, case.agreed.by) == (WINDOWS[1], "sue")
    assert (case.state, case.acknowledged_until) == ("acknowledged", WINDOWS[1].end)
    [comment] = [one for one in host.said("agreed") if one.kind == "comment"]
    assert comment.public
    assert unpack(comment.facts).agreed == WINDOWS[1]


def test_the_same_word_counts_once(host):
    """The desk shows it at each look, and people repeat themselves."""
    accept(host)
    assert host.cycle(filling(), events=host.poll()) == []
    assert accept(host) == []


def test_another_number_moves_the_window(host):
    """The entry in calendars gets the next version."""
    accept(host, 1)
    assert accept(host, 3) == AGREED
    assert host.case().agreed.window == WINDOWS[2]
    assert [unpack(one.facts).calendar for one in host.said("agreed") if one.kind == "calendar"] == [1, 2]


@pytest.mark.parametrize("number", [4, 9])
def test_a_number_that_is_not_there_is_answered(host, number):
    """Nothing is agreed, and the person learns that."""
    assert accept(host, number) == ["comment not_agreed"]
    assert host.case().agreed is None


def test_a_window_that_is_over_is_answered(host):
    """The mail was read two days late."""
    host.cycle(filling(), after=until(host, 26))
    assert accept(host, 1) == ["comment not_agreed"]


def test_a_word_on_the_host_may_name_a_window_of_its_own(host):
    """What `foretell window accept` showed when the ticket's times were over."""
    at = datetime.fromtimestamp(host.now, UTC)
    act = Act(id="host-1", kind="accept_window", by="root", at=at, option=1)
    said = Acted(case=key_of("/srv"), act=act, at=host.now, window=window(30))
    assert host.cycle(filling(), events=[said]) == AGREED
    assert host.case().agreed.window == window(30)


def test_the_fix_is_due_no_sooner_than_the_agreed_window(host):
    """Whoever agrees to the day after tomorrow is not told tomorrow that it is late."""
    promised = Promise(
        priority="P3",
        since=host.now,
        answer_due=host.now + HOUR,
        answer_warning=host.now + HOUR,
        fix_due=host.now + DAY,
        fix_warning=host.now + DAY,
    )
    host.deliver("raise_priority", promised)
    accept(host, 3)
    assert host.case().care.promise.fix_due == WINDOWS[2].end


# -- while it lasts ---------------------------------------------------------------------------------------------------------


def test_nothing_new_opens_during_it_and_one_digest_tells_at_its_end(host):
    """Two more disks fill while the work goes on: neither opens a ticket, and both are in one afterwards."""
    accept(host)
    host.cycle(filling(), after=until(host, 24))
    for _ in range(3):
        assert host.cycle(filling(), full("/a"), full("/b"), after=10 * MINUTE) == []
    assert {host.case(mount).hold for mount in ("/a", "/b")} == {"maintenance"}
    asked = host.cycle(filling(), full("/a"), full("/b"), after=until(host, 25))
    assert asked == ["open digest"]
    assert host.gathering("maintenance_digest").members == (key_of("/a"), key_of("/b"))


def test_what_went_away_during_it_is_never_told(host):
    """The service that was restarted is nobody's problem."""
    accept(host)
    host.cycle(filling(), after=until(host, 24))
    host.cycle(filling(), full("/a"), after=10 * MINUTE)
    host.cycle(filling(), full("/a"), after=10 * MINUTE)
    host.cycle(filling(), healthy("/a"), after=10 * MINUTE)
    assert host.cycle(filling(), healthy("/a"), after=until(host, 25)) == []


def test_before_it_begins_new_problems_open_as_ever(host):
    """Silence is for the window only."""
    accept(host)
    host.cycle(filling(), full("/a"))
    assert host.cycle(filling(), full("/a"), after=6 * MINUTE) == ["open opened"]


def test_verification_starts_at_its_end(host):
    """Good readings during the work count from its end on: an hour after it, not an hour after they began."""
    accept(host)
    host.cycle(filling(), after=until(host, 24))
    host.cycle(healthy(), after=MINUTE)
    assert host.cycle(healthy(), after=until(host, 25)) == []
    assert host.cycle(healthy(), after=59 * MINUTE) == []
    assert host.cycle(healthy(), after=2 * MINUTE) == ["comment recovered"]
    assert host.case().agreed is None


def test_work_done_before_it_is_verified_as_ever_and_the_window_taken_back(host):
    """Somebody was faster: after the hour of verification the window is cancelled."""
    accept(host)
    host.cycle(healthy())
    asked = host.cycle(healthy(), after=61 * MINUTE)
    assert asked == ["comment recovered", "comment window_withdrawn", "calendar window_withdrawn"]
    assert host.case().agreed is None


def test_it_can_be_ended_early(host):
    """The work took ten minutes: silence ends, and verification begins."""
    accept(host)
    host.cycle(filling(), after=until(host, 24))
    host.cycle(healthy(), after=10 * MINUTE, events=[])
    ended = MaintenanceEnded(case=key_of("/srv"), by="root", at=host.now)
    host.cycle(healthy(), events=[ended])
    host.cycle(full("/a"), healthy())
    assert host.cycle(full("/a"), healthy(), after=6 * MINUTE) == ["open opened"]
    assert host.cycle(full("/a"), healthy(), after=55 * MINUTE) == ["comment recovered"]


# -- when it does not stand any more ------------------------------------------------------------------------------------------


def test_a_window_that_comes_too_late_now_is_taken_back_and_others_are_asked_for(host):
    """It was to last eight days and lasts one: the window of the day after tomorrow is no use."""
    accept(host, 2)
    asked = host.cycle(filling(days=1.5))
    assert asked[-2:] == ["comment window_moved", "calendar window_moved"]
    assert (host.case().agreed, host.case().state) == (None, "open")
    [told] = [one for one in host.said("window_moved") if one.kind == "comment"]
    assert unpack(told.facts).agreed == WINDOWS[1]


def test_a_window_that_a_person_chose_after_the_crossing_stands(host):
    """Support that ends on a day, and a move that was agreed for later: nothing came nearer."""
    host.cycle(filling(days=2))  # at the earliest in 1.6 days
    accept_late = host.person("accept_window", option=3)
    assert host.cycle(filling(days=2), events=accept_late) == AGREED
    assert host.cycle(filling(days=1.9)) == []
    assert host.case().agreed.window == WINDOWS[2]


def test_a_window_that_did_not_help_is_told_after_the_grace(host):
    """An hour after its end the readings still breach: it says so, proposes anew, and is open again."""
    accept(host)
    host.cycle(filling(), after=until(host, 25))
    assert host.cycle(filling(), after=59 * MINUTE) == []
    assert host.cycle(filling(), after=2 * MINUTE) == ["comment window_over", "calendar window_over"]
    assert (host.case().agreed, host.case().state) == (None, "open")
    assert host.cycle(filling(), after=HOUR) == []


def test_a_window_of_work_that_was_put_off_is_taken_back(host):
    """Whoever agrees and then defers has taken it back."""
    accept(host)
    later = datetime.fromtimestamp(host.now + 9 * DAY, UTC)
    asked = host.cycle(filling(), events=host.person("defer", until=later))
    assert asked == ["comment window_withdrawn", "calendar window_withdrawn"]
    assert host.case().state == "deferred"


def test_a_case_that_a_person_closes_takes_its_window_back(host):
    """The ticket is resolved and the readings are good: nobody needs to get up at night."""
    accept(host)
    host.cycle(healthy(), events=host.person("resolve", ticket_open=False))
    asked = host.cycle(healthy(), after=61 * MINUTE)
    assert [one for one in asked if "window" in one] == ["comment window_withdrawn", "calendar window_withdrawn"]


def test_a_word_from_before_the_ticket_was_adopted_is_not_answered_again(host):
    """After records were lost the desk shows all old comments: what they meant was heeded then."""
    when = datetime.fromtimestamp(host.now - 3 * DAY, UTC)
    host.acts.append(Act(id="old", kind="accept_window", by="sue", at=when, option=1))
    assert host.cycle(filling(), events=host.poll()) == []
    assert host.case().agreed is None


def test_an_agreed_window_survives_being_written_down(host):
    """It is part of the case's record."""
    accept(host)
    written = msgspec.msgpack.encode(host.case())
    assert msgspec.msgpack.decode(written, type=type(host.case())) == host.case()
