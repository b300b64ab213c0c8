"""What is seen at the desk: open tickets, late twins, and all of it when our own records were lost."""

from __future__ import annotations

import pytest

from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.delivery.looking import TWIN_WATCH
from agent.following.model import Adopted, Delivered, Observed
from agent.following.routing import copy_key
from desk_in_memory import NOW, A, B
from ticketing_clients import (
    Capabilities,
    DeskUnreachable,
    OutcomeUnknown,
    Rejected,
    TicketRef,
)


class TestLooking:
    """Open tickets are looked at, and the cases hear what is there."""

    def test_the_state_goes_back_to_the_case(self, office):
        """As the desk has it, and None when it is gone."""
        ticket = office.open()
        office.batch(TWIN_WATCH, poll=True)
        [seen] = office.store.take_events()
        assert isinstance(seen, Observed)
        assert seen.state.ref == ticket.ref
        office.desk.tickets.clear()
        office.batch(poll=True)
        assert office.store.take_events() == [Observed(case=A, state=None, at=office.now)]

    @pytest.mark.parametrize("state", ["pending", "closed"])
    def test_those_of_no_present_problem_are_left_alone(self, office, state: str):
        """A case that is closed needs no news."""
        ticket = office.open()
        office.save(A, ticket=ticket.ref, state=state)
        assert office.batch(poll=True) == []

    @pytest.mark.parametrize("read", [True, False])
    def test_whether_the_desk_can_be_read_is_told_with_how_it_was(self, office, *, read: bool):
        """Then no courier is started to look where there is nothing to see."""
        office.open()
        office.desk.capabilities = Capabilities(read=read)
        assert ("read" in office.batch(TWIN_WATCH, poll=True)) is read
        assert office.health.read is read

    def test_whether_each_ticket_was_seen_is_told_with_how_the_desk_was(self, office):
        """Then nobody need look again at a desk where nothing has changed; a gone one was seen, too."""
        office.open()
        office.open(B)
        office.batch()
        assert not office.health.all_seen
        office.batch(poll=True)
        assert office.health.all_seen
        office.desk.fails["read"] = [Rejected("not this one")]
        office.batch(poll=True)
        assert (office.health.reachable, office.health.all_seen) == (True, False)
        office.desk.tickets.clear()
        office.batch(poll=True)
        assert office.health.all_seen

    def test_it_looks_after_it_has_sent(self, office):
        """What the case hears last is how things are now."""
        ticket = office.open()
        ticket.open = False
        office.ask(A, "reopen", "not_fixed")
        office.batch(HOUR, poll=True)
        reopened, seen = office.store.take_events()
        assert isinstance(reopened, Delivered)
        assert seen.state.open

    def test_a_follow_up_made_in_the_same_batch_is_what_is_looked_at(self, office):
        """The old ticket is closed for good, and says nothing about the new one."""
        office.open().open = False
        office.desk.capabilities = Capabilities(reopen="follow_up")
        office.ask(A, "reopen", "not_fixed")
        office.batch(HOUR, poll=True)
        reopened, seen = office.store.take_events()
        assert reopened.ref == seen.state.ref == office.desk.tickets[1].ref
        assert seen.state.open

    def test_a_ticket_that_is_still_to_be_opened_again_says_nothing(self, office):
        """That people closed it before is no answer to what came since."""
        ticket = office.open()
        ticket.open = False
        reopening = office.ask(A, "reopen", "returned")
        office.desk.fails["reopen"] = [OutcomeUnknown("the answer was lost")]
        office.batch(HOUR, poll=True)
        assert office.store.take_events() == []
        assert not office.health.all_seen
        office.batch(DAY, poll=True)
        reopened, seen = office.store.take_events()
        assert (reopened.operation, seen.state.open) == (reopening, True)

    def test_a_twin_of_lower_id_is_the_one_that_stays(self, office):
        """The lost request was the first after all: the case goes on with its ticket."""
        ticket = office.open()
        ticket.ref = TicketRef("desk", "2")
        earlier = office.desk.add(A)
        office.desk.tickets.reverse()
        earlier.ref = TicketRef("desk", "1")
        office.outbox.moved(A, "desk", ticket.ref)
        office.batch(MINUTE, poll=True)
        assert (earlier.open, ticket.open, ticket.original) == (True, False, earlier.ref)
        assert office.outbox.latest_ticket(A, "desk") == earlier.ref
        [seen] = office.store.take_events()
        assert seen.state.ref == earlier.ref

    def test_a_twin_of_a_ticket_that_people_closed_is_closed_too(self, office):
        """Their word counts for the problem, whichever ticket it was said on."""
        ticket = office.open()
        twin = office.desk.add(A)
        ticket.open = False
        office.batch(MINUTE, poll=True)
        assert (twin.open, twin.original) == (False, ticket.ref)

    def test_an_opening_that_waited_for_days_is_watched_from_when_it_was_made(self, office):
        """Not from when the problem began."""
        ticket = office.open()
        office.save(A, ticket=ticket.ref, opened_at=NOW - 3 * DAY, operations=1)
        twin = office.desk.add(A)
        office.batch(MINUTE, poll=True)
        assert not twin.open

    def test_a_merged_ticket_is_followed_where_the_desk_tells(self, office):
        """What is said from then on is said on the ticket that people go on with."""
        ticket = office.open()
        other = office.desk.add(B)
        ticket.merged_into = other.ref
        office.batch(TWIN_WATCH, poll=True)
        [seen] = office.store.take_events()
        assert seen.state.ref == other.ref
        said = office.ask(A, "comment", "worse")
        office.batch()
        assert other.comments == [said]

    def test_each_ticket_has_its_turn(self, office, monkeypatch):
        """A batch ends, however many are open, and goes on next time where it ended; one that cannot be read has had its turn."""
        monkeypatch.setattr("agent.delivery.looking.LOOKS", 2)
        for key in "abcde":
            office.open(key * 64)
        office.desk.fails["read"] = [Rejected("400")]
        looked = []
        for _ in range(3):
            assert office.batch(TWIN_WATCH, poll=True).count("read") == 2
            looked += [event.case[0] for event in office.store.take_events()]
        assert looked == ["b", "c", "d", "e", "a"]

    def test_only_the_tickets_of_this_desk_are_looked_at(self, office):
        """Each desk has a courier of its own."""
        office.save(A, ticket=TicketRef("another", "1"))
        assert office.batch(poll=True) == []

    def test_a_late_twin_is_closed(self, office):
        """The lost request was carried out after all, later than anybody waits; looked for only while that is likely."""
        ticket = office.open()
        twin = office.desk.add(A)
        assert office.batch(MINUTE, poll=True) == ["read", "find", "close_duplicate"]
        assert (ticket.open, twin.open) == (True, False)
        assert office.batch(TWIN_WATCH, poll=True) == ["read", "find"]
        assert office.batch(MINUTE, poll=True) == ["read"]

    def test_a_twin_that_could_not_be_closed_is_closed_days_later(self, office):
        """The desk was away, and then the agent was."""
        office.open()
        twin = office.desk.add(A)
        office.desk.fails["close_duplicate"] = [OutcomeUnknown("reset")] * 2
        office.batch(MINUTE, poll=True)
        office.batch(3 * DAY, poll=True)
        assert twin.open
        office.batch(MINUTE, poll=True)
        assert not twin.open

    def test_what_people_merged_into_a_ticket_of_theirs_makes_no_duplicates_of_it(self, office):
        """An earlier one of ours that they opened again is theirs to care for."""
        ticket, theirs, again = office.open(), office.desk.add(B), office.desk.add(A)
        ticket.key, ticket.open, ticket.merged_into = "", False, theirs.ref
        office.batch(MINUTE, poll=True)
        assert again.open
        assert office.batch(TWIN_WATCH, poll=True) == ["read", "find"]
        assert office.batch(MINUTE, poll=True) == ["read"], "it is not searched for ever"

    def test_a_ticket_that_was_moved_is_not_its_own_twin(self, office):
        """People gave it another number in its first hour; its key is found under that one only."""
        ticket = office.open()
        moved = office.desk.add(A)
        ticket.key, ticket.open, ticket.merged_into = "", False, moved.ref
        assert office.batch(MINUTE, poll=True) == ["read", "find"]
        assert moved.open
        assert office.outbox.latest_ticket(A, "desk") == moved.ref

    @pytest.mark.parametrize("error", [OutcomeUnknown("HTML"), Rejected("400"), KeyError("status")])
    def test_a_ticket_that_cannot_be_read_does_not_hide_the_others(self, office, error: Exception):
        """An answer that makes no sense is no news, neither good nor bad."""
        office.open(A)
        office.open(B)
        office.desk.fails["read"] = [error] * (3 if isinstance(error, OutcomeUnknown) else 1)
        office.batch(TWIN_WATCH, poll=True)
        assert [event.case for event in office.store.take_events()] == [B]
        assert office.health.reachable

    def test_a_desk_that_goes_away_ends_the_looking(self, office):
        """Nobody is taken for gone."""
        office.open(A)
        office.open(B)
        office.desk.fails["read"] = [DeskUnreachable("refused")] * 3
        assert office.batch(TWIN_WATCH, poll=True) == ["read"] * 3
        assert office.store.take_events() == []
        assert office.health.reason == "unreachable"


