"""`foretell cases`: what a person sees of a case, and what becomes of a person's word."""

from pathlib import Path

import msgspec
import pytest

from agent.system.folder import StateFolder
from ticketing_clients import TicketRef
from ticketing_clients.local import LocalDesk

KEY = "a1" * 32


@pytest.fixture
def case(snapshot):
    """An open case whose ticket another desk holds."""
    return snapshot.cases[0]


@pytest.fixture
def recorded(store, case):
    """Return a function that puts the case, changed, on record."""

    def recorded(**changes):
        changed = msgspec.structs.replace(case, **changes)
        store.save_case(changed, ["opened"], changed.changed_at)
        return changed

    return recorded


@pytest.mark.usefixtures("store")
def test_a_list_without_cases_is_a_sentence(foretell):
    """An empty table would leave a doubt."""
    ended = foretell("cases")
    assert (ended.status, ended.out) == (0, "There are no cases.\n")


def test_open_cases_are_listed_without_being_asked_for(foretell, recorded):
    """`cases` is `cases list`; pending and closed ones are for --all."""
    recorded()
    recorded(key="b2" * 32, state="closed", subject={"mountpoint": "/closed"})
    recorded(key="c3" * 32, state="pending", subject={"mountpoint": "/pending"})
    for words in (["cases"], ["cases", "list"]):
        ended = foretell(*words)
        assert ended.status == 0
        assert "A file system is running full: /srv" in ended.out
        assert "/closed" not in ended.out
        assert "/pending" not in ended.out
    everything = foretell("cases", "--all").out
    assert "/closed" in everything
    assert "/pending" in everything


def test_the_list_in_json_is_the_cases_themselves(foretell, recorded):
    """With the whole key."""
    case = recorded()
    [listed] = foretell("cases", "--json").json
    assert listed["key"] == KEY
    assert listed["state"] == "open"
    assert msgspec.convert(listed, type(case)) == case


def test_a_case_is_shown_by_the_beginning_of_its_key(foretell, recorded):
    """In words and in JSON."""
    recorded()
    ended = foretell("cases", "show", "a1a1")
    assert ended.status == 0
    assert "helpdesk #42" in ended.out
    told = foretell("cases", "show", "a1a1", "--json").json
    assert told.keys() == {"case", "summary", "time_line", "ticket", "sent"}
    assert [entry["what"] for entry in told["time_line"]] == ["opened"]


def test_an_unknown_beginning_and_one_of_several_are_refused(foretell, recorded):
    """Nothing is done to a case that was not meant."""
    recorded()
    recorded(key="a1ff" * 16)
    unknown, ambiguous = foretell("cases", "ack", "zz"), foretell("cases", "ack", "a1")
    assert (unknown.status, ambiguous.status) == (2, 2)
    assert unknown.err == "foretell: No case's key begins with 'zz'; see `foretell cases list`\n"
    assert ambiguous.err == "foretell: 2 cases' keys begin with 'a1'; see `foretell cases list`\n"


@pytest.mark.parametrize(
    ("words", "kind"),
    [(["ack"], "acknowledge"), (["defer", "--until", "2999-01-31"], "defer"), (["confirm"], "confirm")],
)
def test_a_persons_word_is_left_for_the_daemon(foretell, recorded, store, words, kind):
    """Which alone changes cases; who said it and until when goes along."""
    recorded()
    ended = foretell("cases", words[0], "a1a1", *words[1:])
    assert ended.status == 0
    assert ended.out == "Noted for a1a1a1a1a1a1; the daemon takes it in when it runs again; now it does not.\n"
    [event] = store.take_events()
    assert (event.case, event.act.kind) == (KEY, kind)
    assert event.act.by
    assert (event.act.until is not None) == (kind == "defer")


def test_a_running_daemon_takes_it_in_soon(foretell, recorded, state):
    """And the answer says so."""
    recorded()
    with StateFolder(state):
        assert foretell("cases", "ack", "a1").out.endswith("takes it in with its next cycle.\n")


