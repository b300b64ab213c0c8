"""What a case remembers of each time that it was open."""

from datetime import UTC, datetime

import msgspec
import pytest

from agent.following.episodes import TOLD_TICKETS, earlier_tickets, ended
from agent.following.model import Case
from ticketing_clients import Act, TicketRef

OPENED = 1_800_000_000.0
DAY = 86_400.0


def case(key="a", mountpoint="/srv", **facts) -> Case:
    """Return a case that has been open for a day."""
    known = {
        "first_seen": OPENED,
        "last_seen": OPENED,
        "changed_at": OPENED,
        "opened_at": OPENED,
        "closed_by": "person",
    }
    known["ticket"] = TicketRef("rt", key, "")
    return Case(key=key, rule="disk_space", subject={"mountpoint": mountpoint}, **(known | facts))


def closed(case: Case, after: float = DAY) -> Case:
    """Return `case` with the episode that ends so many seconds after its opening."""
    return msgspec.structs.replace(case, episodes=ended(case, OPENED + after))


def word(at: float) -> Act:
    """Return somebody's word at that time that it is to be left as it is."""
    return Act(id="1", kind="wont_fix", by="Kim", at=datetime.fromtimestamp(at, UTC))


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        ({"healthy_since": OPENED + 9, "healthy_evidence": {"value": 1.0}}, "confirmed"),
        ({"healthy_since": OPENED + 9, "closed_by": "rule"}, "unconfirmed"),
        ({"acts": (word(OPENED + 9),)}, "left"),
        ({"acts": (word(OPENED - 9),)}, "unproven"),  # said of an earlier time that it was open
        ({}, "unproven"),
    ],
)
def test_how_a_ticket_ended_is_told_by_who_closed_it_and_what_was_measured(facts, ending):
    """Nobody is said to have confirmed what nobody did, and nothing to be settled that was not measured."""
    (told,) = earlier_tickets(closed(case(**facts)), [])
    assert (told.ended, told.closed_at, told.subject) == (ending, OPENED + DAY, {})


def test_the_last_tickets_of_the_rule_are_told_the_newest_first():
    """Its own without a subject, those about another subject with it, and no more than a few."""
    own, other = closed(case(), 3 * DAY), closed(case("b", "/var"), 2 * DAY)
    told = earlier_tickets(own, [own, other])  # itself among its kin counts once
    assert [(one.ticket.id, one.subject) for one in told] == [("a", {}), ("b", {"mountpoint": "/var"})]
    many = [closed(case(str(number)), number * DAY) for number in range(1, 9)]
    assert [one.ticket.id for one in earlier_tickets(case("new"), many)] == ["8", "7", "6", "5", "4"]
    assert TOLD_TICKETS == 5


def test_what_had_no_ticket_of_its_own_is_no_earlier_ticket():
    """It was told in a digest's, or had just begun."""
    assert earlier_tickets(closed(case(ticket=None)), [case("b")]) == ()
