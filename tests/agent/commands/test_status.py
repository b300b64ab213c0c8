"""`foretell status`: what it comes to, in one word and one exit status."""

import msgspec
import pytest

from agent.status import write_summary
from agent.system.folder import StateFolder


@pytest.fixture
def left(state):
    """Return a function that leaves a daemon's last word; the daemon is alive for as long as the test."""
    with StateFolder(state):
        yield lambda snapshot: write_summary(state, snapshot)


def well(snapshot):
    """Return the same host with nothing wrong and nothing unseen."""
    return msgspec.structs.replace(
        snapshot, collectors=[], findings=[], unjudged=[], held=[], cases=[], degraded={}, desks=[]
    )


def test_all_well_is_0(foretell, left, snapshot):
    """With everything a glance needs."""
    left(well(snapshot))
    ended = foretell("status")
    assert (ended.status, ended.err) == (0, "")
    assert "All that was checked is well." in ended.out


def test_what_needs_attention_is_1(foretell, left, snapshot):
    """An open case."""
    left(snapshot)
    ended = foretell("status")
    assert ended.status == 1
    assert "Open cases" in ended.out


def test_what_could_not_be_checked_is_3(foretell, left, snapshot):
    """Unknown is never healthy."""
    left(msgspec.structs.replace(well(snapshot), collectors=snapshot.collectors))
    assert foretell("status").status == 3


def test_json_has_life_health_and_the_summary(foretell, left, snapshot):
    """With stable keys."""
    left(snapshot)
    told = foretell("status", "--json").json
    assert told.keys() == {"alive", "health", "summary"}
    assert (told["alive"], told["health"]) == (True, "attention")
    assert told["summary"]["host_name"] == "files-01"


def test_a_daemon_at_its_first_cycle_is_alive(foretell, left):
    """It only has nothing to say yet."""
    assert left is not None
    ended = foretell("status")
    assert (ended.status, ended.out) == (3, "The daemon is at its first cycle.\n")
