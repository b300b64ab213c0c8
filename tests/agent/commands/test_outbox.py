"""`foretell outbox`: what waits, what was refused, and the two ways out."""

import pytest

from agent.delivery.outbox import Outbox
from agent.following.model import Operation

ID = "a1a1a1a1a1a1a1a1-1"


@pytest.fixture
def outbox(store, snapshot):
    """The outbox of a case with one operation, which waits."""
    case = snapshot.cases[0]
    store.save_case(case, [], case.changed_at)
    outbox = Outbox(store)
    outbox.queue(
        Operation(
            id=ID, case=case.key, kind="comment", topic="worse", desk="helpdesk", facts={}, created_at=snapshot.cycle_at
        )
    )
    return outbox


@pytest.fixture
def refused(outbox):
    """The same, refused by the desk."""
    outbox.reject(ID, "rejected", "helpdesk: Queue 'Ops' does not exist", at=1.0)
    return outbox


def states(outbox):
    """Return the state of each operation."""
    return [one.state for one in outbox.all({"queued", "sending", "rejected", "done", "dropped"})]


@pytest.mark.usefixtures("outbox")
def test_what_waits_is_listed_and_no_fault(foretell):
    """The desk will have it in time."""
    ended = foretell("outbox")
    assert ended.status == 0
    assert ID in ended.out
    assert "waiting" in ended.out


@pytest.mark.usefixtures("refused")
def test_what_was_refused_is_1_with_the_reason(foretell):
    """Somebody has to do something."""
    ended = foretell("outbox", "list")
    assert ended.status == 1
    assert "Queue 'Ops' does not exist" in ended.out
    assert "foretell outbox retry ID" in ended.out


@pytest.mark.usefixtures("refused")
def test_json_has_the_operation_and_its_place(foretell):
    """With stable keys."""
    ended = foretell("outbox", "--json")
    assert ended.status == 1
    [listed] = ended.json
    assert listed.keys() == {"state", "reason", "detail", "attempts", "not_before", "operation"}
    assert (listed["state"], listed["operation"]["id"]) == ("rejected", ID)


def test_a_refused_operation_is_tried_again(foretell, refused):
    """By the beginning of its id."""
    assert foretell("outbox", "retry", "a1a1").status == 0
    assert states(refused) == ["queued"]


def test_a_refused_operation_is_given_up(foretell, refused):
    """For good; it stays on record."""
    assert foretell("outbox", "drop", ID).status == 0
    assert states(refused) == ["dropped"]


def test_what_waits_is_tried_at_once(foretell, outbox, snapshot):
    """Without waiting for the next try."""
    outbox.retry(ID, snapshot.cycle_at + 3600, "unreachable", "connection refused")
    assert foretell("outbox", "retry", ID).status == 0
    [queued] = outbox.all({"queued"})
    assert queued.not_before == 0.0


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_what_is_settled_or_unknown_is_refused(foretell, refused, verb):
    """Nothing is done to another operation."""
    refused.drop(ID)
    for typed in (ID, "zz"):
        ended = foretell("outbox", verb, typed)
        assert ended.status == 2
        assert ended.err == f"foretell: No operation's id begins with '{typed}'; see `foretell outbox list`\n"


def test_the_beginning_of_several_ids_is_refused(foretell, refused, snapshot):
    """Nothing is dropped that was not meant."""
    operation = Operation(
        id=f"{ID}0",
        case=snapshot.cases[0].key,
        kind="comment",
        topic="worse",
        desk="helpdesk",
        facts={},
        created_at=snapshot.cycle_at,
    )
    refused.queue(operation)
    assert foretell("outbox", "drop", ID[:6]).err.startswith("foretell: 2 operations' ids begin with 'a1a1a1'")
    assert foretell("outbox", "drop", ID).status == 0
    assert states(refused) == ["dropped", "queued"]
