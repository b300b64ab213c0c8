"""The records under real faults: killed at any write, a full disk, no inodes left, a disk turned read-only."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.configuration.settings import HistorySettings
from agent.delivery.outbox import Outbox
from agent.store import History, Store, StoreUnavailable
from collectors import Reading
from written_cases import AT, HERE, WRITER, case, operation

pytestmark = pytest.mark.faults

KIB = 1024


def write_under_strace(folder: Path, *options: str) -> tuple[int, list[int]]:
    """Run the writer on `folder` under strace; return its exit status and what it acknowledged."""
    argv = [
        *("strace", "-f", "-qq", "-o", str(folder.parent / "trace"), "-e", "trace=pwrite64,fdatasync,fsync", *options),
        *(sys.executable, "-c", WRITER, str(folder), str(HERE)),
    ]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, [int(line) for line in run.stdout.splitlines() if line.isdigit()]


def calls_of_one_run(folder: Path) -> dict[str, int]:
    """Return how often each system call is made when nothing goes wrong."""
    folder.mkdir()
    assert write_under_strace(folder) == (0, list(range(8)))
    made = re.findall(r"\b(pwrite64|fdatasync|fsync)\(", (folder.parent / "trace").read_text())
    return {name: made.count(name) for name in set(made)}


def test_what_was_acknowledged_survives_a_kill_at_any_write(tmp_path):
    """Killed at a sample of all writes and syncs: every acknowledged case is there, each with its operation, none in half."""
    calls = calls_of_one_run(tmp_path / "unharmed")
    points = [(name, when) for name, count in calls.items() for when in range(1, count + 1, max(1, count // 10))]
    assert len(points) > 15
    for name, when in points:
        folder = tmp_path / f"{name}-{when}"
        folder.mkdir()
        _, acknowledged = write_under_strace(folder, "-e", f"inject={name}:signal=SIGKILL:when={when}")
        with Store.open(folder, now=AT) as store:
            assert store.set_aside is None
            saved = [one.key for one in store.cases()]
            queued = [one.operation.case for one in Outbox(store).all({"queued"})]
        assert saved == queued == [case(number).key for number in range(len(saved))]
        assert len(acknowledged) <= len(saved) <= len(acknowledged) + 1


@pytest.mark.parametrize(("call", "error"), [("fdatasync", "EIO"), ("pwrite64", "EROFS")])
def test_nothing_is_acknowledged_on_a_disk_that_fails_or_turns_read_only(tmp_path, call, error):
    """A disk that cannot promise gets no promise in its name, and what was promised before holds."""
    calls = calls_of_one_run(tmp_path / "unharmed")
    for part in (0.6, 0.8):
        when = int(calls[call] * part)
        folder = tmp_path / f"{call}-{when}"
        folder.mkdir()
        status, acknowledged = write_under_strace(folder, "-e", f"inject={call}:error={error}:when={when}+")
        assert status == 1
        assert len(acknowledged) < 8
        with Store.open(folder, now=AT) as store:
            assert store.set_aside is None
            assert len(store.cases()) >= len(acknowledged)


@pytest.fixture
def disk(tmp_path):
    """Return a function that mounts a small file system of its own with these options."""
    mounted = []

    def mount(options: str) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", folder], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take the last byte of the disk; return the file that did."""
    path = folder / f"filler-{len(list(folder.iterdir()))}"
    with path.open("wb", buffering=0) as file:
        for size in (64 * KIB, KIB, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return path


def use_up_inodes(folder: Path) -> None:
    """Make files until no more can be made."""
    for number in range(100):
        try:
            (folder / f"taken-{number}").touch()
        except OSError:
            return
    pytest.fail("the disk has more inodes than it was given")


def save(store: Store, numbers: range) -> None:
    """Save cases with their operations, in one transaction, large enough to need new space."""
    outbox = Outbox(store)
    with store.transaction():
        for number in numbers:
            store.save_case(case(number, "x" * 4 * KIB), ["opened"], AT)
            outbox.queue(operation(number))


def test_a_full_disk_still_takes_the_case_that_says_so(disk):
    """The reserve lets a running agent write on; it says so, and sets a new reserve aside when there is room again."""
    folder = disk("size=40m")
    with Store.open(folder, now=AT) as store:
        save(store, range(4))
        filler = fill(folder)
        save(store, range(4, 60))
        assert "nearly full" in store.degraded
        assert len(Outbox(store).due("rt", AT, 100)) == len(store.cases()) == 60
        filler.unlink()
        save(store, range(60, 61))
        assert store.degraded == ""
    with Store.open(folder) as store:
        assert len(store.cases()) == 61


def test_when_the_reserve_is_spent_too_it_says_so_and_keeps_what_it_has(disk):
    """Then nothing of the transaction has happened, and everything before it is there, to read and to go on from."""
    folder = disk("size=40m")
    with Store.open(folder, now=AT) as store:
        save(store, range(4))
        fill(folder)
        with pytest.raises(StoreUnavailable, match=r"its disk is full.*free some space there"):
            save(store, range(4, 2000))
        assert len(store.cases()) == len(Outbox(store).due("rt", AT, 100)) == 4
        save(store, range(4, 5))
        assert len(store.cases()) == 5


def test_the_agent_starts_on_a_full_disk_and_queues(disk):
    """A fresh opening needs new space even to read; the reserve gives it. History waits in memory."""
    folder = disk("size=40m")
    with Store.open(folder, now=AT) as store:
        save(store, range(4))
    first = fill(folder)
    with Store.open(folder) as store:
        assert (len(store.cases()), store.set_aside) == (4, None)
        save(store, range(4, 8))
        second = fill(folder)
        history = History(store, HistorySettings())
        history.remember([Reading("load", 1.0, "ratio", {}, AT)])
        with pytest.raises(StoreUnavailable):
            history.flush(AT)
        for one in (first, second):
            one.unlink()
        history.flush(AT)
        assert list(history.read("load{}")) == [(AT, 1.0)]
        assert len(store.cases()) == 8


def test_the_agent_starts_when_no_file_can_be_made(disk):
    """Inodes can run out long before space does; the reserve holds some of those too."""
    folder = disk("size=40m,nr_inodes=20")
    with Store.open(folder, now=AT) as store:
        save(store, range(4))
    use_up_inodes(folder)
    with Store.open(folder) as store:
        save(store, range(4, 8))
        assert "nearly full" in store.degraded
        assert len(store.cases()) == 8


def test_a_read_only_disk_is_named_with_its_cure(disk):
    """One clear line instead of a start."""
    folder = disk("size=40m")
    Store.open(folder, now=AT).close()
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    with pytest.raises(
        StoreUnavailable, match=r"agent\.sqlite: it cannot be opened \(Read-only file system\); see that"
    ):
        Store.open(folder)
