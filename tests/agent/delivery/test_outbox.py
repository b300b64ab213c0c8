"""The outbox: what may be sent next, in which order, and what became of it."""

import shutil
from itertools import groupby

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.delivery.outbox import Outbox
from agent.following.model import Case, Delivered, Operation, OperationKind, Refused
from agent.status import Queue
from agent.store import Store
from ticketing_clients import TicketRef

AT = 1_795_600_800.0
REF = TicketRef("helpdesk", "42", "https://desk.example/42")


@pytest.fixture
def store(tmp_path):
    """Return new records with two cases, `a` and `b`."""
    with Store.open(tmp_path, now=AT) as store:
        save_cases(store)
        yield store


@pytest.fixture
def outbox(store):
    """Return an empty outbox."""
    return Outbox(store)


def save_cases(store: Store) -> None:
    """Save the cases that operations are about."""
    for key in ("a", "b"):
        case = Case(key=key, rule="r", subject={}, first_seen=AT, last_seen=AT, changed_at=AT)
        store.save_case(case, [], AT)


def queue(
    outbox: Outbox,
    id: str,  # noqa: A002 - it is called that everywhere
    kind: OperationKind = "comment",
    at: float = AT,
    desk: str = "helpdesk",
    **facts: object,
) -> str:
    """Queue an operation of the case that its id begins with; return the id."""
    topic = "opened" if kind == "open" else "worse"
    outbox.queue(Operation(id=id, case=id[0], kind=kind, topic=topic, desk=desk, facts=facts, created_at=at))
    return id


def due(outbox: Outbox, now: float = AT, limit: int = 50, desk: str = "helpdesk") -> list[str]:
    """Return the ids of what may be sent now."""
    return [one.operation.id for one in outbox.due(desk, now, limit)]


def finish(outbox: Outbox, *ids: str) -> None:
    """Let the desk do these."""
    for id in ids:  # noqa: A001
        outbox.sending(id, AT)
        outbox.done(id, REF, AT)


def test_an_operation_comes_back_as_it_was_queued(outbox):
    """Facts and all, in its first state."""
    queue(outbox, "a-1", "open", priority="P2", value=float("inf"), members=[{"rule": "r"}])
    [queued] = outbox.due("helpdesk", AT, 50)
    assert queued.operation == Operation(
        id="a-1",
        case="a",
        kind="open",
        topic="opened",
        desk="helpdesk",
        facts={"priority": "P2", "value": float("inf"), "members": [{"rule": "r"}]},
        created_at=AT,
    )
    assert (queued.state, queued.attempts, queued.rendered, queued.ref) == ("queued", 0, None, None)


def test_within_a_case_one_goes_after_the_other(outbox):
    """A comment never overtakes the opening it is about."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    queue(outbox, "a-3")
    assert due(outbox) == ["a-1"]
    finish(outbox, "a-1")
    assert due(outbox) == ["a-2"]
    finish(outbox, "a-2")
    assert due(outbox) == ["a-3"]


def test_cases_do_not_wait_for_each_other(outbox):
    """What is stuck in one case stays its own."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    queue(outbox, "b-1", "open")
    outbox.sending("a-1", AT)
    outbox.retry("a-1", AT + HOUR, "throttled", "wait")
    assert due(outbox) == ["b-1"]
    assert due(outbox, AT + HOUR) == ["a-1", "b-1"]


def test_the_most_urgent_case_goes_first_then_the_oldest(outbox):
    """A desk that takes little at a time gets the P1 first."""
    queue(outbox, "b-1", "open", priority="P3")
    queue(outbox, "a-1", "open", priority="P1")
    assert due(outbox) == ["a-1", "b-1"]
    assert due(outbox, limit=1) == ["a-1"]
    finish(outbox, "a-1")
    queue(outbox, "a-2", priority="P3")
    assert due(outbox) == ["b-1", "a-2"]


def test_a_wait_reckoned_by_a_clock_that_lied_is_over(outbox):
    """Nothing is put off by more than a day."""
    queue(outbox, "a-1", "open")
    outbox.retry("a-1", AT + DAY, "unreachable", "")
    assert due(outbox) == []
    outbox.retry("a-1", AT + 400 * DAY, "unreachable", "")
    assert due(outbox) == ["a-1"]


