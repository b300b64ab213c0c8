"""One ticket a group: whatever comes, however often, to whichever replica."""

from datetime import UTC, datetime

import pytest

from agent.delivery.asking import SETTLE
from agent.relay.alertmanager import NotKnown
from agent.relay.tickets import FEW, OLD
from desk_in_memory import Desk
from fleet import NOW, Front, Said, alert, group
from ticketing_clients import Act, DeskUnreachable, OutcomeUnknown, TicketState

HOUR, DAY = 3600, 86_400


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def front(desk):
    return Front(desk)


def close(desk, at, kind="resolve"):
    """Have a person close the desk's last ticket at this time, and the desk tell so."""
    ticket = desk.tickets[-1]
    ticket.open = False
    act = Act(id="7", kind=kind, by="Ann", at=datetime.fromtimestamp(at, UTC))
    desk.read = lambda ref: TicketState(ref=ref, status="resolved", desk_status="resolved", acts=(act,))


class TestWhileItFires:
    """Exactly one open ticket that tells of the members."""

    def test_a_thousand_hosts_are_one_ticket_with_one_table(self, desk, front):
        assert front.told(*(alert(n) for n in range(1000))) == ("opened", "commented")
        assert len(desk.tickets) == 1
        assert len(desk.tickets[0].comments) == 1

    def test_the_same_body_again_does_nothing(self, desk, front):
        members = [alert(1), alert(2)]
        front.told(*members)
        assert front.told(*members) == ("nothing",)
        assert len(desk.tickets[0].comments) == 1

    def test_a_member_that_joins_is_told_once(self, desk, front):
        front.told(alert(1), alert(2))
        assert front.told(alert(1), alert(2), alert(3)) == ("commented",)
        assert front.told(alert(1), alert(2), alert(3)) == ("nothing",)
        assert len(desk.tickets) == 1

    def test_a_single_alert_needs_no_table(self, desk, front):
        assert front.told(alert(1)) == ("opened",)
        assert front.told(alert(1)) == ("nothing",)
        assert desk.tickets[0].comments == []

    @pytest.mark.parametrize(("members", "passed_on"), [(1, 1), (FEW, FEW), (FEW + 1, 0)])
    def test_what_agents_say_to_the_customer_is_passed_on_once_unless_they_are_many(
        self, desk, front, members, passed_on
    ):
        """A recovery that waits for a word, say: in a small group from each, in a large one the table speaks."""
        alerts = [alert(n) for n in range(members)]
        for n, one in enumerate(alerts):
            one["annotations"] |= {"comment": "It is well again.", "comment_marker": f"{n}-said"}
        front.told(*alerts)
        front.told(*alerts)
        assert sum(marker.endswith("-said") for marker in desk.tickets[0].comments) == passed_on

    def test_a_large_group_that_is_measured_well_asks_once_for_the_confirmation_of_all(self, desk, front):
        """Its agents wait for it, and it would be closed in the end without anybody having been asked."""
        alerts = [alert(n) for n in range(FEW + 1)]
        for one in alerts[1:]:
            one["annotations"]["foretell_well"] = "true"
        front.told(*alerts)
        asked = [marker for marker in desk.tickets[0].comments if "-well-" in marker]
        assert asked == [], "one of them is still out of order"
        alerts[0]["annotations"]["foretell_well"] = "true"
        assert front.told(*alerts) == ("commented",)
        assert front.told(*alerts) == ("nothing",)
        front.now += front.tickets.policy.remind_every
        assert front.told(*alerts) == ("commented",)

    def test_nothing_is_well_of_which_a_part_was_not_listed(self, desk, front):
        alerts = [alert(n) for n in range(FEW + 1)]
        for one in alerts:
            one["annotations"]["foretell_well"] = "true"
        front.told(*alerts, truncatedAlerts=1)
        assert not any("-well-" in marker for marker in desk.tickets[0].comments)

    @pytest.mark.parametrize(
        ("since", "fires", "opened"),
        [
            (NOW - OLD, (False, False), False),
            (NOW - OLD, (True, False), True),
            (NOW - OLD, (), True),
            (NOW - OLD + 1, (False, False), True),
        ],
        ids=["over", "one says so", "nobody can be asked", "new"],
    )
    def test_old_news_opens_nothing_unless_a_member_says_that_it_fires(self, desk, front, since, fires, opened):
        """Whoever sent it may have given up, and have heard of the end: nobody would tell us of that."""
        try:
            front.told(alert(1, since=since), fires=fires)
        except NotKnown:
            assert not opened
        assert len(desk.tickets) == opened

    def test_another_replica_finds_the_ticket(self, desk, front):
        front.told(alert(1))
        assert Front(desk).told(alert(1)) == ("nothing",)
        assert len(desk.tickets) == 1

    def test_a_group_that_gets_more_urgent_raises_its_ticket(self, desk, front):
        front.told(alert(1, priority="P3"))
        front.told(alert(1, priority="P1"))
        assert desk.tickets[0].priority == "P1"

    def test_two_replicas_that_open_at_the_same_moment_leave_the_lowest_id(self, desk, front):
        """Each finds nothing, each opens; each looks again. The order here is the worst: both opened before either looked."""
        key = group(alert(1)).key
        real, found = desk.find, []
        desk.find = lambda asked: found.append(asked) or ([] if len(found) == 1 else real(asked))
        first = desk.add(key)  # the other replica's, made after we looked
        done = front.tickets.carry_out(group(alert(1)), Said())
        assert (done.ref, done.duplicates) == (first.ref, 1)
        assert [ticket.open for ticket in desk.tickets] == [True, False]
        assert desk.tickets[1].original == first.ref

    def test_a_ticket_with_a_key_that_only_begins_alike_is_not_taken_for_ours(self, desk, front):
        desk.add(group(alert(1)).key[:32] + "0" * 32)
        assert front.told(alert(1)) == ("opened",)


