"""Clocks of a case: what was promised is watched, warned of and counted, by what the desk shows."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agent.following.model import Observed, Promise
from host_in_memory import DAY, HOUR, MINUTE, TICKET, Host, filling, healthy, key_of
from ticketing_clients import TicketState


def promise(host: Host, priority="P3", answer=8 * HOUR, fix=3 * DAY) -> Promise:
    """What a ticket says that is opened now."""
    return Promise(
        priority=priority,
        since=host.now,
        answer_due=host.now + answer,
        answer_warning=host.now + 0.8 * answer,
        fix_due=host.now + fix,
        fix_warning=host.now + 0.8 * fix,
    )


@pytest.fixture
def host() -> Host:
    """A host with a ticket of P3 that is just there: answered within 8 hours, settled within 3 days."""
    host = Host()
    host.cycle(filling(days=3))
    host.cycle(filling(days=3), after=5 * MINUTE)
    host.deliver("open", promise(host))
    return host


def test_the_first_answer_is_a_persons_act(host):
    """Whoever takes it on in time has kept the promise; that is known at once, and counted once."""
    host.cycle(filling(days=3), after=HOUR, events=host.person("acknowledge"))
    assert host.kept == [("first_response", "P3", "met")]
    host.cycle(filling(days=3), after=HOUR, events=host.person("reply"))
    host.cycle(filling(days=3), after=8 * HOUR)
    assert host.kept == [("first_response", "P3", "met")]


def test_what_the_customer_says_is_no_answer(host):
    """Neither their reply, nor the line that agrees to a time: that is what the ticket asks of them."""
    host.acts.clear()
    host.cycle(filling(days=3), after=HOUR, events=host.person("accept_window", option=1))
    reply = host.person("reply")
    host.acts[-1] = msgspec.structs.replace(host.acts[-1], by="ann")
    host.cycle(filling(days=3), events=host.poll())
    assert reply
    assert host.case().care.answered_at is None


def test_it_is_warned_before_an_answer_is_late_and_counted_when_it_is(host):
    """Once each, inside the desk and at home only."""
    assert host.cycle(filling(days=3), after=6.3 * HOUR) == []
    assert host.cycle(filling(days=3), after=HOUR) == ["comment overdue_soon"]
    [warning] = host.said("overdue_soon")
    assert not warning.public
    assert host.cycle(filling(days=3), after=HOUR) == []
    assert host.kept == [("first_response", "P3", "missed")]
    host.cycle(filling(days=3), after=HOUR, events=host.person("acknowledge"))
    assert host.kept == [("first_response", "P3", "missed")]


def test_a_fix_counts_from_when_measurements_are_good_and_only_when_that_lasts(host):
    """Verified before it was due: kept, though it was confirmed later."""
    host.cycle(filling(days=3), after=HOUR, events=host.person("acknowledge"))
    host.cycle(healthy(), after=2.9 * DAY - HOUR)
    host.cycle(healthy(), after=HOUR)
    assert host.case().state == "awaiting_confirmation"
    assert host.kept[1:] == []
    host.cycle(healthy(), after=2 * DAY, events=host.person("confirm"))
    assert host.case().state == "closed"
    assert host.kept[1:] == [("fix", "P3", "met")]


def test_a_fix_that_did_not_last_is_none(host):
    """It came back while nobody had confirmed it; when the time is over, that is a promise missed."""
    host.cycle(filling(days=3), after=HOUR, events=host.person("acknowledge"))
    host.cycle(healthy(), after=DAY)
    host.cycle(healthy(), after=HOUR)
    for _ in range(2):
        host.cycle(filling(days=3), after=6 * MINUTE)
    assert host.case().state == "open"
    host.cycle(filling(days=3), after=2 * DAY)
    assert host.kept[1:] == [("fix", "P3", "missed")]


def test_who_puts_it_off_moves_the_fix(host):
    """A person's date is the promise then, and nothing is missed before it."""
    until = datetime.fromtimestamp(host.now + 10 * DAY, UTC)
    host.cycle(filling(days=20), after=HOUR, events=host.person("acknowledge"))
    host.cycle(filling(days=20), after=HOUR, events=host.person("defer", until=until))
    assert host.case().care.promise.fix_due == until.timestamp()
    host.cycle(filling(days=20), after=5 * DAY)
    assert host.kept == [("first_response", "P3", "met")]


def look(host: Host, due: float) -> list[Observed]:
    """What a look shows when the ticket is due then."""
    when = datetime.fromtimestamp(due, UTC)
    state = TicketState(ref=TICKET, status="open", desk_status="open", due=when, acts=())
    return [Observed(case=key_of("/srv"), state=state, at=host.now)]


def test_a_due_time_that_people_change_at_the_desk_is_the_promise(host):
    """Read back: what the desk shows first is ours; what it shows after that, somebody else's."""
    ours = host.case().care.promise.fix_due
    host.cycle(filling(days=3), events=look(host, int(ours)))
    assert host.case().care.promise.fix_due == ours
    host.cycle(filling(days=3), events=look(host, ours + DAY))
    assert host.case().care.promise.fix_due == ours + DAY


def test_a_due_time_that_nobody_changed_takes_back_no_raised_promise(host):
    """The ticket is looked at for the first time after its priority was raised; desks leave the time due as it was."""
    told = host.case().care.promise.fix_due
    host.deliver("raise_priority", promise(host, "P1", MINUTE, 4 * HOUR))
    host.cycle(filling(days=3), events=look(host, told))
    assert host.case().care.promise.fix_due == host.now - MINUTE + 4 * HOUR


def test_a_ticket_opened_again_is_due_as_promised_then(host):
    """It shows the time of before, which nobody has set since."""
    told = host.case().care.promise.fix_due
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), after=HOUR, events=host.person("resolve", ticket_open=False))
    assert host.case().state == "closed"
    host.cycle(filling(days=3), after=DAY)
    assert "reopen returned" in host.cycle(filling(days=3), after=5 * MINUTE)
    host.deliver("reopen", promise(host))
    ours = host.case().care.promise.fix_due
    host.cycle(filling(days=3), events=look(host, told))
    assert host.case().care.promise.fix_due == ours
    host.cycle(filling(days=3), events=look(host, ours + DAY))
    assert host.case().care.promise.fix_due == ours + DAY


def test_a_raised_priority_keeps_since_when_it_counts(host):
    """And an answer that was given is not due again."""
    since = host.case().care.promise.since
    host.cycle(filling(days=3), after=HOUR, events=host.person("acknowledge"))
    host.deliver("raise_priority", promise(host, "P2", HOUR, 8 * HOUR))
    now = host.case().care.promise
    assert (now.priority, now.since) == ("P2", since)
    assert now.fix_due == host.now + 8 * HOUR
    assert host.cycle(filling(days=3), after=2 * HOUR) == []


def test_where_nobody_can_look_nothing_is_counted():
    """A desk that is not read makes no promise that we could watch: neither kept nor missed."""
    host = Host()
    host.open_case()
    host.cycle(filling(), after=30 * DAY)
    assert host.kept == []
    assert host.said("overdue_soon") == []
