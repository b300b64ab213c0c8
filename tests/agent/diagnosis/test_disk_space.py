"""A file system that runs full: who takes the room, who grew, who holds what was deleted, and what was not seen of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent.diagnosis import _largest, disk_inodes, disk_space
from agent.diagnosis._deleted import deleted_files
from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Unseen
from agent.diagnosis._largest import BYTES, FILES, largest
from agent.diagnosis._look import Look
from agent.diagnosis._mount import Place, the_mount
from agent.diagnosis._tree import walk
from collectors import CollectorError
from collectors._mountinfo import Mount
from collectors._usage import Usage

MB = 1 << 20
DAY = 86400.0
MOUNTINFO = r"""21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:2 / /srv/two\012lines rw - ext4 /dev/sda2 rw
23 21 8:3 / /mnt rw - ext4 /dev/sda3 rw
"""


def place(top):
    """Return a folder as if it were a whole file system."""
    mount = Mount(
        number="8:1", mountpoint=str(top), device="sda1", fstype="ext4", read_only=False, read_only_everywhere=False
    )
    return Place(mount=mount, path=str(top), inner=frozenset())


def used_by(top):
    """Return the bytes that `top` and all in it take."""
    return walk(str(top), BYTES.measure, floor=1, changed_after=0, time_left=lambda: 1.0).total


def write(path, megabytes):
    """Write a file that really takes room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(megabytes * MB))


def looked(look, top, kind=BYTES, used=None, accounted=0):
    """Return what a look at `top` finds."""
    used = used_by(top) if used is None else used
    return list(largest(look, place(top), kind, used, accounted))


def facts(found, name):
    """Return the facts of one name: what they are about, and how much."""
    return {
        tuple(fact.labels.values()): fact.value
        for fact in found
        if isinstance(fact, DiagnosisFact) and fact.name == name
    }


def text(found, name):
    """Return a detail's text."""
    return next(item.text for item in found if isinstance(item, Detail) and item.name == name)


def test_the_largest_are_named_most_first(tmp_path):
    """The one large file, the directory that holds much, and not what lies above them."""
    write(tmp_path / "srv/core", 4)
    for number in range(100):
        (tmp_path / "mail").mkdir(exist_ok=True)
        (tmp_path / f"mail/{number}").write_bytes(b"x" * 20_000)
    found = looked(Look({}), tmp_path)
    assert [path for (path,) in facts(found, "path_bytes")] == [f"{tmp_path}/srv/core", f"{tmp_path}/mail"]
    assert facts(found, "bytes_seen_ratio") == {(): 1.0}
    assert not [item for item in found if isinstance(item, Unseen)]


def test_many_small_files_are_their_directory(tmp_path):
    """None of them explains anything."""
    for number in range(200):
        (tmp_path / "spool" / f"{number:03}").parent.mkdir(exist_ok=True)
        (tmp_path / "spool" / f"{number:03}").write_bytes(b"x" * 4000)
    assert list(facts(looked(Look({}), tmp_path), "path_bytes")) == [(f"{tmp_path}/spool",)]


def test_nobody_is_named_whom_the_unseen_could_exceed(tmp_path):
    """Then the share that was seen is all there is to say; the paths are in the detail, which says so first."""
    write(tmp_path / "large", 3)
    write(tmp_path / "small", 1)
    used = used_by(tmp_path)
    found = looked(Look({}), tmp_path, used=used + 2 * MB)
    assert list(facts(found, "path_bytes")) == [(f"{tmp_path}/large",)]
    found = looked(Look({}), tmp_path, used=used + 4 * MB)
    assert facts(found, "path_bytes") == {}
    assert facts(found, "bytes_seen_ratio") == {(): pytest.approx(0.5, abs=0.01)}
    assert f"{tmp_path}/large" in text(found, "largest.txt")


def test_what_is_not_permitted_is_counted_and_leaves_its_share_open(open_folder, as_nobody):
    """As the agent sees most hosts: without rights of root."""
    write(open_folder / "open/large", 6)
    write(open_folder / "closed/one/file", 2)
    (open_folder / "closed").chmod(0o700)
    used = used_by(open_folder)
    found = as_nobody(lambda: looked(Look({}), open_folder, used=used))
    [(path, amount)] = facts(found, "path_bytes").items()
    assert path == (f"{open_folder}/open/large",)
    assert amount == 6 * MB
    [unseen] = [item for item in found if isinstance(item, Unseen)]
    assert (unseen.what, unseen.reason, unseen.count) == ("directories", "not_permitted", 1)
    assert text(found, "directories-not-permitted.txt") == f"{open_folder}/closed\n"
    named = next(fact for fact in found if isinstance(fact, DiagnosisFact) and fact.name == "path_bytes")
    assert not named.whole
    assert text(found, "largest.txt").startswith("Seen: only 75% of what is used")


