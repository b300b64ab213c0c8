"""When the daemon has a bundle made: for a ticket that is there, when consent allows it, once."""

import time
from pathlib import Path

import msgspec
import pytest

from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR
from agent.consent.gate import decide
from agent.consent.levels import Grant, Scope
from agent.delivery.bundle_dispatch import FOLDER, LOOK, REMEMBERED, BundleDispatcher, Task
from agent.delivery.outbox import Outbox
from agent.delivery.spool import FileConsent
from agent.diagnosis import memory_file
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Operation
from agent.store import Store
from agent.system.host import HostIdentity
from thresholds import Severity
from ticketing_clients import Attachment, TicketRef

NOW = 1_790_000_000.0
KEY = "a" * 64


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.wall, self.steady = NOW, 1000.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.steady


class Desk:
    """A dispatcher on new records, and the stand-ins for children that it starts."""

    def __init__(self, folder, store, monkeypatch):
        self.folder, self.store, self.clock = folder, store, Clock()
        file = folder / "foretell.toml"
        file.touch()
        self.configuration = load(file, parts={"rules"})
        host = HostIdentity(id="h1", name="web01", os="")
        self.dispatcher = BundleDispatcher(store, folder, self.configuration, host, clock=self.clock)
        self.program = folder / "child"
        self.child_does("exit 0")
        # What is started gets the module's name as an argument, like Python.
        monkeypatch.setattr("agent.delivery.courier_process.sys.executable", str(self.program))
        self.case = Case(
            key=KEY,
            rule="disk_space",
            subject={"mountpoint": "/"},
            state="open",
            severity=Severity.WARNING,
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            opened_at=NOW,
            ticket=TicketRef("local", "L1"),
        )
        store.save_case(self.case, [], NOW)

    def opens_again(self):
        """Queue the reopening of the ticket."""
        facts = pack(case_facts(self.case, {}))
        asked = {"case": KEY, "kind": "reopen", "topic": "returned", "desk": "local", "facts": facts}
        Outbox(self.store).queue(Operation(id="again", created_at=NOW + HOUR, **asked))

    def child_does(self, script):
        """Let each child write down what it was started with, and then do this."""
        write_down = f'job=$(cat)\nprintf "%s %s\\n" "$*" "$job" >> {self.folder}/jobs\n'
        self.program.write_text(f"#!/bin/sh\n{write_down}{script}\n")
        self.program.chmod(0o700)

    def allow(self, level):
        """Have a person allow a level."""
        entry = Grant(
            by="Kim",
            entered_by="kim",
            at=NOW - DAY,
            level=level,
            scope=Scope(customer="default"),
            until=NOW + 30 * DAY,
            wording="1",
            way="command",
        )
        decide(self.folder, self.configuration, entry, NOW - DAY)

    def tick(self, *cases, after=60.0):
        """Let time pass and have the cases considered; return how many children were started so far."""
        self.clock.wall += after
        self.clock.steady += after
        self.dispatcher.consider(cases or [self.case], self.clock.wall)
        child = self.dispatcher._child._child
        if child is not None:
            child.wait(30)
        return len(self.jobs)

    @property
    def jobs(self):
        """What children were started with."""
        file = self.folder / "jobs"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A daemon's part in bundles."""
    with Store.open(tmp_path, now=NOW) as store:
        yield Desk(tmp_path, store, monkeypatch)


def test_nothing_is_made_without_consent(desk):
    """Whatever is open."""
    assert desk.tick() == 0


def test_a_ticket_that_is_allowed_one_gets_its_bundle_made(desk):
    """By a child that knows the case and the daemon's time."""
    desk.allow("facts")
    assert desk.tick() == 1
    arguments, _, job = desk.jobs[0].partition(" {")
    assert arguments == "-E -P -m agent.child agent.delivery.bundling"
    assert msgspec.json.decode("{" + job, type=Task) == Task(
        config=desk.configuration.file,
        state_dir=str(desk.folder),
        host=HostIdentity(id="h1", name="web01", os=""),
        key=KEY,
        now=NOW + 60,
    )


def test_consent_that_comes_later_is_noticed(desk):
    """Within minutes, not at each cycle."""
    desk.tick()
    desk.allow("excerpt")
    assert desk.tick() == 0
    assert desk.tick(after=LOOK) == 1


