"""Records of each earlier Foretell, made by its own code and kept: this one opens them and finds everything as it was.

How they were made is in `tests/fixtures/stores/make.sh`; a release adds its own.
"""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.configuration.settings import HistorySettings
from agent.consent.record import read_record
from agent.delivery.outbox import Outbox
from agent.store import History, Store
from agent.store._schema import MIGRATIONS
from only import LOW_MEMORY, only
from ticketing_clients import TicketRef

FIXTURES = Path(__file__).parents[2] / "fixtures/stores"
VERSIONS = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())
DELIVERED, WAITING = "low_memory", "busy"
# As make.sh configured it, but for the desk that was away.
DESKS_ARE_THERE = (
    """
host = {id = "0123456789abcdef0123456789abcdef", name = "web01"}
customer = {name = "ACME", zone = "UTC"}
agent = {first_look = "0s", cycle = "5s"}
delivery.desk = "away"
desks.local.client = "local"
desks.away.client = "local"
"""
    + LOW_MEMORY
    + """[rules.busy]
summary = "The processors do something"
kind = "level"
select.reading = "cpu_utilization_ratio"
limits = {warning = 0.0, direction = "above"}
"""
    + only("cpu", "memory")
)


@pytest.fixture(params=VERSIONS)
def state(request, tmp_path):
    """A state folder that an earlier version left."""
    folder = tmp_path / "state"
    shutil.copytree(FIXTURES / request.param, folder)
    folder.chmod(0o700)
    return folder


def dumped(path):
    """Return everything in the file, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def test_cases_and_queue_are_found_as_they_were(state):
    """The case at the desk, its time line, and what waits for a desk that could not be reached."""
    with Store.open(state) as store:
        assert store.database.read("PRAGMA user_version") == [(len(MIGRATIONS),)]
        cases = {case.rule: case for case in store.cases()}
        assert {rule: case.state for rule, case in cases.items()} == {DELIVERED: "open", WAITING: "open"}
        assert cases[DELIVERED].ticket == TicketRef(desk="local", id="L1")
        assert cases[WAITING].ticket is None
        assert "opened" in " ".join(happening.what for happening in store.timeline(cases[DELIVERED].key))
        outbox = Outbox(store)
        [waiting] = outbox.all({"queued", "sending"})
        assert (waiting.operation.case, waiting.operation.kind, waiting.operation.desk) == (
            cases[WAITING].key,
            "open",
            "away",
        )
        assert (waiting.attempts, waiting.reason) == (1, "unreachable")
        assert outbox.due("away", waiting.not_before + 1, 5) == [waiting]


def test_memories_history_and_consent_are_found_as_they_were(state):
    """What the judge had learnt, the readings of both runs, and who allowed what."""
    with Store.open(state) as store:
        assert store.load_memories()
        history = History(store, HistorySettings())
        assert len(list(history.read("memory_available_bytes{}"))) > 10  # before and after a restart
    record = read_record(state)
    assert (record.damage, [entry.by for entry in record.entries]) == (None, ["Ada Lovelace"])


def test_the_records_are_copied_before_they_are_changed(state):
    """By which whoever wants the earlier version back has its records too."""
    was = dumped(state / "agent.sqlite")
    Store.open(state).close()
    [copy] = state.glob("agent.sqlite.before-*")
    assert dumped(copy) == was


def test_what_waited_through_the_upgrade_is_delivered_after_it(state, tmp_path):
    """By an agent of today that takes over the folder: its desk, unreachable before, is there now."""
    config = tmp_path / "foretell.toml"
    config.write_text(DESKS_ARE_THERE)
    command = [Path(sys.executable).with_name("foretell"), "run", "--config", config, "--state-dir", state]
    with (tmp_path / "out").open("w+") as out:
        with subprocess.Popen([*command, "--listen", "127.0.0.1:0"], stdout=out, stderr=out) as agent:
            try:
                give_up = time.monotonic() + 60
                while left(state) and time.monotonic() < give_up:
                    time.sleep(0.2)
            finally:
                agent.send_signal(signal.SIGTERM)
        out.seek(0)
        assert not left(state), out.read()
    with Store.open(state) as store:
        tickets = {case.rule: case.ticket for case in store.cases()}
    assert tickets == {DELIVERED: TicketRef(desk="local", id="L1"), WAITING: TicketRef(desk="away", id="L2")}


def left(state):
    """Return what still waits, or whose delivery no case knows of."""
    with Store.open(state) as store:
        waiting = Outbox(store).all({"queued", "sending"})
        return waiting or [case for case in store.cases() if case.ticket is None]