class TestLostRecords:
    """New records learn from the desk what this host has open."""

    def test_open_tickets_are_adopted_before_anything_is_sent(self, office):
        """By the host's marker; once."""
        ticket = office.desk.add(A)
        office.ask(B)
        assert office.batch(rebuild=True) == ["list_open h1", "find", "open"]
        assert office.store.take_events()[0] == Adopted(case=A, ref=ticket.ref, at=NOW)
        assert not office.store.rebuild_wanted("desk")

    def test_copies_and_strange_keys_are_no_cases(self, office):
        """A copy is found by its key when there is something to say on it; and people can write anything into a field."""
        office.desk.add(copy_key(A, "desk"))
        office.desk.add("see above")
        office.batch(rebuild=True)
        assert office.store.take_events() == []

    def test_a_desk_is_asked_until_its_search_knows_of_what_was_opened_last(self, office):
        """Its ticket was opened a moment before the records were lost: nobody would ever end it."""
        office.desk.capabilities = Capabilities(search_lag=5 * MINUTE)
        office.store.want_rebuild(NOW)
        office.batch(rebuild=True, watched=0.0)
        assert office.store.rebuild_wanted("desk")
        ticket = office.desk.add(A)
        office.batch(5 * MINUTE, rebuild=True, watched=5 * MINUTE - 1)
        assert office.store.rebuild_wanted("desk")
        office.batch(1, rebuild=True, watched=5 * MINUTE)
        assert not office.store.rebuild_wanted("desk")
        assert office.store.take_events()[0] == Adopted(case=A, ref=ticket.ref, at=NOW + 5 * MINUTE)

    @pytest.mark.parametrize("step", [-HOUR, HOUR])
    def test_a_clock_that_was_moved_ends_no_such_wait(self, office, step: float):
        """By it, the search would have had its time."""
        office.desk.capabilities = Capabilities(search_lag=5 * MINUTE)
        office.store.want_rebuild(NOW)
        office.batch(step, rebuild=True, watched=MINUTE)
        assert office.store.rebuild_wanted("desk")

    def test_nothing_is_learnt_by_halves(self, office, monkeypatch):
        """The wish is forgotten in the transaction that writes down what was found."""
        office.desk.add(A)
        office.desk.add(B)
        put = office.store.put_event

        def fail_on_b(event: Adopted) -> None:
            if event.case == B:
                raise OSError
            put(event)

        monkeypatch.setattr(office.store, "put_event", fail_on_b)
        with pytest.raises(OSError):  # noqa: PT011 - it has no message
            office.batch(rebuild=True)
        assert office.store.rebuild_wanted("desk")
        assert office.store.take_events() == []

    @pytest.mark.parametrize("error", [OutcomeUnknown("HTML"), Rejected("no such field"), DeskUnreachable("refused")])
    def test_a_desk_that_cannot_tell_is_asked_again(self, office, error: Exception):
        """And until then nothing is sent that it may have already."""
        office.ask(A)
        office.desk.fails["list_open h1"] = [error] * 3
        assert "open" not in office.batch(rebuild=True)
        assert office.store.rebuild_wanted("desk")
        assert not office.health.reachable
        office.desk.fails.clear()
        assert office.batch(HOUR, rebuild=True) == ["list_open h1", "find", "open"]