def test_what_opens_later_need_not_wait_for_the_next_look(desk):
    """The first ticket has no consent, the second has."""
    desk.allow("facts")
    closed = msgspec.structs.replace(desk.case, key="c" * 64, state="closed")
    pending = msgspec.structs.replace(desk.case, key="d" * 64, state="pending", ticket=None)
    assert desk.tick(closed, pending) == 0
    assert desk.tick(closed, pending, desk.case) == 1


def test_one_that_has_its_bundle_gets_no_second_until_it_opens_again(desk):
    """Whatever the desk said to the first."""
    desk.allow("facts")
    needs = FileConsent(level="facts", rule="disk_space", type="capacity")
    outbox = Outbox(desk.store)
    operation = outbox.attach(desk.case, Attachment(name="b", media_type="x/y", content=b"1"), NOW + 1, needs)
    outbox.reject(operation, "rejected", "too large", NOW + 2)
    assert desk.tick() == 0
    desk.opens_again()
    assert desk.tick(after=HOUR) == 1


def test_a_clock_that_is_set_back_has_nothing_bundled_a_second_time(desk):
    """The case opened tomorrow, by the clock as it was; the simulator found a bundle every five minutes until then."""
    desk.allow("facts")
    desk.case = msgspec.structs.replace(desk.case, opened_at=NOW + DAY)
    needs = FileConsent(level="facts", rule="disk_space", type="capacity")
    Outbox(desk.store).attach(desk.case, Attachment(name="b", media_type="x/y", content=b"1"), NOW, needs)
    assert desk.tick() == 0


def test_one_that_was_forbidden_is_made_again_when_it_may(desk):
    """Consent was taken back and given anew."""
    desk.allow("facts")
    needs = FileConsent(level="facts", rule="disk_space", type="capacity")
    outbox = Outbox(desk.store)
    operation = outbox.attach(desk.case, Attachment(name="b", media_type="x/y", content=b"1"), NOW + 1, needs)
    outbox.forbid(operation, "consent is `none` now", NOW + 2)
    assert desk.tick() == 1


def test_one_child_works_at_a_time_and_the_most_urgent_comes_first(desk):
    """The next one when the first has ended."""
    desk.allow("facts")
    urgent = msgspec.structs.replace(desk.case, key="b" * 64, priority="P1")
    desk.tick(desk.case, urgent)
    assert desk.dispatcher._at_work == urgent.key
    desk.tick(desk.case, urgent)
    assert desk.dispatcher._at_work == KEY
    assert len(desk.jobs) == 2


def test_nothing_is_started_while_a_child_works(desk):
    """And it goes with the daemon."""
    desk.allow("facts")
    desk.child_does("exec sleep 60")
    other = msgspec.structs.replace(desk.case, key="b" * 64)
    desk.dispatcher.consider([desk.case], NOW)
    child = desk.dispatcher._child._child
    desk.dispatcher.consider([desk.case, other], NOW)
    assert desk.dispatcher._child._child is child
    desk.dispatcher.stop()
    assert child.poll() is not None


def test_one_that_fails_rests_for_an_hour(desk):
    """It would fail again."""
    desk.allow("facts")
    desk.child_does("exit 1")
    assert [desk.tick(after=LOOK), desk.tick(after=LOOK), desk.tick(after=LOOK)] == [1, 1, 1]
    assert desk.tick(after=HOUR) == 2


def test_kept_bundles_are_forgotten_in_time(desk):
    """By the retention rule."""
    folder = desk.folder / FOLDER
    folder.mkdir()
    (folder / "x.tar.gz").write_bytes(b"x")
    desk.dispatcher.forget(before=time.time() - DAY)
    assert list(folder.iterdir())
    desk.dispatcher.forget(before=time.time() + DAY)
    assert not list(folder.iterdir())


def test_what_first_looks_leave_is_forgotten_when_no_problem_can_recur(desk):
    """Long after bundles are: the next look compares with it."""
    memory = Path(memory_file(desk.folder, KEY))
    memory.parent.mkdir()
    memory.touch()
    desk.dispatcher.forget(before=time.time() + DAY)
    assert memory.exists()
    desk.dispatcher.forget(before=time.time() + REMEMBERED + DAY)
    assert not memory.exists()
