"""A cycle on paper: the daemon's own answer, with nothing sent, kept or changed."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import msgspec
import pytest

from agent.clock import HostClock
from agent.configuration.config import load
from agent.daemon import make_resident
from agent.rehearsal import rehearse
from agent.store import Store
from agent.system.folder import StateFolder
from agent.system.host import GENERATED_ID
from only import LOW_MEMORY, only

NOW = 1_795_600_800.0  # 2026-11-25 10:00 UTC
WAITED_FOR = LOW_MEMORY.replace("kind =", 'for = "10m"\nkind =') + '[customer]\nzone = "UTC"\n' + only("memory")


@pytest.fixture
def config(tmp_path):
    """A rule that every host breaks, and that waits ten minutes before it is believed."""
    path = tmp_path / "foretell.toml"
    path.write_text(WAITED_FOR)
    return path


@pytest.fixture
def run(config, tmp_path):
    """Return a function that rehearses on the state folder and gives the answer."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return lambda now=NOW: rehearse(config, tmp_path / "state", scratch, now)


class FixedClock(HostClock):
    """A clock that stands where it is put."""

    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


def agent_runs(config, state, at, *, installed=NOW - 10 * 86400):
    """Run one cycle of the real agent at `at`, as it would have been."""
    with StateFolder(state) as folder, Store.open(state, now=installed) as store:
        resident = make_resident(load(config), folder, store, FixedClock(at))
        resident.dispatcher.consider = lambda _: {}  # the courier is not wanted here
        resident.tick()
        resident.stop()


def contents(folder):
    """Return every file of `folder`, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_host_without_an_agent_is_judged_from_nothing(run, tmp_path):
    """No folder is needed and none is made."""
    rehearsal = run()
    [held] = [held for held in rehearsal.snapshot.held if held.rule == "low_memory"]
    assert held.hold == "for"
    assert held.until == NOW + 600
    assert rehearsal.without_records == ""
    assert not (tmp_path / "state").exists()


def test_what_would_open_is_titled_as_the_ticket_would_be(run):
    """The same words, made by the same code."""
    rehearsal = run()
    [case] = rehearsal.would_open
    assert rehearsal.titles[case.key].partition("; ")[0].endswith(": Little memory is left")


def test_it_begins_where_the_agent_stands(run, config, tmp_path):
    """What the agent has seen for long enough would open now; for a newcomer it would have to last first."""
    agent_runs(config, tmp_path / "state", NOW - 900)
    rehearsal = run()
    assert [case.state for case in rehearsal.would_open] == ["open"]
    assert rehearsal.snapshot.held == []


def test_what_has_a_ticket_would_not_get_another(run, config, tmp_path):
    """It is a case already."""
    for at in (NOW - 900, NOW - 60):
        agent_runs(config, tmp_path / "state", at)
    rehearsal = run()
    assert rehearsal.would_open == []
    assert [case.rule for case in rehearsal.snapshot.cases] == ["low_memory"]


def test_it_changes_nothing_byte_for_byte(run, config, tmp_path):
    """Neither file nor name, whatever it finds."""
    state = tmp_path / "state"
    agent_runs(config, state, NOW - 900)
    before = contents(state)
    assert run().would_open
    assert contents(state) == before


def test_beside_a_running_agent_it_sees_what_is_not_in_the_main_file_yet(run, config, tmp_path):
    """The write-ahead log is read too; only SQLite's own marks of who reads are touched."""
    state = tmp_path / "state"
    agent_runs(config, state, NOW - 900)
    with StateFolder(state), Store.open(state) as store:
        [case] = store.cases()
        store.save_case(msgspec.structs.replace(case, breach_since=NOW - 30), [], NOW)
        before = contents(state)
        [held] = run().snapshot.held
        after = contents(state)
    assert held.since == NOW - 30
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {"agent.sqlite-shm"}


def test_a_host_without_a_machine_id_keeps_the_agents(run, config, tmp_path, monkeypatch):
    """Another id would make another key of every case."""
    monkeypatch.setattr("agent.system.host._hashed_machine_id", lambda _: None)
    agent_runs(config, tmp_path / "state", NOW - 900)
    assert run().snapshot.host_id == (tmp_path / "state" / GENERATED_ID).read_text()


def damage(state):
    """Write nonsense over the records."""
    (state / "agent.sqlite").write_bytes(b"nonsense" * 4096)


def make_newer(state):
    """Give the records a later version's number."""
    with closing(sqlite3.connect(state / "agent.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(("spoil", "why"), [(damage, "it is damaged"), (make_newer, "made by a newer Foretell")])
def test_records_that_cannot_be_asked_are_named_and_left_alone(run, config, tmp_path, spoil, why):
    """The host is judged all the same, and the answer says from how little."""
    state = tmp_path / "state"
    agent_runs(config, state, NOW - 900)
    spoil(state)
    before = contents(state)
    rehearsal = run()
    assert rehearsal.without_records.startswith(f"{state / 'agent.sqlite'}: {why}")
    assert [held.hold for held in rehearsal.snapshot.held] == ["for"]
    assert contents(state) == before


def test_no_desk_is_asked(config, tmp_path):
    """The clients' HTTP library is not even in memory."""
    code = (
        "import sys, pathlib; from agent.rehearsal import rehearse\n"
        f"rehearse(pathlib.Path({str(config)!r}), pathlib.Path('/nowhere'), pathlib.Path({str(tmp_path)!r}), {NOW})\n"
        "sys.exit('requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