class TestWhenTheDeskFails:
    """Nothing is said to be done that was not, and nothing is done twice."""

    @pytest.mark.parametrize("call", ["find", "open"])
    def test_a_desk_that_cannot_be_reached_raises(self, desk, front, call):
        desk.fails[call] = [DeskUnreachable("down")] * 9
        with pytest.raises(DeskUnreachable):
            front.told(alert(1))

    def test_a_ticket_that_may_have_been_made_is_looked_for_and_not_before_the_desk_can_know(self, desk, front):
        desk.fails_after["open"] = [OutcomeUnknown("the answer was lost")]
        with pytest.raises(OutcomeUnknown):
            front.told(alert(1))
        with pytest.raises(DeskUnreachable):
            front.told(alert(1))
        front.now += SETTLE + 1
        assert front.told(alert(1)) == ("nothing",)
        assert len(desk.tickets) == 1

    def test_a_table_whose_fate_is_unknown_is_not_told_twice(self, desk, front):
        desk.fails_after["comment"] = [OutcomeUnknown("the answer was lost")]
        with pytest.raises(OutcomeUnknown):
            front.told(alert(1), alert(2))
        front.now += SETTLE + 1
        assert front.told(alert(1), alert(2)) == ("nothing",)
        assert len(desk.tickets[0].comments) == 1


class TestWhenItIsOver:
    """What was measured is said; who may end it is not only us."""

    def test_people_are_asked_to_confirm_what_no_agent_followed(self, desk, front):
        front.told(alert(1))
        assert front.told(alert(1, ended=NOW)) == ("commented",)
        assert front.told(alert(1, ended=NOW)) == ("nothing",)
        assert desk.tickets[0].open

    def test_a_ticket_ends_when_every_agent_has_closed_its_case(self, desk, front):
        front.told(alert(1, foretell_key="a" * 64))
        assert front.told(alert(1, foretell_key="a" * 64, ended=NOW, end="resolved")) == ("commented", "resolved")
        assert not desk.tickets[0].open

    def test_it_stays_open_where_an_agent_fell_silent(self, desk, front):
        front.told(alert(1, foretell_key="a" * 64))
        front.told(alert(1, foretell_key="a" * 64, ended=NOW))
        assert desk.tickets[0].open

    def test_what_is_only_muted_is_not_over(self, desk, front):
        front.told(alert(1), alert(2))
        before = len(desk.tickets[0].comments)
        front.told(alert(1, ended=NOW), alert(2, ended=NOW), muted=True)
        assert len(desk.tickets[0].comments) == before + 1
        assert not any("-over-" in marker for marker in desk.tickets[0].comments)

    def test_the_end_of_what_has_no_ticket_opens_none(self, desk, front):
        assert front.told(alert(1, ended=NOW)) == ("nothing",)
        assert desk.tickets == []


class TestOldNews:
    """Alertmanager sends again what it began to say, and its members hear of ends one after the other."""

    def test_what_we_closed_ourselves_is_not_opened_again_by_a_member_that_lags(self, desk, front):
        of_agent = {"foretell_key": "a" * 64}
        front.told(alert(1, **of_agent), fires=(True, True))
        front.told(alert(1, ended=NOW, end="resolved", **of_agent))
        with pytest.raises(NotKnown):
            front.told(alert(1, **of_agent), fires=(True, False))
        assert front.told(alert(1, **of_agent), fires=(False, False)) == ("nothing",)
        assert [one.open for one in desk.tickets] == [False]
        assert front.told(alert(1, since=NOW + 60, **of_agent), fires=(True, True)) == ("reopened", "commented")


class TestWhenItComesBack:
    """After a person closed the ticket."""

    def test_a_new_start_within_the_time_reopens_it(self, desk, front):
        front.told(alert(1))
        close(desk, NOW)
        front.now += DAY
        assert front.told(alert(1, since=NOW + HOUR)) == ("reopened", "commented")
        assert len(desk.tickets) == 1

    def test_a_new_start_long_after_is_a_new_ticket(self, desk, front):
        front.told(alert(1))
        close(desk, NOW)
        front.now += 30 * DAY
        assert front.told(alert(1, since=NOW + 29 * DAY)) == ("opened",)
        assert len(desk.tickets) == 2

    def test_closed_while_it_fires_it_is_contested_once_and_after_a_while(self, desk, front):
        front.told(alert(1))
        close(desk, NOW)
        assert front.told(alert(1)) == ("nothing",)  # they may still be at it
        front.now += 2 * HOUR
        assert front.told(alert(1)) == ("commented", "reopened")
        close(desk, front.now)
        front.now += 2 * HOUR
        assert front.told(alert(1)) == ("nothing",)
        assert len(desk.tickets) == 1

    def test_what_is_to_be_left_as_it_is_is_left(self, desk, front):
        front.told(alert(1))
        close(desk, NOW, "wont_fix")
        front.now += 2 * HOUR
        assert front.told(alert(1)) == ("nothing",)
        assert not desk.tickets[0].open
