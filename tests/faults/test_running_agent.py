"""The running agent under real faults of its host: it says what is wrong with it, goes on, and ends in time with nothing left."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

import moved_clock
from agent.system.folder import AGENT_LOCK
from fake_webhook_receiver import KEY, FakeWebhookReceiver
from hung_mount import hung_mount
from only import BREACHED, only
from running_agent import RunningAgent, until

pytestmark = pytest.mark.faults

HOUR, DAY = 3600, 86_400
CYCLE = 5.0
FREEZER = Path("/sys/fs/cgroup/freezer")
MEMORY = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def receiver():
    """Somebody who receives the tickets as events."""
    with FakeWebhookReceiver().running() as receiver:
        yield receiver


@pytest.fixture
def config(tmp_path, receiver):
    """A configuration under which every host has one problem, told to the receiver."""
    (tmp_path / "key").write_text(KEY)
    path = tmp_path / "foretell.toml"
    path.write_text(
        BREACHED
        + f'[delivery]\ndesk = "hook"\n[desks.hook]\nclient = "webhook"\nurl = "{receiver.url}/hooks/a"\n'
        + f'[secrets]\nwebhook = "{tmp_path / "key"}"\n'
        + only("memory")
    )
    return path


@pytest.fixture
def agent(tmp_path, config):
    """Return a function that starts the agent; it is ended with the test."""
    started: list[RunningAgent] = []

    def start(*, state: Path = tmp_path / "state", environment=None, prefix=(), listen="127.0.0.1:0"):
        one = RunningAgent(tmp_path, config, environment, prefix=prefix, options=["--state-dir", state], listen=listen)
        started.append(one)
        return one

    yield start
    for one in started:
        one.end()


@pytest.fixture
def disk(tmp_path):
    """A small file system of its own, for the state folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=40m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