def test_what_is_to_settle_waits_no_shorter_than_it_had_to(outbox):
    """The desk may have asked for more, and another desk has nothing to do with it."""
    queue(outbox, "a-1", "open")
    queue(outbox, "b-1", "open")
    queue(outbox, "b-2", "open", desk="boss")
    outbox.sending("a-1", not_before=AT)
    outbox.sending("b-1", not_before=AT + HOUR)
    outbox.sending("b-2", not_before=AT)
    outbox.settle("helpdesk", AT, until=AT + MINUTE)
    assert due(outbox) == []
    assert due(outbox, desk="boss") == ["b-2"]
    assert due(outbox, AT + MINUTE) == ["a-1"]
    assert due(outbox, AT + HOUR) == ["a-1", "b-1"]


def test_what_was_never_asked_for_has_nothing_to_settle(outbox):
    """Nobody waits for its answer."""
    queue(outbox, "a-1", "open")
    outbox.settle("helpdesk", AT, until=AT + MINUTE)
    assert due(outbox) == ["a-1"]


def test_what_was_being_sent_is_found_again_as_such(outbox):
    """After a crash the next batch knows that the outcome is unknown, and counts the attempt."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    outbox.sending("a-1", AT + MINUTE)
    assert due(outbox) == []
    [queued] = outbox.due("helpdesk", AT + MINUTE, 50)
    assert (queued.operation.id, queued.state, queued.attempts) == ("a-1", "sending", 1)
    outbox.unknown("a-1", AT + HOUR, "outcome_unknown", "no answer")
    [queued] = outbox.due("helpdesk", AT + HOUR, 50)
    assert (queued.state, queued.reason, queued.detail) == ("sending", "outcome_unknown", "no answer")


def test_what_was_rendered_stays_as_it_was(outbox):
    """The bytes and their hash outlive a failed try and a refusal."""
    queue(outbox, "a-1", "open")
    outbox.rendered("a-1", b"\x00payload", "abc")
    outbox.sending("a-1", AT)
    outbox.reject("a-1", "rejected", "no such queue", AT)
    outbox.requeue("a-1")
    [queued] = outbox.due("helpdesk", AT, 50)
    assert (queued.rendered, queued.digest) == (b"\x00payload", "abc")


def test_a_result_and_its_event_are_one(store, outbox, monkeypatch):
    """The case learns of exactly what the outbox knows."""
    queue(outbox, "a-1", "open")
    queue(outbox, "b-1", "open")
    outbox.done("a-1", REF, AT + 1)
    outbox.reject("b-1", "rejected", "no such queue", AT + 2)
    assert store.take_events() == [
        Delivered(case="a", operation="a-1", kind="open", ref=REF, at=AT + 1),
        Refused(case="b", operation="b-1", kind="open", reason="rejected", at=AT + 2, desk="helpdesk"),
    ]
    queue(outbox, "a-2")

    def fail(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(store, "put_event", fail)
    with pytest.raises(RuntimeError):
        outbox.done("a-2", REF, AT)
    assert due(outbox) == ["a-2"]


def test_a_refused_comment_does_not_hold_up_the_rest(outbox):
    """Later news about the case still reaches the desk."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    queue(outbox, "a-3", "resolve")
    finish(outbox, "a-1")
    outbox.reject("a-2", "rejected", "too long", AT)
    assert due(outbox) == ["a-3"]


def test_all_that_needs_the_ticket_waits_for_a_refused_opening(outbox):
    """Retried by hand and done, it lets the rest go on in order."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    outbox.reject("a-1", "rejected", "no such queue", AT)
    assert due(outbox) == []
    assert outbox.requeue("a-1")
    assert due(outbox) == ["a-1"]
    finish(outbox, "a-1")
    assert due(outbox) == ["a-2"]


def test_dropping_a_refused_opening_lets_the_rest_go_on(outbox):
    """Whoever drops it knows; the rest is then refused for want of a ticket and shown, not silently kept."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    outbox.reject("a-1", "rejected", "no such queue", AT)
    assert outbox.drop("a-1")
    assert due(outbox) == ["a-2"]


