"""Walking a tree: each thing once, nothing beyond it, whatever its names, and whatever happens meanwhile."""

import os
import subprocess
from itertools import count
from pathlib import Path

import pytest

from agent.diagnosis import _tree
from agent.diagnosis._tree import walk

AGES_AGO = 0.0


def size(status):
    """Return bytes, as `disk_space` adds them up."""
    return status.st_blocks * 512


def one(_status):
    """Return one each, as `disk_inodes` adds them up."""
    return 1


def walked(top, measure=one, **more):
    """Walk with all the time there is."""
    return walk(str(top), measure, **{"floor": 1, "changed_after": AGES_AGO, "time_left": lambda: 1.0, **more})


def test_it_adds_up_what_du_adds_up(tmp_path):
    """Blocks, directories' own included, a file with two names once."""
    for number in range(30):
        folder = tmp_path / f"{number % 3}" / f"{number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file-{number}").write_bytes(b"x" * 5000 * number)
    os.link(tmp_path / "0/0/file-15", tmp_path / "1/also")
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 10 << 30)
    told = subprocess.run(["du", "-s", "-B1", tmp_path], capture_output=True, text=True, check=True).stdout
    tree = walked(tmp_path, size)
    assert tree.total == int(told.split()[0])
    assert tree.whole


def test_no_link_is_followed(tmp_path):
    """Neither out of the tree nor round in it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").touch()
    top = tmp_path / "top"
    top.mkdir()
    (top / "out").symlink_to(tmp_path / "elsewhere")
    (top / "round").symlink_to(top)
    tree = walked(top)
    assert tree.amounts == {str(top): 3, f"{top}/out": 1, f"{top}/round": 1}
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        walked(top / "out")


def test_a_directory_exchanged_for_a_link_leads_nowhere(tmp_path, monkeypatch):
    """Between the look at it and the way into it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").touch()
    (tmp_path / "top/inside").mkdir(parents=True)
    opened = os.open

    def exchange(path, flags, **more):
        if path == "inside":
            (tmp_path / "top/inside").rmdir()
            (tmp_path / "top/inside").symlink_to(tmp_path / "secret")
        return opened(path, flags, **more)

    monkeypatch.setattr(_tree.os, "open", exchange)
    assert walked(tmp_path / "top").amounts == {f"{tmp_path}/top": 1}


def test_what_is_mounted_inside_is_not_even_looked_at(tmp_path):
    """It has room of its own, and may never answer."""
    (tmp_path / "nas/deep").mkdir(parents=True)
    assert walked(tmp_path, leave_out={f"{tmp_path}/nas"}).total == 1


def test_another_file_system_is_left_out():
    """Though nobody said that it is one."""
    if not Path("/dev/shm").is_mount():
        pytest.skip("/dev/shm is no file system of its own here")
    tree = walked("/dev")
    assert not any(path.startswith("/dev/shm") for path in tree.amounts)


def test_hostile_names_are_names(tmp_path):
    """Bytes that are no text, many lines, reversed text."""
    names = [b"\xff\xfe", b"two\nlines", "\u202egnp.exe".encode(), b" ", b"-rf"]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    tree = walked(tmp_path)
    assert tree.total == 1 + len(names)
    assert {os.fsencode(path).rpartition(b"/")[2] for path in tree.amounts} >= set(names)


def test_what_vanishes_meanwhile_takes_no_room(tmp_path, monkeypatch):
    """A file between its name and its size, a directory before its door."""
    for name in "abc":
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    looked, opened = os.stat, os.open

    def vanishing(path, **more):
        if path == "b":
            (tmp_path / "b").unlink()
        return looked(path, **more)

    def closing(path, flags, **more):
        if path == "folder":
            (tmp_path / "folder").rmdir()
        return opened(path, flags, **more)

    monkeypatch.setattr(_tree.os, "stat", vanishing)
    monkeypatch.setattr(_tree.os, "open", closing)
    tree = walked(tmp_path)
    assert (tree.total, tree.whole) == (3, True)