class BreakableDisk:
    """An ext4 in a file, which turns read-only when it finds an error."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder = folder
        with image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, folder], check=True)
        folder.chmod(0o700)

    def find_an_error(self) -> None:
        """Have the kernel meet one."""
        source = subprocess.run(["findmnt", "-no", "SOURCE", self.folder], capture_output=True, text=True, check=True)
        Path("/sys/fs/ext4", Path(source.stdout.strip()).name, "trigger_fs_error").write_text(
            "for a test of foretell\n"
        )


@pytest.fixture
def broken_disk(tmp_path):
    """A file system that will break."""
    folder = tmp_path / "ext4"
    folder.mkdir()
    yield BreakableDisk(folder, tmp_path / "image")
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take the last byte of the disk; return the file that did."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 1024, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return path


def degraded(agent: RunningAgent) -> set[str]:
    """Return the modes in which the agent says that it is."""
    return set(re.findall(r'^foretell_degraded\{mode="(\w+)"\} 1', agent.get("metrics"), re.MULTILINE))


def wait_for_cycles(agent: RunningAgent, more: int) -> None:
    """Wait until so many more cycles have finished."""
    goal = agent.cycles + more
    until(lambda: agent.cycles >= goal)


def group_is_empty(family) -> bool:
    """Whether none of the processes is there any more."""
    return not any(one.is_running() and one.status() != "zombie" for one in family)


def ends_within(seconds: float, running: RunningAgent) -> None:
    """Tell it to end, and see that it does in time and leaves nothing behind."""
    family = running.family()
    began = time.monotonic()
    assert running.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < seconds
    assert group_is_empty(family)


class TestItsOwnDisk:
    """Full or read-only: it says so in metric, page and log, and a ticket leaves all the same."""

    def test_on_a_full_disk_it_starts_sends_and_says_so_once(self, agent, disk, receiver):
        """The reserve is given up; when there is room again it is made again, and that is said, too."""
        first = agent(state=disk)
        first.shows("Watching")
        assert first.stop() == 0
        shutil.rmtree(disk / "spool", ignore_errors=True)
        receiver.events.clear()
        (disk / "agent.sqlite").unlink()  # nothing was ever opened from here
        filler = fill(disk)

        running = agent(state=disk)
        running.shows("Watching")
        until(lambda: receiver.told("ticket.opened"))
        until(lambda: "space" in degraded(running))
        assert "nearly full" in running.get("engineer")
        wait_for_cycles(running, 2)
        assert running.log.count("mode=space") == 1
        filler.unlink()
        until(lambda: "space" not in degraded(running))
        assert running.log.count("no longer degraded") == 1
        assert running.stop() == 0

    def test_turned_read_only_it_goes_on_and_says_so_once(self, agent, broken_disk):
        """As ext4 turns when it finds an error: metric, page and one line of the log; the readings stay current."""
        running = agent(state=broken_disk.folder)
        running.shows("Watching")
        broken_disk.find_an_error()
        until(lambda: degraded(running) != set())
        before = running.metrics()["foretell_last_cycle_timestamp_seconds"]
        wait_for_cycles(running, 2)
        assert running.metrics()["foretell_last_cycle_timestamp_seconds"] > before
        modes = degraded(running)
        assert {mode: running.log.count(f"mode={mode}") for mode in modes} == dict.fromkeys(modes, 1)
        assert "read-only" in running.get("engineer").lower()
        assert running.stop(signal.SIGTERM) in {0, 1}


def test_records_that_were_set_aside_are_told_once_and_until_they_are_removed(agent, tmp_path):
    """As a failing disk leaves them: metric, page, one line of the log; and it works."""
    first = agent()
    first.shows("Watching")
    assert first.stop() == 0
    records = tmp_path / "state" / "agent.sqlite"
    records.write_bytes(os.urandom(records.stat().st_size))
    running = agent()
    running.shows("Watching")
    wait_for_cycles(running, 2)
    assert degraded(running) == {"set_aside"}
    [aside] = records.parent.glob("*.damaged-*")
    assert f"then remove {aside.name}" in running.get("engineer")
    assert running.log.count("event=degraded mode=set_aside") == 1
    aside.unlink()
    until(lambda: degraded(running) == set())
    assert running.stop() == 0


def test_a_desk_that_is_away_is_told_once_and_not_with_each_try(agent, config):
    """And in the metrics and on the page for as long as it lasts; so is a heartbeat that nobody takes."""
    nobody = "http://127.0.0.1:9/hooks/a"
    config.write_text(
        re.sub(r'url = ".*"', f'url = "{nobody}"', config.read_text()) + f'[heartbeat]\nurl = "{nobody}"\n'
    )
    running = agent()
    running.shows("Watching")
    until(lambda: "heartbeat" in degraded(running))
    until(lambda: running.metrics().get('foretell_desk_reachable{desk="hook"}') == 0)
    wait_for_cycles(running, 2)
    assert "hook" in running.get("engineer")
    for line in ("the desk does not serve us", 'event="the heartbeat was not taken"', "event=degraded mode=heartbeat"):
        assert running.log.count(line) == 1, running.log
    assert running.stop() == 0


def _is_alive(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        time.sleep(0.01)
        return False


@pytest.mark.skipif(bool(why := moved_clock.missing()), reason=why)
@pytest.mark.parametrize(
    "step", [DAY, -DAY, 2 * HOUR, -HOUR], ids=["a day on", "a day back", "two hours on", "an hour back"]
)
def test_a_clock_that_steps_neither_stops_the_cycles_nor_floods_them(agent, tmp_path, receiver, step):
    """The wall clock of the agent and all its children; the problem keeps its one ticket."""
    clock = moved_clock.MovedClock(tmp_path)
    running = agent(environment=clock.environment)
    running.shows("Watching")
    until(lambda: receiver.told("ticket.opened"))
    clock.move(step)
    until(lambda: "the clock was moved" in running.log)
    began = time.monotonic()
    wait_for_cycles(running, 3)
    took = time.monotonic() - began
    assert CYCLE < took < 5 * CYCLE, "one at once, the others at their normal rate"
    assert running.log.count("the clock was moved") == 1
    assert running.log.count("event=degraded mode=clock") == 1
    assert len(receiver.told("ticket.opened")) == 1
    assert running.stop() == 0


@pytest.mark.skipif(not FREEZER.is_dir(), reason="needs the freezer of cgroup v1")
def test_after_a_suspend_there_is_one_cycle_and_not_all_that_were_missed(agent):
    """Frozen for four cycles, as a laptop's lid does it."""
    group = FREEZER / f"foretell-{os.getpid()}"
    group.mkdir()
    try:
        running = agent()
        running.shows("Watching")
        for process in running.family():
            with contextlib.suppress(ProcessLookupError):  # a child that has done its work meanwhile
                (group / "cgroup.procs").write_text(str(process.pid))
        before = running.cycles
        (group / "freezer.state").write_text("FROZEN")
        time.sleep(4 * CYCLE)  # the time that is missed is what this is about
        (group / "freezer.state").write_text("THAWED")
        until(lambda: running.cycles > before)
        time.sleep(1)
        assert running.cycles - before <= 2
        assert running.stop() == 0
    finally:
        (group / "freezer.state").write_text("THAWED")
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_the_number_of_a_killed_agent_may_be_somebody_elses_by_now(agent, tmp_path):
    """It died without a word, and its process number, which stands in the lock, is that of a living program."""
    killed = agent()
    killed.shows("Watching")
    killed.end()
    (tmp_path / "state" / AGENT_LOCK).write_text(f"{os.getpid()}".ljust(20))
    running = agent()
    running.shows("Watching")
    assert running.stop() == 0