def test_a_new_opening_is_not_held_up_by_what_waits_for_an_old_one(outbox):
    """The problem came back later: its new ticket opens, and gets what was queued after it."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    outbox.reject("a-1", "rejected", "no such queue", AT)
    queue(outbox, "a-3", "open")
    queue(outbox, "a-4")
    assert due(outbox) == ["a-3"]
    finish(outbox, "a-3")
    assert due(outbox) == ["a-4"]
    finish(outbox, "a-4")
    assert due(outbox) == []
    assert [one.operation.id for one in outbox.all({"queued"})] == ["a-2"]


@pytest.mark.parametrize("kind", ["reopen", "raise_priority"])
def test_what_was_refused_is_given_up_when_the_case_is_over(outbox, kind):
    """Retried after that, it would open the ticket again, or change it, and nobody would ever close it."""
    for id in (queue(outbox, "a-1", kind), queue(outbox, "b-1", kind)):  # noqa: A001
        outbox.reject(id, "rejected", "422", AT)
    outbox.case_closed("a")
    assert not outbox.requeue("a-1")
    assert outbox.requeue("b-1")


def test_a_refused_priority_is_given_up_when_a_higher_one_is_asked_for(outbox):
    """Retried after that, the desk would be asked for less, and the ticket's promises would be those of less."""
    for id in ("a-1", "b-1"):  # noqa: A001
        outbox.reject(queue(outbox, id, "raise_priority"), "rejected", "422", AT)
    queue(outbox, "a-2", "raise_priority")
    assert not outbox.requeue("a-1")
    assert outbox.requeue("b-1")


def test_what_is_settled_cannot_be_retried_or_dropped(outbox):
    """By hand one changes what waits or was refused, nothing else."""
    queue(outbox, "a-1", "open")
    finish(outbox, "a-1")
    assert not outbox.requeue("a-1")
    assert not outbox.drop("a-1")
    assert not outbox.drop("a-9")
    assert [one.state for one in outbox.all({"done", "dropped"})] == ["done"]


def test_retrying_what_waits_sends_it_at_once_but_does_not_forget_that_it_may_have_arrived(outbox):
    """An unknown outcome stays unknown."""
    queue(outbox, "a-1", "open")
    outbox.sending("a-1", AT + HOUR)
    assert outbox.requeue("a-1")
    [queued] = outbox.due("helpdesk", AT, 50)
    assert queued.state == "sending"


def test_a_reopening_that_is_retried_late_leads_on_to_the_ticket_that_it_made(outbox):
    """What was said meanwhile was said on the ticket before; what comes now belongs on the new one."""
    new = TicketRef("helpdesk", "8")
    for id, kind in (("a-1", "open"), ("a-2", "reopen"), ("a-3", "comment")):  # noqa: A001
        queue(outbox, id, kind)
    finish(outbox, "a-1")
    outbox.sending("a-2", AT)
    outbox.reject("a-2", "rejected", "no", AT)
    finish(outbox, "a-3")
    outbox.requeue("a-2")
    outbox.sending("a-2", AT)
    outbox.done("a-2", new, AT)
    assert outbox.latest_ticket("a", "helpdesk") == new


def test_what_is_over_before_the_desk_was_told_is_withdrawn(outbox):
    """The opening and what was to follow it; the last words of an earlier time still go out."""
    for id in ("a-1", "a-2", "a-3"):  # noqa: A001
        queue(outbox, id, "open" if id == "a-2" else "comment")
    queue(outbox, "b-1", "open")
    outbox.sending("a-2", AT)
    outbox.retry("a-2", AT, "unreachable", "refused")  # tried, but the desk never saw it
    outbox.withdraw("a")
    assert [one.operation.id for one in outbox.all({"queued"})] == ["a-1", "b-1"]
    assert {one.detail for one in outbox.all({"dropped"})} == {"it was over before the desk was told"}


@pytest.mark.parametrize("fate", ["unknown", "done", "reject"])
def test_what_the_desk_may_know_of_is_not_withdrawn(outbox, fate):
    """It has the ticket, may have it, or refused it, which somebody should see."""
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2")
    suffer(outbox, "a-1", fate)
    outbox.withdraw("a")
    assert [one.operation.id for one in outbox.all({"queued"})] == ["a-2"]
    assert not outbox.all({"dropped"})