def test_a_word_on_the_local_desks_ticket_is_on_the_ticket_too(foretell, recorded, store, state):
    """It is the same act, so it counts once."""
    ticket = LocalDesk(state, "local", now=1.0)
    recorded(ticket=TicketRef("local", "L1", ""))
    with ticket._changing() as database:
        database.execute(
            "INSERT INTO tickets (key, host, title, body, status, priority, due, opened_at)"
            " VALUES (?, 'h', 't', 'b', 'new', 'P3', 0, 0)",
            (KEY,),
        )
    assert foretell("cases", "ack", "a1").status == 0
    [event] = store.take_events()
    seen = ticket.read(TicketRef("local", "L1", ""))
    assert [act.id for act in seen.acts] == [event.act.id]
    assert seen.status == "open"


@pytest.mark.parametrize("until", ["2020-01-01", "2020-01-01T10:00"])
def test_nothing_is_put_off_into_the_past(foretell, recorded, store, until):
    """A slip of the year would end it at once."""
    recorded()
    ended = foretell("cases", "defer", "a1", "--until", until)
    assert (ended.status, ended.err) == (2, "foretell: --until is in the past\n")
    assert store.take_events() == []


def test_a_date_is_written_in_one_of_two_ways(foretell, recorded):
    """Which the answer to a wrong one says."""
    recorded()
    ended = foretell("cases", "defer", "a1", "--until", "tomorrow")
    assert ended.status == 2
    assert "%Y-%m-%d" in ended.err


@pytest.mark.parametrize(
    ("verb", "in_state", "said"),
    [
        ("ack", "pending", "cannot be acknowledged: seen, not opened yet"),
        ("ack", "acknowledged", "cannot be acknowledged: somebody has taken note"),
        ("confirm", "closed", "cannot be confirmed: closed"),
    ],
)
def test_a_word_that_the_case_cannot_heed_is_refused(foretell, recorded, verb, in_state, said):
    """Better than to take it and do nothing."""
    recorded(state=in_state)
    ended = foretell("cases", verb, "a1")
    assert ended.status == 2
    assert ended.err == f"foretell: a1a1a1a1a1a1 {said}\n"


def test_where_no_agent_ran_there_are_no_cases(foretell, state):
    """And none are made by asking."""
    ended = foretell("cases")
    assert ended.status == 2
    assert ended.err == f"foretell: there are no records in {state}: no agent has run on it yet\n"
    assert not state.exists()


def test_a_mistyped_verb_is_answered_with_the_nearest(foretell):
    """As for the commands themselves."""
    ended = foretell("cases", "shwo", "a1")
    assert ended.status == 2
    assert "Did you mean 'show'?" in ended.err


@pytest.fixture
def small():
    """A file system that is looked through in no time."""
    place = next((place for place in ("/dev/shm", "/run") if Path(place).is_mount()), None)
    return place or pytest.skip("this host has no small file system mounted")


def test_a_case_is_diagnosed_as_its_rule_says(foretell, recorded, state, small):
    """A file system in memory is looked at like any other; who only looks leaves nothing behind."""
    recorded(rule="tmpfs_full", subject={"mountpoint": small})
    ended = foretell("cases", "diagnose", "a1", "--json")
    assert (ended.status, ended.json["id"], ended.json["subject"]) == (0, "disk_space", {"mountpoint": small})
    assert {fact["name"] for fact in ended.json["facts"]} >= {"used_bytes", "bytes_seen_ratio"}
    assert not (state / "diagnosis").exists()


def test_a_diagnosis_reads_as_lines_with_its_details_below(foretell, recorded, small):
    """Amounts as people say them."""
    recorded(rule="tmpfs_full", subject={"mountpoint": small})
    lines = foretell("cases", "diagnose", "a1").out.splitlines()
    assert any(line.startswith("used: ") for line in lines)
    assert "largest.txt" in lines


def test_a_diagnosis_that_found_nothing_says_what_it_could_not_see(foretell, recorded):
    """Which is not health."""
    recorded(rule="disk_inodes", subject={"mountpoint": "/not/mounted"})
    ended = foretell("cases", "diagnose", "a1")
    assert ended.status == 3
    assert ended.out == "Not seen:\n  inodes: failed (nothing is mounted at /not/mounted any more)\n"
