"""Named files below a folder: what is refused, and that the rest is read with little memory."""

from __future__ import annotations

import os
import socket
import tracemalloc

import pytest

from agent.system import safe_reading
from agent.system.safe_reading import Refused, open_below

LONGEST = 1000


@pytest.fixture(params=["openat2", "walk"], autouse=True)
def way(request, monkeypatch):
    """Open by the kernel's own resolving, and part by part where it has none."""
    if request.param == "walk":
        monkeypatch.setattr(safe_reading, "_openat2", lambda *_: (_ for _ in ()).throw(NotImplementedError))
    return request.param


def read(folder, name, **options):
    """Return the lines and the notes."""
    with open_below(folder, name, **options) as file:
        return list(file.lines(LONGEST)), file.notes


@pytest.fixture
def logs(tmp_path):
    """Return a log folder, with a secret outside of it."""
    (tmp_path / "secret").write_text("hunter2\n")
    folder = tmp_path / "log"
    (folder / "apt").mkdir(parents=True)
    (folder / "apt" / "history.log").write_text("one\ntwo\n")
    return folder


def test_the_kernel_is_asked_where_it_can_be(logs, way):
    """On Linux from 5.6 on; where it cannot, the tests of both ways are of one."""
    if way == "walk":
        pytest.skip("about the other way")
    folder = os.open(logs, os.O_RDONLY)
    try:
        os.close(safe_reading._openat2(folder, "apt/history.log"))
    except NotImplementedError:
        pytest.skip("this kernel or its filter has no openat2")
    finally:
        os.close(folder)


def test_a_file_is_read_line_by_line(logs):
    """Whole, when it is small; nothing is to be noted."""
    assert read(logs, "apt/history.log") == ([b"one", b"two"], [])


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "apt/../../secret", "", "apt//history.log", "./x", "a\0b"]
)
def test_a_name_that_is_no_plain_path_is_refused(logs, name):
    """Before anything is opened."""
    with pytest.raises(Refused, match=r"absolute path|no plain path"):
        read(logs, name)


def test_a_symbolic_link_is_refused(logs):
    """At the end of the name and in the middle of it, also one that stays below."""
    (logs / "link").symlink_to("../secret")
    (logs / "inside").symlink_to("apt/history.log")
    (logs / "folder").symlink_to("apt")
    for name in ("link", "inside", "folder/history.log"):
        with pytest.raises(Refused, match="symbolic link"):
            read(logs, name)


def test_a_second_name_of_a_file_is_refused(logs):
    """A hard link may be a file from elsewhere."""
    os.link(logs.parent / "secret", logs / "hard")
    with pytest.raises(Refused, match="hard: has 2 names"):
        read(logs, "hard")


def test_what_is_no_regular_file_is_refused_at_once(logs):
    """A pipe without a writer must not hold us."""
    os.mkfifo(logs / "pipe")
    with pytest.raises(Refused, match="is a pipe"):
        read(logs, "pipe")
    with pytest.raises(Refused, match="is a folder"):
        read(logs, "apt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(logs / "s"))
        with pytest.raises(Refused, match="No such device or address"):
            read(logs, "s")


def test_a_device_is_refused(logs):
    """Reading one may never end."""
    try:
        os.mknod(logs / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("needs root to make a device")
    with pytest.raises(Refused, match=r"is a device|Permission denied"):
        read(logs, "zero")


def test_what_is_missing_or_not_permitted_is_said(logs):
    """With the name as it was asked for."""
    with pytest.raises(Refused, match=r"nothing\.log: No such file or directory"):
        read(logs, "nothing.log")
    with pytest.raises(Refused, match="No such file or directory"):
        read(logs / "nowhere", "x")


def test_of_a_long_file_the_end_is_read(logs):
    """Half lines at its beginning are left out, and how much was read is noted."""
    (logs / "long").write_text("first line\nsecond line\nthird line\n")
    lines, notes = read(logs, "long", most=15)
    assert lines == [b"third line"]
    assert notes == ["only the last 15 of 34 bytes were read"]


def test_a_line_that_is_still_being_written_is_left_out(logs):
    """It could end in half a secret."""
    (logs / "growing").write_bytes(b"whole\npassw")
    assert read(logs, "growing") == ([b"whole"], ["the last line was not finished and is left out"])


def test_what_is_written_meanwhile_is_not_chased(logs):
    """Reading ends where the file ended when it was opened."""
    with open_below(logs, "apt/history.log") as file:
        with (logs / "apt/history.log").open("a") as writer:
            writer.write("three\n")
        assert list(file.lines(LONGEST)) == [b"one", b"two"]


def test_a_rotated_file_is_read_to_its_end_and_told(logs):
    """The lines are those of the file that was opened."""
    with open_below(logs, "apt/history.log") as file:
        (logs / "apt/history.log").rename(logs / "apt/history.log.1")
        (logs / "apt/history.log").write_text("new\n")
        assert list(file.lines(LONGEST)) == [b"one", b"two"]
        assert file.notes == ["it was rotated while it was read; these are the lines of the old file"]


def test_a_removed_file_is_told(logs):
    """It can be read as long as it is open."""
    with open_below(logs, "apt/history.log") as file:
        (logs / "apt/history.log").unlink()
        assert list(file.lines(LONGEST)) == [b"one", b"two"]
        assert file.notes == ["it was removed or renamed while it was read"]


def test_a_truncated_file_is_told(logs):
    """What is no longer there is not made up."""
    (logs / "cut").write_text("line\n" * 100_000)
    with open_below(logs, "cut") as file:
        lines = file.lines(LONGEST)
        assert next(lines) == b"line"
        os.truncate(logs / "cut", 0)
        assert set(lines) <= {b"line"}
        assert file.notes[-1] == "it was truncated while it was read, from 500000 to 0 bytes"


def test_a_folder_swapped_for_a_link_is_not_followed(logs, tmp_path):
    """The name is resolved when it is opened, by nothing but folders."""
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "history.log").write_text("hunter2\n")
    (logs / "apt").rename(logs / "apt.old")
    (logs / "apt").symlink_to(evil)
    with pytest.raises(Refused):
        read(logs, "apt/history.log")


@pytest.mark.parametrize("size", [1 << 30, 1 << 40], ids=["a line of 1 GB", "a sparse file of 1 TB"])
def test_a_huge_file_is_read_with_little_memory(logs, size):
    """A line without end comes cut, one byte more than anybody wants; of a sparse file only the end is read."""
    (logs / "huge").touch()
    os.truncate(logs / "huge", size)
    with (logs / "huge").open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"\nend\n")
    most = (1 << 30) + 5 if size == 1 << 30 else 1 << 20
    tracemalloc.start()
    try:
        with open_below(logs, "huge", most=most) as file:
            lengths = [len(line) for line in file.lines(LONGEST)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lengths == ([LONGEST + 2, 3] if size == 1 << 30 else [3])
    assert peak < 1 << 20