def test_a_result_for_an_operation_that_is_not_there_is_a_mistake(outbox):
    """Nothing is acknowledged that cannot be recorded."""
    with pytest.raises(LookupError, match="a-9"):
        outbox.done("a-9", REF, AT)


def test_what_was_given_up_is_not_sent_any_more(outbox):
    """Dropped by a person while a batch that had read it already was at work on something else."""
    queue(outbox, "a-1", "open")
    assert outbox.drop("a-1")
    assert not outbox.sending("a-1", AT)
    assert [one.state for one in outbox.all({"dropped"})] == ["dropped"]
    assert not outbox.sending("a-9", AT)


def test_the_latest_ticket_of_a_case_is_the_one_its_last_done_operation_was_on(outbox):
    """A reopened problem may have got another ticket."""
    other = TicketRef("helpdesk", "43")
    assert outbox.latest_ticket("a", "helpdesk") is None
    queue(outbox, "a-1", "open")
    queue(outbox, "a-2", "reopen")
    outbox.done("a-1", REF, AT)
    assert outbox.latest_ticket("a", "helpdesk") == REF
    outbox.done("a-2", other, AT)
    assert outbox.latest_ticket("a", "helpdesk") == other
    assert outbox.latest_ticket("b", "helpdesk") is None


def test_the_summary_says_how_much_waits_since_when_and_why(outbox):
    """What the page and the metrics show."""
    assert outbox.summary("helpdesk") == Queue()
    queue(outbox, "a-1", "open", at=AT)
    queue(outbox, "a-2", at=AT + 1)
    queue(outbox, "b-1", "open", at=AT + 2)
    finish(outbox, "a-1")
    outbox.retry("a-2", AT + 30, "unreachable", "refused")
    outbox.reject("b-1", "rejected", "no such queue", AT + 60)
    assert outbox.summary("helpdesk") == Queue(
        counts={"done": 1, "queued": 1, "rejected": 1},
        oldest_at=AT + 1,
        last_reason="rejected",
        last_detail="no such queue",
        attempts={"done": 1, "rejected": 1, "unreachable": 1},
    )


class TestManyDesks:
    """What one desk does says nothing about what another does."""

    def test_they_do_not_wait_for_each_other(self, outbox):
        """Order is kept for each case at each desk."""
        for desk in ("helpdesk", "on call"):
            queue(outbox, f"a-1 {desk}", "open", desk=desk)
            queue(outbox, f"a-2 {desk}", desk=desk)
        assert outbox.desks() == {"helpdesk", "on call"}
        outbox.reject("a-1 helpdesk", "rejected", "no such queue", AT)
        finish(outbox, "a-1 on call")
        assert due(outbox) == []
        assert due(outbox, desk="on call") == ["a-2 on call"]
        finish(outbox, "a-2 on call")
        assert outbox.desks() == {"helpdesk"}

    def test_each_has_its_own_ticket(self, outbox):
        """Of the same case."""
        other = TicketRef("on call", "7")
        queue(outbox, "a-1", "open")
        queue(outbox, "a-2", "open", desk="on call")
        outbox.done("a-1", REF, AT)
        assert outbox.latest_ticket("a", "on call") is None
        outbox.done("a-2", other, AT + 1)
        assert (outbox.latest_ticket("a", "helpdesk"), outbox.latest_ticket("a", "on call")) == (REF, other)
        assert (outbox.opened_at("a", "helpdesk"), outbox.opened_at("a", "on call")) == (AT, AT + 1)
        assert outbox.opened_at("b", "helpdesk") is None

    def test_each_is_counted_for_itself(self, outbox):
        """For page, metrics and command line."""
        queue(outbox, "a-1", "open")
        queue(outbox, "a-2", "open", desk="on call", at=AT + 5)
        outbox.retry("a-2", AT + MINUTE, "throttled", "429")
        assert (outbox.summary("helpdesk").last_reason, outbox.summary("helpdesk").oldest_at) == ("", AT)
        on_call = outbox.summary("on call")
        assert (on_call.last_reason, on_call.oldest_at, on_call.attempts) == ("throttled", AT + 5, {"throttled": 1})

    def test_what_is_over_is_withdrawn_only_where_nobody_was_told(self, outbox):
        """Where the copy is there already, its end is told too."""
        queue(outbox, "a-1", "open")
        queue(outbox, "a-2", "open", desk="on call")
        queue(outbox, "a-3", "open", desk="mail")
        finish(outbox, "a-2")
        for number, desk in enumerate(("on call", "mail"), start=4):
            queue(outbox, f"a-{number}", "resolve", desk=desk)
        outbox.withdraw("a")
        assert [one.operation.id for one in outbox.all({"queued"})] == ["a-4"]

    def test_what_happens_to_a_copy_is_told_as_such(self, store, outbox):
        """The case must not take its ticket for its own."""
        for id, number in (("a-1", "7"), ("a-2", "8")):  # noqa: A001
            outbox.queue(
                Operation(id=id, case="a", kind="open", topic="opened", desk="mail", copy=True, facts={}, created_at=AT)
            )
            if id == "a-1":
                outbox.done(id, TicketRef("mail", number), AT)
            else:
                outbox.reject(id, "rejected", "too large", AT)
        delivered, refused = store.take_events()
        assert (delivered.copy, refused.copy, refused.desk) == (True, True, "mail")

    def test_operations_from_before_there_were_many_get_the_desk_there_was(self, store, outbox):
        """Their records do not name one."""
        old = {"id": "a-1", "case": "a", "kind": "open", "topic": "opened", "facts": {}, "created_at": AT}
        store.database.write(
            "INSERT INTO operations (id, case_key, kind, priority, created_at, record) VALUES ('a-1', 'a', 'open', 'P3', ?, ?)",
            (AT, msgspec.msgpack.encode(old)),
        )
        assert due(outbox) == []
        outbox.name_desk("helpdesk")
        [queued] = outbox.due("helpdesk", AT, 1)
        assert (queued.operation.id, queued.operation.desk, queued.operation.copy) == ("a-1", "helpdesk", False)