def test_directories_without_permission_are_counted_and_named(open_folder, as_nobody):
    """One that may not be listed, and one that may not be looked into."""
    for name, mode in (("closed", 0o000), ("listed", 0o444), ("open", 0o755)):
        (open_folder / name).mkdir()
        (open_folder / name / "file").touch()
        (open_folder / name / "other").touch()
        (open_folder / name).chmod(mode)
    tree = as_nobody(lambda: walked(open_folder))
    assert (tree.total, tree.whole, tree.denied) == (
        6,
        False,
        2,
    )  # four directories, and the two files that may be seen
    assert sorted(tree.denied_paths) == [f"{open_folder}/closed", f"{open_folder}/listed"]


def test_it_stops_when_its_time_is_over(tmp_path):
    """And tells what it has by then, as at least so much."""
    for number in range(100):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/file").touch()
    steps = count()
    tree = walked(tmp_path, time_left=lambda: 50.0 - next(steps))
    assert not tree.finished
    assert 10 < tree.total < 60
    assert tree.amounts[str(tmp_path)] == tree.total


def test_it_goes_down_only_so_far_and_says_so(tmp_path, monkeypatch):
    """A tree as deep as somebody cares to make it costs neither memory nor descriptors."""
    monkeypatch.setattr(_tree, "DEEPEST", 20)
    here = os.open(tmp_path, os.O_DIRECTORY)
    for _ in range(60):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    tree = walked(tmp_path)
    assert (tree.deeper, tree.whole) == (1, False)
    assert tree.total == 21


def test_paths_that_no_program_could_be_given_are_not_kept(tmp_path, monkeypatch):
    """They count in those above them."""
    monkeypatch.setattr(_tree, "LONGEST_PATH", len(str(tmp_path)) + 4)
    (tmp_path / "a/long").mkdir(parents=True)
    assert walked(tmp_path).amounts == {str(tmp_path): 3, f"{tmp_path}/a": 2}


def test_few_paths_are_kept_of_many(tmp_path, monkeypatch):
    """The large ones; the total is of all."""
    monkeypatch.setattr(_tree, "MOST_PATHS", 10)
    for number in range(64):
        (tmp_path / f"{number}").write_bytes(b"x" * 4096 * number)
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    tree = walked(tmp_path, size)
    assert len(tree.amounts) <= 10
    assert {str(tmp_path), f"{tmp_path}/large"} <= tree.amounts.keys()
    assert tree.floor > 1
    assert tree.total == walked(tmp_path, size, floor=1 << 40).total


def test_only_so_many_names_of_one_file_are_told_apart(tmp_path, monkeypatch):
    """Those beyond are left out and counted, so that the sum stays "at least"."""
    monkeypatch.setattr(_tree, "MOST_LINKED", 2)
    for number in range(4):
        (tmp_path / f"{number}").touch()
        os.link(tmp_path / f"{number}", tmp_path / f"{number}-again")
    tree = walked(tmp_path)
    assert (tree.total, tree.unlisted_links, tree.whole) == (3, 4, False)


def test_what_changed_lately_is_told_apart(tmp_path):
    """By when it was written."""
    (tmp_path / "old").write_bytes(b"x" * 8192)
    (tmp_path / "new").write_bytes(b"x" * 4096)
    os.utime(tmp_path / "old", (1000, 1000))
    tree = walked(tmp_path, size, changed_after=2000.0)
    assert tree.changed[f"{tmp_path}/old"] == 0
    assert tree.changed[str(tmp_path)] == tree.changed[f"{tmp_path}/new"] == tree.amounts[f"{tmp_path}/new"]


def test_a_damaged_directory_is_said(tmp_path, monkeypatch):
    """What a failing disk does to one entry leaves the others."""
    for name in ("a", "b"):
        (tmp_path / name).touch()
    looked = os.stat

    def failing(path, **more):
        if path == "a":
            raise OSError(5, "Input/output error")
        return looked(path, **more)

    monkeypatch.setattr(_tree.os, "stat", failing)
    tree = walked(tmp_path)
    assert (tree.total, tree.damaged, tree.whole) == (2, 1, False)


def test_no_descriptor_stays_open(tmp_path):
    """Finished or stopped."""
    (tmp_path / "a/b/c").mkdir(parents=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    walked(tmp_path)
    walked(tmp_path, time_left=lambda: 0.0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