def test_the_fastest_growing_are_named_on_the_second_look(tmp_path):
    """By how much at least; what shrank is no news, and what did not change neither."""
    write(tmp_path / "steady/file", 5)
    write(tmp_path / "log/app.log", 1)
    write(tmp_path / "shrinking/file", 3)
    first = Look({}, at=1000.0)
    looked(first, tmp_path)
    write(tmp_path / "log/app.log", 4)
    write(tmp_path / "shrinking/file", 2)
    write(tmp_path / "new/file", 2)
    second = Look({}, at=1000.0 + DAY, before=first.after)
    found = looked(second, tmp_path)
    grown = facts(found, "path_growth_bytes")
    assert grown[f"{tmp_path}/log/app.log",] == 3 * MB
    assert 1.9 * MB < grown[f"{tmp_path}/new/file",] <= 2 * MB
    assert len(grown) == 2
    assert facts(found, "compared_with_timestamp") == {(): 1000.0}
    assert "+3145728" in text(found, "largest.txt")


def test_growth_that_was_hidden_could_be_anybodys(tmp_path):
    """More became used than was seen to grow: nobody below that is named."""
    write(tmp_path / "a", 1)
    first = Look({}, at=1000.0)
    used = used_by(tmp_path)
    looked(first, tmp_path, used=used)
    write(tmp_path / "a", 2)
    found = looked(Look({}, at=2000.0, before=first.after), tmp_path, used=used + 5 * MB)
    assert facts(found, "path_growth_bytes") == {}


@pytest.mark.parametrize("change", [{"user": 4242}, {"at": 9e9}])
def test_looks_that_cannot_be_compared_are_not(tmp_path, change):
    """Under other rights other things are seen; after a step of the clock the past lies ahead."""
    write(tmp_path / "a", 1)
    first = Look({}, at=1000.0)
    looked(first, tmp_path)
    write(tmp_path / "a", 3)
    before = msgspec.structs.replace(first.after, **change)
    found = looked(Look({}, at=2000.0, before=before), tmp_path)
    assert facts(found, "compared_with_timestamp") == facts(found, "path_growth_bytes") == {}


def test_a_look_that_was_cut_short_remembers_nothing(tmp_path):
    """The next one would take what it had not reached for growth."""
    write(tmp_path / "a", 1)
    look = Look({}, seconds=1e-9)
    found = looked(look, tmp_path)
    assert look.after is None
    assert [item.reason for item in found if isinstance(item, Unseen)] == ["out_of_time"]


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    """The most; what is left out counts as the least of them, so that growth is never overstated."""
    monkeypatch.setattr(_largest, "MOST_REMEMBERED", 3)
    for number in range(1, 7):
        write(tmp_path / f"{number}", number)
    look = Look({})
    looked(look, tmp_path)
    assert len(look.after.amounts) == 3
    assert look.after.floor == 4 * MB


def test_hostile_names_are_harmless_and_remembered_as_they_are(tmp_path):
    """In facts and details by escapes; in the memory by their bytes."""
    name = os.fsencode(tmp_path) + b"/bad\xff\nname\xe2\x80\xaetxt"
    Path(os.fsdecode(name)).write_bytes(os.urandom(2 * MB))
    look = Look({})
    found = looked(look, tmp_path)
    [(path,)] = facts(found, "path_bytes")
    assert path == f"{tmp_path}/bad\\xff\\nnametxt"
    assert len([line for line in text(found, "largest.txt").splitlines() if "nametxt" in line]) == 1
    assert name in look.after.amounts


def test_directories_that_eat_inodes_are_named(tmp_path):
    """By the files below them, of whatever size."""
    for number in range(300):
        folder = tmp_path / "sessions" / f"{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").touch()
    write(tmp_path / "large", 2)
    used = walk(str(tmp_path), FILES.measure, floor=1, changed_after=0, time_left=lambda: 1.0).total
    found = looked(Look({}), tmp_path, FILES, used)
    assert facts(found, "path_files") == {(f"{tmp_path}/sessions/{n}",): 101 for n in range(3)}
    assert facts(found, "files_seen_ratio") == {(): 1.0}


def test_a_file_system_without_a_number_of_inodes_says_so(monkeypatch, tmp_path):
    """There is nothing to run out of."""
    monkeypatch.setattr(disk_inodes, "the_mount", lambda _: place(tmp_path))
    monkeypatch.setattr(Place, "usage", lambda _: Usage(100, 50, 50, 0, 0))
    [unseen] = disk_inodes.inodes(Look({}))
    assert unseen.reason == "not_available"


