"""Problem tickets: the third time within 30 days gets one of its own for the cause, linked, and it ends when that is over."""

from __future__ import annotations

import pytest

from agent.following.facts import unpack
from agent.following.model import Case, Delivered, Observed
from host_in_memory import DAY, HOUR, MINUTE, Host, filling, healthy
from ticketing_clients import TicketRef, TicketState

CAUSE = TicketRef("rt", "99", "http://127.0.0.1/99")


def come_and_go(host: Host) -> None:
    """The disk fills, its ticket is there, it is settled, and a person says so."""
    host.cycle(filling(), after=DAY)
    host.cycle(filling(), after=5 * MINUTE)
    host.deliver("open" if host.case().ticket is None else "reopen")
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), events=host.person("confirm"))
    assert host.case().state == "closed"


def problem(host: Host) -> Case:
    return host.gathering("problem")


@pytest.fixture
def host() -> Host:
    """A host whose disk is filling for the third time within days."""
    host = Host()
    come_and_go(host)
    come_and_go(host)
    assert not [case for case in host.cases.values() if case.rule == "problem"]
    host.cycle(filling(), after=DAY)
    host.cycle(filling(), after=5 * MINUTE)
    return host


def test_the_third_time_opens_one_ticket_for_the_cause(host):
    """With the list of all times; the ticket at hand goes on as it is."""
    [opened] = [one for one in host.operations if one.topic == "problem"]
    facts = unpack(opened.facts)
    assert (opened.kind, facts.rule, facts.priority) == ("open", "problem", "P3")
    [member] = facts.members
    assert (len(member.opened), len(member.episodes), member.ticket) == (3, 2, "http://127.0.0.1/7")
    assert host.case().state == "open"
    for _ in range(3):
        host.cycle(filling(), after=DAY)
    assert len([case for case in host.cases.values() if case.rule == "problem"]) == 1


def test_both_tickets_name_each_other(host):
    """Once its ticket is there, and once."""
    host.deliver_to("problem", CAUSE)
    linked = [one for one in host.operations if one.topic == "problem" and one.kind == "comment"]
    assert [unpack(one.facts).members[0].ticket for one in linked] == ["http://127.0.0.1/99"]
    assert linked[0].case == host.case().key
    host.cycle(filling(), after=HOUR)
    assert len([one for one in host.operations if one.topic == "problem"]) == 2


def test_each_return_is_told_on_it(host):
    """One comment for one return."""
    host.deliver_to("problem", CAUSE)
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), events=host.person("confirm"), after=HOUR)
    host.cycle(filling(), after=DAY)
    host.cycle(filling(), after=5 * MINUTE)
    host.cycle(filling(), after=5 * MINUTE)
    assert len(host.said("again")) == 1


def test_it_ends_when_nothing_came_back_for_as_long_as_that_is_counted(host):
    """Then a person is asked, like for any recovery; until then it is nobody's recovery."""
    host.deliver_to("problem", CAUSE)
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), events=host.person("confirm"))
    host.cycle(healthy(), after=20 * DAY)
    assert problem(host).state == "open"
    host.cycle(healthy(), after=11 * DAY)
    assert problem(host).state == "awaiting_confirmation"


def test_who_closes_it_is_believed_until_it_recurs_as_often_again(host):
    """Two more times are not three."""
    host.deliver_to("problem", CAUSE)
    state = TicketState(ref=CAUSE, status="resolved", desk_status="resolved")
    host.cycle(filling(), events=[Observed(case=problem(host).key, state=state, at=host.now)])
    assert (problem(host).state, problem(host).closed_by) == ("closed", "person")
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), after=HOUR)
    host.cycle(healthy(), events=host.person("confirm"))
    for times in range(1, 4):
        come_and_go(host) if times < 3 else host.cycle(filling(), after=DAY)
        host.cycle(filling() if times == 3 else healthy(), after=5 * MINUTE)
        open_ones = [case for case in host.cases.values() if case.rule == "problem" and case.state != "closed"]
        assert len(open_ones) == (times == 3)


def test_a_case_that_was_delivered_elsewhere_is_not_confused_with_it(host):
    """Its key is its own; the member's deliveries change nothing about it."""
    done = Delivered(case=host.case().key, operation="x", kind="comment", ref=CAUSE, at=host.now)
    host.cycle(filling(), events=[done])
    assert problem(host).ticket is None


def test_during_maintenance_none_is_opened():
    """Nothing is; what recurs meanwhile gets its problem ticket afterwards."""
    host = Host()
    come_and_go(host)
    come_and_go(host)
    host.cycle(filling(), after=DAY)
    host.cycle(filling(), after=5 * MINUTE)
    host.cases = {key: case for key, case in host.cases.items() if case.rule != "problem"}
    host.maintenance = True
    assert host.cycle(filling()) == []
    host.maintenance = False
    assert "open problem" in host.cycle(filling())
