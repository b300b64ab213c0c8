"""The records themselves: what was saved is there again, for whoever opens them next."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest

from agent.delivery.outbox import Outbox
from agent.following.model import (
    Acted,
    Adopted,
    Care,
    Case,
    Delivered,
    DeskHealth,
    Maintenance,
    Observed,
    Operation,
    Promise,
    Refused,
)
from agent.store import FILE_NAME, Happening, Store, StoreUnavailable
from agent.store._schema import MIGRATIONS
from thresholds import Forecast, Severity
from ticketing_clients import Act, TicketRef

AT = 1_795_600_800.0
REF = TicketRef("helpdesk", "42", "https://desk.example/42")


@pytest.fixture
def folder(tmp_path):
    """Return a state folder."""
    return tmp_path


@pytest.fixture
def store(folder):
    """Return new records, begun at AT."""
    with Store.open(folder, now=AT) as store:
        yield store


def case(key: str, **fields) -> Case:
    """Return a case with this key."""
    return Case(
        **{
            "key": key,
            "rule": "disk_space",
            "subject": {"mountpoint": "/srv"},
            "first_seen": AT,
            "last_seen": AT,
            "changed_at": AT,
            **fields,
        }
    )


FULL = case(
    "ab12" * 16,
    state="open",
    severity=Severity.CRITICAL,
    evidence={"value": float("inf"), "growth_per_day": -0.1, "unit": "bytes", "seen": True, "none": None},
    forecast=Forecast(earliest=AT, expected=float("inf"), latest=None),
    ticket=REF,
    opened=(AT - 1, AT),
    members=("cd",),
    acts=(Act(id="1", kind="defer", by="Kim", at=datetime(2026, 11, 25, tzinfo=UTC)),),
)


def test_a_case_comes_back_as_it_was_saved_to_the_next_process(folder, store):
    """Every field, even numbers that JSON does not know."""
    store.save_case(FULL, ["opened"], AT)
    with Store.open(folder) as other:
        assert other.case(FULL.key) == FULL
        assert other.cases() == [FULL]
        assert other.case("unknown") is None


def test_a_case_is_replaced_in_place_and_its_time_line_grows(store):
    """Saving again changes the record; what happened stays told in order."""
    store.save_case(FULL, ["opened", "told"], AT)
    worse = msgspec.structs.replace(FULL, priority="P1")
    store.save_case(worse, ["worse"], AT + 60)
    assert store.cases() == [worse]
    assert store.timeline(FULL.key) == [
        Happening(at=AT, what="opened"),
        Happening(at=AT, what="told"),
        Happening(at=AT + 60, what="worse"),
    ]


def test_closed_cases_are_left_out_unless_asked_for(store):
    """The daily question is what is not closed."""
    closed = case("ff" * 32, state="closed", closed_at=AT)
    store.save_case(closed, [], AT)
    store.save_case(FULL, [], AT)
    assert store.cases() == [FULL]
    assert store.cases(include_closed=True) == [closed, FULL]


def test_what_closed_lately_is_told_the_last_one_first(store):
    """Of those that ever had a ticket, and no more than are wanted."""
    for key, ended, ref in (("aa", AT - 10, REF), ("bb", AT - 5, REF), ("cc", AT - 1, None), ("dd", AT - 99, REF)):
        store.save_case(case(key * 32, state="closed", closed_at=ended, ticket=ref), [], AT)
    store.save_case(FULL, [], AT)
    assert [one.key[0] for one in store.closed_lately(AT - 50, 5)] == ["b", "a"]
    assert [one.key[0] for one in store.closed_lately(AT - 50, 1)] == ["b"]


def test_what_closed_long_ago_is_forgotten_with_everything_about_it(store):
    """Its operations and its story go with it; what is open or closed lately stays, however old it is."""
    old, late = case("aa" * 32, state="closed", closed_at=AT - 10), case("bb" * 32, state="closed", closed_at=AT)
    for one in (old, late, FULL):
        store.save_case(one, ["opened"], AT - 10)
        facts = {"priority": "P4"}
        operation = Operation(
            id=f"{one.key}-1", case=one.key, kind="open", topic="opened", facts=facts, created_at=AT - 10
        )
        Outbox(store).queue(operation)
    assert store.forget_closed(before=AT) == 1
    assert store.cases(include_closed=True) == [late, FULL]
    assert store.timeline(old.key) == []
    left = {queued.operation.case for queued in Outbox(store).all({"queued"})}
    assert left == {late.key, FULL.key}
    assert store.forget_closed(before=AT) == 0


def test_a_case_is_found_by_the_beginning_of_its_key(store):
    """Closed ones too; characters that mean something to a database mean nothing here."""
    one, two = case("ab" * 32), case("ac" * 32, state="closed", closed_at=AT)
    for each in (two, one):
        store.save_case(each, [], AT)
    assert store.find_cases("a") == [one, two]
    assert store.find_cases("ac") == [two]
    assert store.find_cases("a", limit=1) == [one]
    assert store.find_cases("%") == store.find_cases("a_") == store.find_cases("b") == []


EVENTS = [
    Delivered(case="a", operation="a-1", kind="open", ref=REF, at=AT),
    Refused(case="a", operation="a-2", kind="comment", reason="rejected", at=AT),
    Observed(case="a", state=None, at=AT),
    Adopted(case="b", ref=REF, at=AT),
    Acted(case="a", act=FULL.acts[0], at=AT),
]


def test_events_are_taken_once_and_in_order(store):
    """Each kind comes back as what it was."""
    for event in EVENTS:
        store.put_event(event)
    with store.transaction():
        assert store.take_events() == EVENTS
    assert store.take_events() == []


def test_events_are_there_again_when_what_took_them_failed(store):
    """An event is gone only together with what was made of it."""
    store.put_event(EVENTS[0])

    def take_and_fail() -> None:
        with store.transaction():
            assert store.take_events() == EVENTS[:1]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        take_and_fail()
    store.put_event(EVENTS[1])
    assert store.take_events() == EVENTS[:2]


def test_new_records_know_when_they_were_begun_and_want_to_be_rebuilt(folder):
    """The first look counts from the first start, not from the last."""
    with Store.open(folder, now=AT) as store:
        assert (store.installed_at, store.rebuild_wanted("rt"), store.set_aside) == (AT, True, None)
        store.rebuilt("rt")
    with Store.open(folder, now=AT + 60) as store:
        assert (store.installed_at, store.rebuild_wanted("rt"), store.rebuild_wanted("local")) == (AT, False, True)


def test_damaged_records_are_begun_anew_and_want_to_be_rebuilt(folder):
    """The desk still knows what we do not."""
    with Store.open(folder, now=AT) as store:
        store.save_case(FULL, ["opened"], AT)
        store.rebuilt("rt")
    (folder / "agent.sqlite").write_bytes(b"not a database at all" * 1000)
    with Store.open(folder, now=AT + 60) as store:
        assert store.set_aside is not None
        assert (store.cases(), store.installed_at, store.rebuild_wanted("rt")) == ([], AT + 60, True)


def test_records_of_the_first_version_are_brought_along(folder):
    """Cases and operations stay; what was rebuilt once is not rebuilt again."""
    path = folder / FILE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for statement in MIGRATIONS[0]:
            old.execute(statement)
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO meta VALUES ('installed_at', ?)", (msgspec.msgpack.encode(AT),))
        old.execute("INSERT INTO meta VALUES ('rebuild_wanted', ?)", (msgspec.msgpack.encode(False),))  # noqa: FBT003
        record = msgspec.to_builtins(FULL, str_keys=True)
        del record["desks"]
        old.execute("INSERT INTO cases VALUES (?, 'open', NULL, ?)", (FULL.key, msgspec.msgpack.encode(record)))
        operation = {"id": "ab-1", "case": FULL.key, "kind": "open", "topic": "opened", "facts": {}, "created_at": AT}
        old.execute(
            "INSERT INTO operations (id, case_key, kind, priority, created_at, record) VALUES ('ab-1', ?, 'open', 'P3', ?, ?)",
            (FULL.key, AT, msgspec.msgpack.encode(operation)),
        )
    with Store.open(folder, now=AT + 60) as store:
        assert store.cases() == store.cases_to_look_at() == [FULL]
        assert not store.rebuild_wanted("rt")
        outbox = Outbox(store)
        outbox.name_desk("rt")
        assert [one.operation.desk for one in outbox.due("rt", AT, 5)] == ["rt"]


def test_the_longest_unseen_ticket_is_looked_at_first(store):
    """Cases without a ticket that matters are not looked at; saving one does not make it look seen."""
    for key in "abcd":
        store.save_case(case(key * 64, state="open", ticket=REF), [], AT)
    store.save_case(case("e" * 64, state="open"), [], AT)
    store.save_case(case("f" * 64, state="pending", ticket=REF), [], AT)
    store.looked_at("a" * 64, AT + 2)
    store.looked_at("c" * 64, AT + 1)
    store.save_case(case("a" * 64, state="recovering", ticket=REF), [], AT + 3)
    assert [one.key[0] for one in store.cases_to_look_at()] == ["b", "d", "c", "a"]


def test_single_values_are_kept(folder, store):
    """Maintenance, the desks' health by name, and the judge's memories outlive the process."""
    health = DeskHealth(reachable=False, reason="unreachable", failures=3, not_before=AT)
    memories = bytes(range(256)) * 100
    assert (store.maintenance.until, store.load_memories(), store.desk_health("rt")) == (0.0, None, DeskHealth())
    store.maintenance = Maintenance(since=0.0, until=AT)
    store.set_desk_health("rt", health)
    store.save_memories(memories)
    with Store.open(folder) as other:
        assert (other.maintenance.until, other.load_memories(), other.desk_health("rt")) == (AT, memories, health)
        assert other.desk_health("another") == DeskHealth()


def test_a_folder_that_is_missing_is_not_made_by_looking(folder):
    """Only the agent makes its folder."""
    missing = folder / "missing"
    assert not Store.exists(missing)
    with pytest.raises(StoreUnavailable, match="there is no such folder"):
        Store.open(missing)
    assert not missing.exists()


def test_the_reserve_is_set_aside_and_tells_when_it_is_gone(folder, store):
    """Status and metrics can say that the disk is nearly full."""
    assert Store.exists(folder)
    assert store.degraded == ""
    assert sum(file.stat().st_blocks * 512 for file in folder.glob("reserve-*")) >= 1024 * 1024
    for file in folder.glob("reserve-*"):
        file.unlink()
    assert "nearly full" in store.degraded
    store.maintenance = Maintenance(since=0.0, until=AT)
    assert store.degraded == ""


def test_kept_promises_add_up_for_good(folder, store):
    """By what was promised, for which priority, and whether it was kept."""
    store.count_promises([("fix", "P1", "met"), ("first_response", "P1", "missed"), ("fix", "P1", "met")])
    store.count_promises([("fix", "P1", "met")])
    with Store.open(folder, now=AT) as again:
        assert [(*one.of, one.count) for one in again.kept_promises] == [
            ("first_response", "P1", "missed", 1),
            ("fix", "P1", "met", 3),
        ]


def test_a_closed_ticket_is_looked_at_now_and_then_while_it_may_be_rated(store):
    """For as long as a rating is waited for, every six hours, where the customer was asked and has not answered."""
    promise = Promise(priority="P3", since=AT, answer_due=AT, answer_warning=AT, fix_due=AT, fix_warning=AT)
    ended = {"state": "closed", "closed_at": AT, "closed_by": "person", "ticket": REF}
    store.save_case(case("aa" * 32, **ended, care=Care(promise=promise)), [], AT)
    store.save_case(case("bb" * 32, **ended, care=Care(promise=promise, rating=4)), [], AT)
    store.save_case(case("cc" * 32, **ended), [], AT)
    assert store.cases_to_look_at(AT + 60) == []
    assert [one.key[0] for one in store.cases_to_look_at(AT + 60, 86400.0)] == ["a"]
    store.looked_at("aa" * 32, AT + 60)
    assert store.cases_to_look_at(AT + 3600, 86400.0) == []
    assert [one.key[0] for one in store.cases_to_look_at(AT + 7 * 3600, 86400.0)] == ["a"]
    assert store.cases_to_look_at(AT + 86401, 86400.0) == []