KINDS = st.sampled_from(["open", "comment", "raise_priority", "resolve", "reopen"])
FATES = st.sampled_from(["done", "reject", "retry", "unknown", "requeue", "drop"])


@given(st.lists(st.tuples(st.sampled_from("ab"), KINDS), max_size=8), st.lists(FATES, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_desk_does_order_is_kept_and_nothing_is_lost(tmp_path, asked, fates):
    """Each case has at most one operation due, the oldest that may go; what is not settled is still there."""
    folder = tmp_path / "once"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Store.open(folder, now=AT) as store:
        save_cases(store)
        outbox = Outbox(store)
        ids = [queue(outbox, f"{case}-{number}", kind) for number, (case, kind) in enumerate(asked)]
        for fate in fates:
            heads = outbox.due("helpdesk", AT, 50)
            cases = [one.operation.case for one in heads]
            assert len(set(cases)) == len(cases)
            for head in heads:
                suffer(outbox, head.operation.id, fate)
            everything = outbox.all({"queued", "sending", "done", "rejected", "dropped"})
            assert [one.operation.id for one in everything] == ids
            assert [one.operation.id for one in outbox.due("helpdesk", AT, 50)] == expected_heads(everything)


def suffer(outbox: Outbox, id: str, fate: str) -> None:  # noqa: A002
    """Let an operation that is due meet its fate."""
    outbox.sending(id, AT)
    match fate:
        case "done":
            outbox.done(id, REF, AT)
        case "reject":
            outbox.reject(id, "rejected", "", AT)
        case "retry":
            outbox.retry(id, AT, "throttled", "")
        case "unknown":
            outbox.unknown(id, AT, "outcome_unknown", "")
        case "requeue":
            outbox.requeue(id)
        case "drop":
            outbox.drop(id)


def expected_heads(everything) -> list[str]:
    """Return what may be sent next, told the long way: per case the first that waits and is not held up."""
    heads = []
    by_case = sorted(everything, key=lambda one: one.operation.case)
    for _, operations in groupby(by_case, key=lambda one: one.operation.case):
        opening = ""
        for one in operations:
            held = opening == "rejected" and one.operation.kind != "open"
            if one.state in {"queued", "sending"} and not held:
                heads.append(one.operation.id)
                break
            if one.operation.kind == "open" and one.state != "dropped":
                opening = one.state
    order = [one.operation.id for one in everything]
    return sorted(heads, key=order.index)
