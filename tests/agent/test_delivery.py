"""A batch at a desk that does what a test tells it to: nothing is doubled, nothing is lost, and one's trouble stays its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.delivery import SETTLE, Delivery
from agent.desk_health import back_off, failed
from agent.facts import case_facts, pack
from agent.host import HostIdentity
from agent.looking import TWIN_WATCH
from agent.model import Adopted, Case, Delivered, DeskHealth, Observed, Operation, OperationKind, Refused, Topic
from agent.outbox import Outbox
from agent.render import RenderContext
from agent.settings import DAY, HOUR, MINUTE, Settings
from agent.store import Store
from thresholds import Severity
from ticketing_clients import (
    Capabilities,
    Comment,
    DeskUnreachable,
    FoundTicket,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Priority,
    Rejected,
    Throttled,
    Ticket,
    TicketGone,
    TicketRef,
    TicketState,
)

NOW = 1_790_000_000.0
A, B = "a" * 64, "b" * 64


class DeskTicket:
    """A ticket in the desk's memory."""

    def __init__(self, number: int, key: str) -> None:
        self.ref = TicketRef("desk", str(number))
        self.key = key
        self.open = True
        self.priority: Priority | None = None
        self.comments: list[str] = []
        self.original: TicketRef | None = None


class Desk:
    """A whole desk in memory. `fails` says, by call, what goes wrong with the next ones: before or after they are done."""

    def __init__(self) -> None:
        self.capabilities = Capabilities()
        self.tickets: list[DeskTicket] = []
        self.calls: list[str] = []
        self.fails: dict[str, list[Exception]] = {}
        self.fails_after: dict[str, list[Exception]] = {}

    def add(self, key: str, *, is_open: bool = True) -> DeskTicket:
        """Put a ticket there."""
        ticket = DeskTicket(len(self.tickets) + 1, key)
        ticket.open = is_open
        self.tickets.append(ticket)
        return ticket

    def _do(self, call: str, change: Callable[[], object] = lambda: None) -> None:
        self.calls.append(call)
        if errors := self.fails.get(call):
            raise errors.pop(0)
        change()
        if errors := self.fails_after.get(call):
            raise errors.pop(0)

    def _at(self, ref: TicketRef) -> DeskTicket:
        for ticket in self.tickets:
            if ticket.ref == ref:
                return ticket
        raise TicketGone(f"there is no ticket {ref.id}")

    def open(self, ticket: Ticket) -> TicketRef:
        self._do("open", lambda: setattr(self.add(ticket.key), "priority", ticket.priority))
        return self.tickets[-1].ref

    def find(self, key: str) -> list[FoundTicket]:
        self._do("find")
        return [FoundTicket(one.ref, one.key, one.open) for one in self.tickets if one.key == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        self._do(f"list_open {host}")
        return [FoundTicket(one.ref, one.key, one.open) for one in self.tickets if one.open]

    def read(self, ref: TicketRef) -> TicketState:
        self._do("read")
        status = "open" if self._at(ref).open else "resolved"
        return TicketState(ref=ref, status=status, desk_status=status)

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        self._do("comment", lambda: self._at(ref).comments.append(comment.marker))

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        self._do("has_comment")
        return marker in self._at(ref).comments

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        self._do("raise_priority", lambda: setattr(self._at(ref), "priority", priority))

    def resolve(self, ref: TicketRef) -> None:
        self._do("resolve", lambda: setattr(self._at(ref), "open", False))

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        there = self._at(ref)
        if self.capabilities.reopen == "follow_up":
            self._do("reopen", lambda: self.add(ticket.key))
            return self.tickets[-1].ref
        self._do("reopen", lambda: setattr(there, "open", True))
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        def close() -> None:
            self._at(ref).open = False
            self._at(ref).original = original

        self._do("close_duplicate", close)


class Office:
    """A desk, the agent's records, and the time between batches."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.outbox = Outbox(store)
        self.desk = Desk()
        self.now = NOW
        self.health = DeskHealth()

    def ask(self, key: str, kind: OperationKind = "open", topic: Topic = "opened", priority: Priority = "P3") -> str:
        """Queue an operation of an open case, which is made with the first; return its id."""
        case = self.store.case(key) or self.save(key)
        case = msgspec.structs.replace(case, operations=case.operations + 1, priority=priority)
        operation = Operation(
            id=f"{key[:16]}-{case.operations}",
            case=key,
            kind=kind,
            topic=topic,
            desk="desk",
            public=True,
            facts=pack(case_facts(case, {})),
            created_at=self.now,
        )
        with self.store.transaction():
            self.store.save_case(case, [], self.now)
            self.outbox.queue(operation)
        return operation.id

    def save(self, key: str, **values: object) -> Case:
        """Write down a case."""
        case = Case(
            key=key,
            rule="disk_space",
            subject={"mountpoint": f"/{key[0]}"},
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            opened_at=NOW,
            severity=Severity.CRITICAL,
            evidence={"value": 1e9, "whole": 1e11, "unit": "bytes"},
        )
        case = msgspec.structs.replace(case, **({"state": "open"} | values))
        self.store.save_case(case, [], self.now)
        return case

    def batch(self, after: float = 0.0, *, poll: bool = False, rebuild: bool = False) -> list[str]:
        """Let time pass and run a batch; return what the desk was asked in it."""
        self.now += after
        self.desk.calls.clear()
        settings = Settings()
        host = HostIdentity(id="h1", name="web01", os="")
        context = RenderContext(settings=settings, host=host, zone=ZoneInfo("UTC"), now=self.now, version="1")
        delivery = Delivery(self.store, self.desk, context, "desk", lambda: self.now)  # type: ignore[arg-type]
        self.health = delivery.run(poll=poll, rebuild=rebuild)
        self.store.set_desk_health("desk", self.health)
        return list(self.desk.calls)

    def open(self, key: str = A) -> DeskTicket:
        """Have a ticket opened and its case know it."""
        self.ask(key)
        self.batch()
        ticket = self.desk.tickets[-1]
        self.save(key, ticket=ticket.ref, operations=1)
        self.store.take_events()
        return ticket

    def state(self, id: str) -> str:  # noqa: A002 - it is called that everywhere
        """What became of an operation."""
        [found] = [one for one in self.outbox.all(STATES) if one.operation.id == id]
        return found.state


STATES = ("queued", "sending", "done", "rejected", "dropped")


@pytest.fixture
def office(tmp_path, monkeypatch) -> Iterator[Office]:
    """Return an office on new records, in which waiting takes no time."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    with Store.open(tmp_path, now=NOW) as store:
        yield Office(store)


class TestOpening:
    """One ticket for one problem."""

    def test_it_is_looked_for_made_and_told(self, office):
        """The desk is asked first, and the case learns where the ticket is."""
        id = office.ask(A)  # noqa: A001
        assert office.batch() == ["find", "open"]
        [ticket] = office.desk.tickets
        assert (ticket.key, ticket.priority) == (A, "P3")
        assert office.store.take_events() == [Delivered(case=A, operation=id, kind="open", ref=ticket.ref, at=NOW)]
        assert office.health == DeskHealth(reachable=True, at=NOW, last_contact=NOW)
        assert office.batch(DAY) == []

    def test_it_leaves_a_line_in_the_log(self, office):
        """Whoever reads the journal sees which ticket was made, and when."""
        office.ask(A)
        with capture_logs() as lines:
            office.batch()
        assert lines == [
            {"log_level": "info", "event": "delivered", "kind": "open", "case": A, "desk": "desk", "ticket": "1"}
        ]

    def test_one_that_is_open_already_is_adopted(self, office):
        """Records were lost, or somebody restored an old backup."""
        ticket = office.desk.add(A)
        office.ask(A)
        assert office.batch() == ["find"]
        assert office.outbox.latest_ticket(A, "desk") == ticket.ref

    def test_one_that_is_closed_is_an_older_story(self, office):
        """The problem of today gets its own."""
        office.desk.add(A, is_open=False)
        office.ask(A)
        assert office.batch() == ["find", "open"]

    def test_of_several_the_first_is_kept_and_the_others_closed_as_its_duplicates(self, office):
        """However they came about."""
        first, second, third = (office.desk.add(A) for _ in range(3))
        office.ask(A)
        assert office.batch() == ["find", "close_duplicate", "close_duplicate"]
        assert [one.open for one in office.desk.tickets] == [True, False, False]
        assert (second.original, third.original) == (first.ref, first.ref)

    def test_a_duplicate_that_cannot_be_closed_spoils_nothing(self, office):
        """The first is adopted all the same."""
        first, _ = office.desk.add(A), office.desk.add(A)
        office.desk.fails["close_duplicate"] = [Rejected("no such status")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.state(id) == "done"
        assert office.outbox.latest_ticket(A, "desk") == first.ref

    def test_a_desk_that_cannot_search_is_not_asked_to(self, office):
        """Mail, for instance."""
        office.desk.capabilities = Capabilities(find=False, read=False, list_open=False)
        office.ask(A)
        assert office.batch(poll=True, rebuild=True) == ["open"]

    def test_a_ticket_made_without_all_that_was_asked_is_better_than_none(self, office):
        """The desk said yes and left something out."""
        office.desk.fails_after["open"] = [NotApplied("without Due")]
        id = office.ask(A)  # noqa: A001
        assert office.batch() == ["find", "open", "find"]
        assert office.state(id) == "done"
        assert office.outbox.latest_ticket(A, "desk") == office.desk.tickets[0].ref

    def test_one_that_cannot_be_found_again_is_set_aside(self, office):
        """It was made without its key: nobody must make it again and again."""
        office.desk.add(A, is_open=False)
        office.desk.fails["open"] = [NotApplied("without the key")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.state(id) == "rejected"


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

    def test_the_desk_says_itself_how_long_to_wait(self, office):
        """Neither sooner nor much later."""
        office.desk.fails["open"] = [Throttled("429", retry_after=90)]
        office.ask(A)
        office.batch()
        assert (office.health.reason, office.health.not_before) == ("throttled", NOW + 90)
        assert office.batch(89) == []
        assert office.batch(1) == ["find", "open"]

    def test_each_failure_makes_the_rest_longer(self):
        """From half a minute to an hour, never in step with other hosts."""
        health, rests = DeskHealth(last_contact=NOW), []
        for _ in range(12):
            health = failed(health, "not_authorised", "401", NOW)
            rests.append(health.not_before - NOW)
        assert 30 <= rests[0] <= 60
        assert HOUR / 2 <= rests[-1] <= HOUR
        assert (health.failures, health.last_contact) == (12, NOW)
        assert back_off(10_000) <= HOUR

    def test_one_that_is_not_permitted_lets_the_others_have_their_turn(self, office):
        """Rights may be missing for one alone; the most urgent one would be tried first for ever."""
        office.desk.fails["raise_priority"] = [NotAuthorised("403")] * 9
        office.open()
        first, second = office.ask(A, "raise_priority", "worse", priority="P1"), office.ask(B)
        assert office.batch() == ["raise_priority"]
        assert office.batch(office.health.not_before - office.now) == ["find", "open"]
        assert (office.state(first), office.state(second)) == ("queued", "done")
        assert office.batch(SETTLE) == ["raise_priority"]

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
        """Its opening was dropped by hand."""
        office.outbox.drop(office.ask(A))
        comment = office.ask(A, "comment", "worse")
        assert office.batch() == []
        assert office.state(comment) == "rejected"

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


class TestTheTicket:
    """What is said and done on a ticket that is there."""

    def test_operations_of_a_case_go_in_order(self, office):
        """The comment on the ticket that the same batch opened."""
        office.ask(A)
        office.ask(A, "raise_priority", "worse", priority="P2")
        comment = office.ask(A, "comment", "worse", priority="P2")
        office.ask(A, "resolve", "closed", priority="P2")
        assert office.batch() == ["find", "open", "raise_priority", "comment", "resolve"]
        [ticket] = office.desk.tickets
        assert (ticket.priority, ticket.comments, ticket.open) == ("P2", [comment], False)

    def test_what_the_desk_cannot_do_is_left_out(self, office):
        """And counts as done."""
        office.open()
        office.desk.capabilities = Capabilities(comment=False, priority=False, resolve=False)
        for kind, topic in [("comment", "worse"), ("raise_priority", "worse"), ("resolve", "closed")]:
            office.ask(A, kind, topic)
        assert office.batch() == []
        assert office.outbox.summary("desk").waiting == 0

    def test_a_ticket_is_opened_again(self, office):
        """The same one."""
        ticket = office.open()
        ticket.open = False
        office.ask(A, "reopen", "returned")
        assert office.batch() == ["reopen"]
        assert ticket.open

    def test_one_that_was_deleted_is_followed_by_a_new_one(self, office):
        """The desk lost it; the problem is back all the same."""
        office.open()
        office.desk.tickets.clear()
        office.ask(A, "reopen", "returned")
        office.ask(A, "comment", "returned")
        assert office.batch() == ["find", "open", "comment"]

    def test_a_desk_that_never_reopens_gets_a_new_one(self, office):
        """With the same key."""
        office.open().open = False
        office.desk.capabilities = Capabilities(reopen="none")
        office.ask(A, "reopen", "returned")
        assert office.batch() == ["find", "open"]

    def test_a_comment_on_a_deleted_ticket_is_set_aside(self, office):
        """Not repeated for ever."""
        office.open()
        office.desk.tickets.clear()
        id = office.ask(A, "comment", "worse")  # noqa: A001
        office.batch()
        assert office.state(id) == "rejected"
        [event] = office.store.take_events()
        assert event.reason == "ticket_gone"


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

    def test_a_late_twin_is_closed(self, office):
        """The lost request was carried out after all, later than anybody waits; looked for only while that is likely."""
        ticket = office.open()
        twin = office.desk.add(A)
        assert office.batch(MINUTE, poll=True) == ["find", "close_duplicate", "read"]
        assert (ticket.open, twin.open) == (True, False)
        assert office.batch(TWIN_WATCH, poll=True) == ["read"]

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