@pytest.fixture
def holder(tmp_path):
    """Yield a process that holds a deleted file of 3 MB open; it and the file's name."""
    code = """
import os, sys
file = open(sys.argv[1], "wb")
file.write(os.urandom(3 << 20))
file.flush()
os.fsync(file.fileno())
os.unlink(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""
    path = tmp_path / "app.log"
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # pytest's own is a deleted file as well
    )
    assert process.stdout.readline() == b"held\n"
    yield process, path
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_deleted_file_that_is_held_open_is_found_with_its_holder(holder, tmp_path):
    """Its room, what it was called, and who has to let go."""
    process, path = holder
    found = deleted_files(Look({}), tmp_path.stat().st_dev)
    [held] = [one for one in found.files.values() if one.pid == process.pid]
    assert (held.size, held.was) == (3 * MB, str(path))
    assert held.process.startswith("python")
    assert all(one.pid != process.pid for one in deleted_files(Look({}), -1).files.values())


def test_what_is_held_though_deleted_counts_as_seen(holder, tmp_path, monkeypatch):
    """It is told by its holder, and others can be named beside it."""
    process, path = holder
    write(tmp_path / "small", 1)
    here = used_by(tmp_path)
    found = deleted_files(Look({}), tmp_path.stat().st_dev)
    others = {inode for inode, one in found.files.items() if one.pid != process.pid}
    for inode in others:
        del found.files[inode]
    monkeypatch.setattr(disk_space, "the_mount", lambda _: place(tmp_path))
    monkeypatch.setattr(disk_space, "deleted_files", lambda *_: found)
    used = here + 3 * MB
    monkeypatch.setattr(Place, "usage", lambda _: Usage(used + 9 * MB, 9 * MB, 8 * MB, 0, 0))
    told = list(disk_space.room(Look({})))
    assert facts(told, "deleted_open_bytes") == {(): 3 * MB}
    assert facts(told, "deleted_file_bytes") == {
        (found.files.popitem()[1].process, str(process.pid), str(path)): 3 * MB
    }
    assert facts(told, "bytes_seen_ratio") == {(): 1.0}
    assert list(facts(told, "path_bytes")) == [(f"{tmp_path}/small",)]
    assert facts(told, "reserved_bytes") == {(): MB}


def test_processes_of_others_are_counted_when_they_may_not_be_asked(as_nobody):
    """Without rights their open files are unknown, and the sum is "at least"."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to have others' processes beside one's own for certain")
    found = as_nobody(lambda: deleted_files(Look({}), 1).denied)
    assert found >= 1  # this very process


def test_journal_and_package_caches_count_only_on_their_own_file_system(scripted, monkeypatch):
    """Clearing them elsewhere frees nothing here."""
    look = scripted()
    write(look.path("/var/log/journal/abc/system.journal"), 2)
    write(look.path("/var/cache/apt/archives/one.deb"), 1)
    monkeypatch.setattr(disk_space, "the_mount", lambda _: place(look.root))
    told = list(disk_space.clearable(look))
    assert 2 * MB <= facts(told, "journal_bytes")[()] < 2.1 * MB
    assert MB <= facts(told, "package_cache_bytes")[()] < 1.1 * MB
    monkeypatch.setattr(disk_space, "the_mount", lambda _: place("/proc"))
    told = list(disk_space.clearable(look))
    assert facts(told, "journal_bytes") == facts(told, "package_cache_bytes") == {(): 0.0}


def test_the_file_system_is_found_by_what_its_subject_calls_it(scripted):
    """The path is the kernel's own, however the name had to be made harmless."""
    look = scripted({"mountpoint": r"/srv/two\nlines"}).write("/proc/1/mountinfo", MOUNTINFO)
    look.write("/proc/self/mountinfo", MOUNTINFO.replace(" / /srv", f" / {look.root}/srv"))
    found = the_mount(look)
    assert (found.path, found.mount.device) == (f"{look.root}/srv/two\nlines", "/dev/sda2")
    assert found.inner == {str(look.root), f"{look.root}/mnt"}


@pytest.mark.parametrize(
    ("mountpoint", "reason"), [("/gone", "nothing is mounted at /gone"), ("/mnt", "sandbox hides")]
)
def test_one_that_is_gone_or_hidden_is_said(scripted, mountpoint, reason):
    """It is not looked for elsewhere."""
    look = scripted({"mountpoint": mountpoint}).write("/proc/1/mountinfo", MOUNTINFO).write("/proc/self/mountinfo", "")
    with pytest.raises(CollectorError, match=reason):
        the_mount(look)
