"""What is told of one case: its story, and its ticket only where the local desk holds that very ticket."""

from typing import get_args

import msgspec
import pytest

from agent.case_details import case_details
from agent.demo import CUSTOMER, ENGINEER, play
from agent.following.model import OperationKind
from agent.store import Store
from ticketing_clients import ActKind, TicketRef, to_plain
from ticketing_clients.local import FILE_NAME


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which one case was followed to its end."""
    folder = tmp_path_factory.mktemp("details") / "state"
    for _ in play(folder):
        pass
    return folder


@pytest.fixture
def case(folder):
    """That case."""
    with Store.open(folder) as store:
        [case] = [case for case in store.cases(include_closed=True) if case.ticket]
    return case


def details(folder, case, summaries=None):
    """Return what is told of `case`."""
    with Store.open(folder) as store:
        return case_details(store, folder, case, summaries or {})


def test_a_case_is_told_with_summary_story_and_ticket(folder, case):
    """Oldest first, with what was said on the ticket."""
    told = details(folder, case, {case.rule: "A file system is running full"})
    assert told.summary == "A file system is running full"
    assert [entry.at for entry in told.time_line] == sorted(entry.at for entry in told.time_line)
    assert told.ticket is not None
    assert told.ticket.id == case.ticket.id
    assert [comment.by for comment in told.ticket.comments] == ["", "", ""]
    assert case.opened_at < told.ticket.comments[0].at < told.ticket.comments[1].at


def test_the_story_is_in_plain_words(folder, case):
    """What is on record in the agent's own terms is told in a person's."""
    assert [(entry.what, entry.by) for entry in details(folder, case).time_line] == [
        ("opened", ""),
        ("ticket opened at the desk", ""),
        ("time agreed to", CUSTOMER),
        ("comment written at the desk", ""),
        ("calendar entry attached at the desk", ""),
        ("taken note of", ENGINEER),
        ("first answered in time", ""),
        ("healthy readings", ""),
        ("recovery verified", ""),
        ("comment written at the desk", ""),
        ("confirmed", CUSTOMER),
        ("closed: a person said so", ""),
        ("settled in time", ""),
        ("comment written at the desk", ""),
        ("ticket resolved at the desk", ""),
    ]


def test_what_was_sent_is_there_as_it_was_sent(folder, case):
    """The ticket with its title and the comments, oldest first, each as it was rendered then; the desk's copy says the same."""
    told = details(folder, case)
    opening, *comments = told.sent
    assert opening.title == told.ticket.title
    assert to_plain(opening.body).strip() == told.ticket.body.strip()
    assert [one.at for one in told.sent] == sorted(one.at for one in told.sent)
    assert comments
    assert all(one.public and not one.title for one in comments)


def test_every_act_of_a_person_has_its_words(tmp_path, case):
    """A new kind of act must not be shown by its name in the program."""
    with Store.open(tmp_path) as store:
        store.save_case(case, [f"{kind} by Kim by the way" for kind in get_args(ActKind)], 1.0)
        story = case_details(store, tmp_path, case, {}).time_line
    assert {entry.by for entry in story} == {"Kim by the way"}


def test_every_operation_that_is_done_has_its_words(tmp_path, case):
    """Likewise for what we do at the desk."""
    kinds = get_args(OperationKind)
    with Store.open(tmp_path) as store:
        store.save_case(case, [f"delivered {kind}" for kind in kinds], 1.0)
        story = case_details(store, tmp_path, case, {}).time_line
    assert all(entry.what.endswith("at the desk") for entry in story)
    assert len(story) == len(kinds)


def test_copies_and_what_was_left_out_have_their_words(tmp_path, case):
    """A person sees which desk, and that nothing was done."""
    with Store.open(tmp_path) as store:
        store.save_case(case, ["delivered open to on call", "left out raise_priority"], 1.0)
        story = case_details(store, tmp_path, case, {}).time_line
    assert [entry.what for entry in story] == [
        "ticket opened at on call",
        "left out raise_priority: the desk cannot do it",
    ]


def test_a_rule_nobody_knows_any_more_has_no_summary(folder, case):
    """It may have been removed from the configuration; the case is told all the same."""
    assert details(folder, case).summary == ""


@pytest.mark.parametrize(
    "ref", [None, TicketRef("helpdesk", "1", "https://desk.example/1"), TicketRef("local", "L99", "")]
)
def test_a_ticket_that_the_local_desk_does_not_hold_has_no_text(folder, case, ref):
    """None yet, another desk's, or one that is gone: other desks show theirs themselves."""
    assert details(folder, msgspec.structs.replace(case, ticket=ref)).ticket is None


def test_a_ticket_of_another_case_is_not_shown(folder, case):
    """The key must be the same too."""
    assert details(folder, msgspec.structs.replace(case, key="0" * 64)).ticket is None


def test_looking_makes_no_desk(folder, case, tmp_path):
    """Where no local desk is, none is made by asking."""
    with Store.open(folder) as store:
        assert case_details(store, tmp_path, case, {}).ticket is None
    assert not (tmp_path / FILE_NAME).exists()