class TestLimits:
    """Few descriptors, little memory, few processes: less is done, it says so, and it lives."""

    def test_with_the_fewest_descriptors_it_works_and_without_any_left_it_says_so(self, agent, receiver):
        """Forty are enough. When somebody takes those that are left, there is no answer; when they are back, there is."""
        running = agent(prefix=["prlimit", "--nofile=40:40"])
        running.shows("Watching")
        until(lambda: receiver.told("ticket.opened"))
        used = len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (used, 40))
        time.sleep(2.5 * CYCLE)
        assert running.process.poll() is None
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (40, 40))
        wait_for_cycles(running, 1)
        assert "Too many open files" in running.log
        assert running.stop() == 0

    @pytest.mark.skipif(not MEMORY.is_dir(), reason="needs the memory controller of cgroup v1")
    def test_in_little_memory_the_ticket_leaves(self, agent, receiver):
        """In 96 MB for the daemon and all its children; the unit allows 500."""
        group = MEMORY / f"foretell-{os.getpid()}"
        group.mkdir()
        try:
            (group / "memory.limit_in_bytes").write_text(str(96 << 20))
            running = agent(prefix=["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"])
            running.shows("Watching")
            until(lambda: receiver.told("ticket.opened"))
            wait_for_cycles(running, 2)
            assert running.stop() == 0
            assert "oom_kill 0" in (group / "memory.oom_control").read_text()
        finally:
            until(lambda: not (group / "cgroup.procs").read_text())
            group.rmdir()


class TestStartAndStop:
    """A first answer within a second, an end within five; within twenty with something hung, and no child left."""

    def test_it_answers_within_a_second(self, agent, tmp_path):
        """From the start of the process to the first answer on /healthz it takes less than a second of processor time.

        How much that is by the clock depends on what else runs here.
        """
        took = []
        for number in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                address = "{}:{}".format(*free.getsockname())
            running = agent(state=tmp_path / f"state-{number}", listen=address)
            while not _is_alive(address):
                assert running.process.poll() is None, running.log
            used = psutil.Process(running.process.pid).cpu_times()
            took.append(used.user + used.system)
            assert running.stop() == 0
        assert sorted(took)[2] < 1.0, took

    def test_it_ends_within_five_seconds_and_leaves_nothing(self, agent):
        """In the normal case."""
        running = agent()
        running.shows("Watching")
        ends_within(5, running)

    @pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK), reason="needs root and FUSE (/dev/fuse)")
    def test_with_a_mount_and_a_plugin_that_hang_it_ends_within_twenty(self, agent, tmp_path, config):
        """The mount keeps its asker in the kernel, the plugin and what it started ignore TERM; nothing of them stays."""
        plugin = tmp_path / "check_forever"
        plugin.write_text("#!/bin/sh\ntrap '' TERM INT HUP\nsleep 600 & wait; sleep 600\n")
        plugin.chmod(0o755)
        with hung_mount(tmp_path / "silent") as mount:
            text = config.read_text().replace("disk.enabled = false\n", "").replace("nagios.enabled = false\n", "")
            config.write_text(text + f'nagios.checks = {{forever = {{command = ["{plugin}"], timeout = "50s"}}}}\n')
            running = agent()
            until(lambda: mount.questions > 0 and runs(running, "check_forever"))
            family = running.family()
            assert len(family) > 2
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(20) == 0
            assert time.monotonic() - began < 20
            mount.break_off()
            until(lambda: group_is_empty(family))

    def test_with_records_that_another_process_keeps_locked_it_ends_within_twenty(self, agent, tmp_path):
        """As a command that hangs does. What was acknowledged is there; the youngest history is lost."""
        running = agent()
        running.shows("Watching")
        with contextlib.closing(sqlite3.connect(tmp_path / "state/agent.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ends_within(20, running)
        assert "another process keeps it locked" in running.log

    def test_with_a_desk_that_never_answers_it_ends_within_twenty(self, agent, config):
        """The courier that waits for it is ended; its operation is queued still, and known to have been tried."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/hooks/a"
            config.write_text(re.sub(r'url = ".*"', f'url = "{address}"', config.read_text()))
            running = agent()
            until(lambda: runs(running, "agent.courier"))
            ends_within(20, running)


def runs(agent: RunningAgent, what: str) -> bool:
    """Whether the agent has a child with `what` on its command line."""
    try:
        return any(what in " ".join(one.cmdline()) for one in agent.family())
    except psutil.NoSuchProcess:  # one has just ended
        return False


def test_a_mount_of_a_hostile_name_spoils_neither_metrics_nor_page(agent, config, tmp_path):
    """A line break, a quote, a byte that is no UTF-8, an escape sequence: the page parses, and only our lines are in it."""
    name = os.fsencode(tmp_path) + b'/evil\xff"\n\x1b[31mforetell_degraded{mode="made up"} 1\n'
    Path(os.fsdecode(name)).mkdir()
    subprocess.run([b"mount", b"-t", b"tmpfs", b"-o", b"size=1m", b"tmpfs", name], check=True)
    try:
        config.write_text(config.read_text().replace("disk.enabled = false\n", ""))
        running = agent()
        running.shows("Watching")
        page = running.get("metrics")
        assert "evil\\\\xff" in page
        assert degraded(running) == set()
        assert "\x1b" not in page + running.get() + running.get("engineer")
        assert running.stop() == 0
    finally:
        subprocess.run([b"umount", name], check=True)
