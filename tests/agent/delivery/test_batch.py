"""A batch at a desk: nothing is doubled, nothing is lost, and one's trouble stays its own."""

from __future__ import annotations

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.configuration.settings import DAY, HOUR
from agent.delivery.batch import LONG_ENOUGH, SETTLE, UNANSWERED
from agent.delivery.looking import TWIN_WATCH
from agent.following.model import EXPIRED, Operation, Refused
from desk_in_memory import NOW, A, B
from ticketing_clients import (
    Capabilities,
    DeskUnreachable,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Ticket,
)


def test_that_the_desk_does_not_serve_us_is_logged_once_and_so_is_its_return(office):
    """Not with each try; another reason is news."""
    office.ask(A)
    with capture_logs() as logs:
        for reason in [DeskUnreachable("refused"), DeskUnreachable("refused"), NotAuthorised("401"), None, None]:
            office.desk.fails["find"] = [reason] * 3 if reason else []
            office.batch(2 * HOUR)
    said = [one["event"] for one in logs if "serve" in one["event"]]
    assert said == ["the desk does not serve us"] * 2 + ["the desk serves us again"]


class TestUnknownOutcomes:
    """Nobody knows whether the desk did it: it is asked before it is done again."""

    def test_what_was_done_is_adopted(self, office):
        """The answer was lost, not the request."""
        office.desk.fails_after["open"] = [OutcomeUnknown("reset")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.state(id) == "sending"
        assert office.batch(SETTLE - 1) == []
        assert office.batch(1) == ["find"]
        assert office.outbox.latest_ticket(A, "desk") == office.desk.tickets[0].ref
        assert len(office.desk.tickets) == 1

    def test_what_was_not_done_is_made_once_the_desk_has_settled(self, office):
        """The request was lost; it is made again, but never in the same batch."""
        office.desk.fails["open"] = [OutcomeUnknown("timeout")]
        office.ask(A)
        assert office.batch() == ["find", "open"]
        assert office.batch(SETTLE) == ["find", "open"]
        assert len(office.desk.tickets) == 1

    def test_one_that_was_made_and_closed_meanwhile_is_not_made_again(self, office):
        """Somebody was quick."""
        office.desk.fails_after["open"] = [OutcomeUnknown("reset")]
        office.ask(A)
        office.batch()
        office.desk.tickets[0].open = False
        assert office.batch(SETTLE) == ["find"]
        assert office.outbox.latest_ticket(A, "desk") == office.desk.tickets[0].ref

    def test_the_closed_ticket_of_an_earlier_time_is_not_taken_for_it(self, office):
        """What we closed weeks ago does not tell of today's problem."""
        office.open().open = False
        office.desk.fails["open"] = [OutcomeUnknown("timeout")]
        office.ask(A)
        office.batch()
        assert office.batch(SETTLE) == ["find", "open"]
        assert [one.open for one in office.desk.tickets] == [False, True]

    def test_it_stays_unknown_while_the_desk_cannot_be_asked(self, office):
        """Not reached means not answered."""
        office.desk.fails["open"] = [OutcomeUnknown("timeout")]
        office.desk.fails["find"] = []
        id = office.ask(A)  # noqa: A001
        office.batch()
        office.desk.fails["find"] = [DeskUnreachable("refused")] * 3
        assert office.batch(SETTLE) == ["find"] * 3
        assert office.state(id) == "sending"
        assert not office.health.reachable
        assert office.batch(HOUR) == ["find", "open"]

    def test_a_search_that_fails_for_a_moment_is_asked_again(self, office):
        """It changes nothing."""
        office.desk.fails["find"] = [DeskUnreachable("refused"), OutcomeUnknown("timeout")]
        office.ask(A)
        assert office.batch() == ["find", "find", "find", "open"]

    @pytest.mark.parametrize("arrived", [True, False])
    def test_a_comment_is_said_once(self, office, *, arrived: bool):
        """It is looked for by its marker."""
        ticket = office.open()
        (office.desk.fails_after if arrived else office.desk.fails)["comment"] = [OutcomeUnknown("reset")]
        id = office.ask(A, "comment", "worse")  # noqa: A001
        assert office.batch() == ["comment"]
        assert office.batch(SETTLE) == (["has_comment"] if arrived else ["has_comment", "comment"])
        assert ticket.comments == [id]

    def test_a_search_that_lags_is_given_its_time(self, office):
        """Asked sooner it would not know, and the ticket would be made again."""
        office.desk.capabilities = Capabilities(search_lag=HOUR)
        office.desk.fails_after["open"] = [OutcomeUnknown("reset")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.batch(HOUR - 1) == []
        assert office.batch(1) == ["find"]
        assert (office.state(id), len(office.desk.tickets)) == ("done", 1)

    def test_a_courier_that_was_killed_gives_it_that_time_too(self, office):
        """What is journalled before the request says when to ask."""
        office.desk.capabilities = Capabilities(search_lag=HOUR)
        office.desk.fails_after["open"] = [SystemExit()]
        office.ask(A)
        with pytest.raises(SystemExit):
            office.batch()
        assert office.batch(HOUR - 1) == []
        assert office.batch(1) == ["find"]

    @pytest.mark.parametrize("step", [DAY, -DAY, -400 * DAY, 0.0])
    def test_it_has_that_time_again_when_nobody_watched_the_clock(self, office, step: float):
        """The agent was off, and how long ago it asked cannot be told by a clock that was moved meanwhile."""
        office.desk.capabilities = Capabilities(search_lag=HOUR)
        office.desk.fails_after["open"] = [OutcomeUnknown("reset")]
        office.ask(A)
        office.batch()
        office.now += step
        assert office.batch(watched=0.0) == []
        assert office.batch(HOUR - 1, watched=HOUR - 1) == []
        assert office.batch(1, watched=HOUR) == ["find"]

    def test_a_client_that_breaks_leaves_the_outcome_unknown(self, office):
        """A mistake in a client must not end the courier, or the same ticket would hold up all others for ever."""
        office.desk.fails_after["open"] = [KeyError("id")]
        first, second = office.ask(A, priority="P1"), office.ask(B)
        office.batch()
        assert (office.state(first), office.state(second)) == ("sending", "done")
        office.batch(SETTLE)
        assert office.state(first) == "done"
        assert [one.key for one in office.desk.tickets] == [A, B]


class TestNotServed:
    """The desk did nothing: the batch ends, the work stays."""

    def test_an_unreachable_desk_ends_the_batch(self, office):
        """The rest is not even tried; all of it goes when the desk is back."""
        office.desk.fails["open"] = [DeskUnreachable("refused")]
        ids = [office.ask(A), office.ask(B)]
        assert office.batch() == ["find", "open"]
        assert [office.state(id) for id in ids] == ["queued", "queued"]  # noqa: A001
        assert (office.health.reason, office.health.last_contact) == ("unreachable", None)
        office.batch(office.health.not_before - office.now)
        assert [office.state(id) for id in ids] == ["done", "done"]  # noqa: A001

    def test_a_long_outbox_is_for_more_than_one_courier(self, office, monkeypatch):
        """One that has worked for long enough begins no more: it would be taken for one that hangs."""
        monkeypatch.setattr("agent.delivery.batch.BATCH", 1)
        opened = office.desk.open

        def slowly(ticket):
            office.now += LONG_ENOUGH
            return opened(ticket)

        monkeypatch.setattr(office.desk, "open", slowly)
        ids = [office.ask(A), office.ask(B)]
        office.batch()
        assert [office.state(id) for id in ids] == ["done", "queued"]  # noqa: A001
        office.batch()
        assert [office.state(id) for id in ids] == ["done", "done"]  # noqa: A001

    def test_the_desk_says_itself_how_long_to_wait(self, office):
        """Neither sooner nor much later."""
        office.desk.fails["open"] = [Throttled("429", retry_after=90)]
        office.ask(A)
        office.batch()
        assert (office.health.reason, office.health.not_before) == ("throttled", NOW + 90)
        assert office.batch(89) == []
        assert office.batch(1) == ["find", "open"]

    def test_one_that_is_not_permitted_lets_the_others_have_their_turn(self, office):
        """Rights may be missing for one alone; the most urgent one would be tried first for ever."""
        office.desk.fails["raise_priority"] = [NotAuthorised("403")] * 9
        office.open()
        first, second = office.ask(A, "raise_priority", "worse", priority="P1"), office.ask(B)
        assert office.batch() == ["raise_priority"]
        assert office.batch(office.health.not_before - office.now) == ["find", "open"]
        assert (office.state(first), office.state(second)) == ("queued", "done")
        assert office.batch(SETTLE) == ["raise_priority"]

    def test_where_only_a_ticket_has_to_wait_the_others_go_on(self, office):
        """Desks limit changes of one ticket too; the case's own order is kept."""
        ticket = office.open(A)
        office.desk.fails["comment"] = [Throttled("30 changes in 10 minutes", retry_after=300, ticket_only=True)]
        first, second, other = office.ask(A, "comment", "worse"), office.ask(A, "comment", "worse"), office.ask(B)
        assert office.batch() == ["comment", "find", "open"]
        assert [office.state(id) for id in (first, second, other)] == ["queued", "queued", "done"]  # noqa: A001
        assert office.health.reachable
        assert office.batch(299) == []
        office.batch(1)
        assert ticket.comments == [first, second]

    def test_each_try_is_counted_by_how_it_ended(self, office):
        """For the metrics."""
        office.desk.fails["open"] = [DeskUnreachable("refused")]
        office.ask(A)
        office.batch()
        office.batch(HOUR)
        assert office.outbox.summary("desk").attempts == {"done": 1, "unreachable": 1}

    def test_what_waits_for_the_desk_is_counted_and_explained(self, office):
        """For metrics and status page."""
        office.desk.fails["open"] = [NotAuthorised("the token is refused")]
        office.ask(A)
        office.batch()
        summary = office.outbox.summary("desk")
        assert (summary.waiting, summary.last_reason, summary.last_detail) == (
            1,
            "not_authorised",
            "the token is refused",
        )


class TestSilence:
    """A desk that takes requests and does not answer is not asked over and over."""

    KEYS = tuple(letter * 64 for letter in "abcdefgh")

    def silence(self, office, count: int) -> None:
        """Have the next so many openings not answered, while eight cases wait."""
        office.desk.fails["open"] = [OutcomeUnknown("timeout")] * count
        for key in self.KEYS:
            office.ask(key)

    def test_the_batch_ends_after_a_few(self, office):
        """The desk rests, and all the work is still there."""
        self.silence(office, 99)
        assert office.batch().count("open") == UNANSWERED
        assert (office.health.reachable, office.health.reason, office.health.failures) == (False, "outcome_unknown", 1)
        assert office.outbox.summary("desk").waiting == len(self.KEYS)

    def test_after_its_rest_it_is_tried_with_one(self, office):
        """Another than those that it did not answer, which may be to blame themselves."""
        self.silence(office, UNANSWERED + 1)
        office.batch()
        rest = office.health.not_before - office.now
        assert office.batch(rest) == ["find", "open"]
        assert (office.health.failures, office.health.reachable) == (2, False)
        assert {one.operation.case[0] for one in office.outbox.all({"sending"})} == set("abcd")

    def test_one_answer_and_all_the_rest_flows(self, office):
        """Nothing waits longer than it has to."""
        self.silence(office, UNANSWERED)
        office.batch()
        office.batch(office.health.not_before - office.now)
        assert (office.health.reachable, office.health.failures) == (True, 0)
        assert len(office.desk.tickets) == len(self.KEYS) - UNANSWERED

    def test_now_and_then_one_without_an_answer_ends_nothing(self, office):
        """It is this one's own trouble."""
        office.desk.fails["comment"] = [OutcomeUnknown("500")] * 5
        for key in self.KEYS:
            office.open(key)
        for key in self.KEYS[:5]:
            office.ask(key, "comment", "worse")
            office.ask(key, "raise_priority", "worse")
        office.desk.fails["comment"] = [OutcomeUnknown("500"), OutcomeUnknown("500")]
        office.batch()
        assert office.health.reachable

    def test_a_batch_in_which_nothing_was_answered_is_no_contact(self, office):
        """However short it was."""
        office.desk.fails["open"] = [OutcomeUnknown("timeout")]
        office.ask(A)
        office.batch()
        assert (office.health.reachable, office.health.last_contact) == (False, None)

    def test_looking_ends_as_well(self, office):
        """A hundred reads that are not answered would take an hour."""
        for key in self.KEYS:
            office.open(key)
        office.desk.fails["read"] = [OutcomeUnknown("timeout")] * 99
        assert office.batch(TWIN_WATCH, poll=True).count("read") == 3 * UNANSWERED
        assert office.health.reason == "outcome_unknown"


class TestRefused:
    """What the desk refuses is set aside and told; the rest goes on."""

    def test_the_other_cases_go_on(self, office):
        """And the case hears of it."""
        office.desk.fails["open"] = [Rejected("Queue is unknown")]
        first, second = office.ask(A), office.ask(B)
        office.batch()
        assert (office.state(first), office.state(second)) == ("rejected", "done")
        refused, delivered = office.store.take_events()
        assert refused == Refused(case=A, operation=first, kind="open", reason="rejected", at=NOW, desk="desk")
        assert delivered.case == B
        assert office.health.reachable

    def test_without_a_ticket_there_is_nothing_to_say_it_on(self, office):
        """Its opening was dropped by hand, and the desk has none either."""
        office.outbox.drop(office.ask(A))
        comment = office.ask(A, "comment", "worse")
        assert office.batch() == ["find"]
        assert office.state(comment) == "rejected"

    def test_a_ticket_that_only_the_desk_knows_is_brought_to_its_end(self, office):
        """It was adopted after records were lost; before its end could be told the problem was back, and told in a digest."""
        ticket = office.desk.add(A)
        office.save(A, ticket=None)
        office.ask(A, "resolve", "closed")
        office.batch()
        assert not ticket.open

    def test_a_text_that_was_altered_does_not_leave(self, office):
        """It is no longer what was previewed; the others go on."""
        altered, other = office.ask(A), office.ask(B)
        office.outbox.rendered(altered, b'{"title": "Pay here"}', "0" * 64)
        assert office.batch() == ["find", "open"]
        assert (office.state(altered), office.state(other)) == ("rejected", "done")

    def test_what_cannot_be_put_into_words_holds_nobody_up(self, office):
        """Facts from another version, a mistake in a template."""
        case = office.save(A)
        wordless = Operation(
            id="w-1", case=case.key, kind="open", topic="opened", desk="desk", facts={"no": "facts"}, created_at=NOW
        )
        office.outbox.queue(wordless)
        other = office.ask(B)
        office.batch()
        assert (office.state("w-1"), office.state(other)) == ("rejected", "done")


class TestRendering:
    """The words are made once."""

    def test_what_was_rendered_is_not_rendered_again(self, office):
        """A later try sends the same bytes, whatever time it is then."""
        office.desk.fails["open"] = [DeskUnreachable("refused")]
        office.ask(A)
        office.batch()
        [waiting] = office.outbox.due("desk", NOW + HOUR, 1)
        office.batch(HOUR)
        [done] = office.outbox.all({"done"})
        assert done.rendered == waiting.rendered
        assert msgspec.json.decode(done.rendered, type=Ticket).key == A


class TestNews:
    """What is only news while it is fresh."""

    def test_what_waited_for_too_long_is_not_said(self, office):
        """The case hears that, so that it can say what is true now."""
        office.open()
        office.desk.fails["comment"] = [DeskUnreachable("refused")]
        id = office.ask(A, "comment", "progress", expires=NOW + 60)  # noqa: A001
        office.batch()
        assert office.state(id) == "queued"
        assert office.batch(HOUR) == []
        assert office.state(id) == "dropped"
        [told] = office.store.take_events()
        assert (told.operation, told.reason) == (id, EXPIRED)

    def test_an_entry_in_calendars_that_was_taken_back_after_its_time_is_not_sent(self, office):
        """The desk was away until the work would have been over; that is no refusal, and nobody has to see to it."""
        office.open()
        id = office.ask(A, "calendar", "window_withdrawn")  # noqa: A001
        assert office.batch() == []
        assert office.state(id) == "dropped"
        [told] = office.store.take_events()
        assert (told.operation, told.reason) == (id, EXPIRED)

    def test_what_may_have_been_said_is_looked_for_however_old(self, office):
        """Only the desk knows; it is not said again."""
        office.open()
        office.desk.fails_after["comment"] = [OutcomeUnknown("reset")]
        id = office.ask(A, "comment", "progress", expires=NOW + 60)  # noqa: A001
        office.batch()
        assert office.batch(HOUR) == ["has_comment"]
        assert office.state(id) == "done"

    def test_a_ticket_tells_the_case_what_it_promises(self, office):
        """With when to warn; on a desk that cannot be read nobody could say whether it is kept."""
        office.ask(A)
        office.batch()
        [told] = office.store.take_events()
        assert (told.promise.priority, told.promise.answer_due - told.promise.since) == ("P3", 8 * HOUR)
        assert told.promise.answer_due - told.promise.answer_warning == pytest.approx(0.2 * 8 * HOUR)
        office.desk.capabilities = Capabilities(read=False)
        office.ask(B)
        office.batch()
        [told] = office.store.take_events()
        assert told.promise is None
