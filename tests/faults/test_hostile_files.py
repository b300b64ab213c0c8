"""Whole bundles of log files that somebody made to harm: refused or capped, and the child stays small whatever they are."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.bundle import Built, Request
from agent.configuration.config import ConfigFile
from agent.following.model import Case
from memory_limit import limited

pytestmark = pytest.mark.faults

AT = 1_795_600_800.0
MEGABYTE = 1 << 20
# What the child and all that it starts may have. Measured: docs/bundles.md.
LIMIT = 64 * MEGABYTE
SECRET = b"the-secret-of-somebody-else"
LINE = b"2026-11-24 00:44:01 status installed nginx:amd64 1.18.0-6\n"
REFUSED = {
    "symlink": "is reached by a symbolic link",
    "linked-folder": "is reached by a symbolic link",
    "hard-link": "has 2 names (hard links)",
    "pipe": "is a pipe",
    "device": "is a device",
    "outside": "is no plain path below its folder",
    "absolute": "is an absolute path",
}


class Hostile:
    """A log folder in which others wrote, and the bundle that is made of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder / "log", folder / "state"
        self.target = folder / "bundle.tar.gz"
        self.folder.mkdir()
        self.state.mkdir(0o700)
        self.config = folder / "foretell.toml"
        self._table = folder / "sources.toml"
        self.config.write_text(f'[bundle]\nsources = ["{self._table}"]\n')
        self._sources: dict[str, str] = {}
        self.peak = 0

    def source(self, name: str, file: str | None = None) -> Path:
        """Name a source, and return where its file is to be."""
        file = f"{name}.log" if file is None else file
        self._sources[name] = (
            f'kind = "file"\nfolder = "{self.folder}"\nfile = "{file}"\nlines = 20000\nbytes = 8000000\n'
        )
        return self.folder / file

    def bundle(self, meanwhile: tuple[Path, Callable[[], None]] | None = None) -> tuple[Built, dict[str, bytes]]:
        """Build it under the limit; return what the child says, and the files.

        meanwhile: a file, and what happens once it is open.
        """
        self._table.write_text(self._toml())
        asked = msgspec.json.encode(self._request())
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        argv = [sys.executable, "-P", "-B", "-m", "agent.bundle"]
        with limited(LIMIT) as group, subprocess.Popen([*group.before, *argv], cwd="/", **pipes) as child:
            child.stdin.write(asked)
            child.stdin.close()
            if meanwhile is not None:
                path, happens = meanwhile
                _until_open(child.pid, path)
                happens()
            while child.poll() is None:  # what it says fits into a pipe
                self.peak = _high_water(child.pid) or self.peak
                time.sleep(0.01)
            said, errors = child.stdout.read(), child.stderr.read()
            assert child.returncode == 0, errors.decode()
            assert group.killed == 0
        with tarfile.open(fileobj=io.BytesIO(self.target.read_bytes())) as archive:
            return msgspec.json.decode(said, type=Built), {
                one.name: archive.extractfile(one).read() for one in archive.getmembers()
            }

    def _toml(self) -> str:
        shipped = ("diagnosis", "services", "mounts", "load", "software", "packages", "unit-journal", "kernel-journal")
        off = (*shipped, "system-journal", "dpkg-log", "apt-history", "measured", "case")
        text = [f'[sources.{name}]\nkind = "case"\nsummary = "x"\nenabled = false\n' for name in off]
        text += [f'[sources.{name}]\nsummary = "x"\nlayout = "dpkg"\n{rest}' for name, rest in self._sources.items()]
        return "".join(text)

    def _request(self) -> Request:
        case = Case(key="a" * 64, rule="disk_space", subject={}, first_seen=AT, last_seen=AT, changed_at=AT)
        return Request(
            case=case,
            level="logs",
            at=AT,
            since=AT - 7200,
            diagnosis="generic",
            config=ConfigFile(str(self.config), self.config.read_text()),
            state_dir=str(self.state),
            host="h1",
            names=("web01",),
            case_lines=[],
            measured=[],
            target=str(self.target),
            largest=5_000_000,
        )


def _high_water(pid: int) -> int:
    """Return the most memory that the process had resident so far, in bytes; 0 when it has ended."""
    match = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _until_open(pid: int, path: Path) -> None:
    """Wait until the process has the file open."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for one in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if one.readlink() == path:
                    return
            except FileNotFoundError:
                continue
        time.sleep(0.001)
    raise AssertionError(f"{path} was never opened")


@pytest.fixture
def hostile(tmp_path, record_property):
    """A folder with nothing in it yet; the report (`--junitxml`) says what the child took at most."""
    hostile = Hostile(tmp_path)
    yield hostile
    record_property("peak memory of the child, MB", round(hostile.peak / 1e6, 1))
    assert 0 < hostile.peak < LIMIT


def test_what_is_no_plain_file_of_the_folder_is_refused(hostile, tmp_path):
    """By name, in the manifest; no byte of what they lead to is in the archive, and nobody waits for a pipe."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.log").write_bytes(LINE.replace(b"nginx", SECRET))
    hostile.source("symlink").symlink_to(elsewhere / "secret.log")
    (hostile.folder / "linked").symlink_to(elsewhere)
    hostile.source("linked-folder", "linked/secret.log")
    (elsewhere / "other.log").write_bytes(LINE.replace(b"nginx", SECRET))
    os.link(elsewhere / "other.log", hostile.source("hard-link"))
    os.mkfifo(hostile.source("pipe"))
    os.mknod(hostile.source("device"), 0o600 | 0o020000, os.makedev(1, 9))  # /dev/urandom never ends
    hostile.source("outside", "../elsewhere/secret.log")
    hostile.source("absolute", str(elsewhere / "secret.log"))
    hostile.source("plain").write_bytes(LINE)
    built, files = hostile.bundle()
    left_out = {one.source: one.why for one in built.manifest.left_out}
    assert left_out.keys() == REFUSED.keys()
    for name, why in REFUSED.items():
        assert why in left_out[name], name
    assert files["plain.txt"].strip() == LINE.strip()
    assert SECRET not in b"".join(files.values())


@pytest.mark.parametrize("what", ["sparse", "one_line", "no_end", "zeros"])
def test_what_is_too_large_is_capped(hostile, what):
    """A sparse file of a terabyte, a line of a gigabyte, one that never ends: their end is read, or nothing."""
    file = hostile.source("large")
    with file.open("wb") as log:
        if what == "sparse":
            os.truncate(file, 1 << 40)
            log.seek(1 << 40)
            log.write(b"\n" + LINE)
        elif what == "zeros":
            os.truncate(file, 1 << 30)
        else:
            for _ in range(1024):
                log.write(b"x" * MEGABYTE)
            log.write(b"\n" + LINE if what == "one_line" else b"")
    built, files = hostile.bundle()
    [entry] = built.manifest.files
    assert any(note.startswith("only the last 8000000 of") or "not finished" in note for note in entry.notes), entry
    assert files["large.txt"] == (LINE if what in {"sparse", "one_line"} else b"")


@pytest.mark.parametrize("what", ["truncated", "rotated", "removed", "replaced by a link"])
def test_what_happens_to_a_file_while_it_is_read_is_said(hostile, tmp_path, what):
    """The lines are those of the file that was opened, never of what stands in its place now."""
    file = hostile.source("busy")
    file.write_bytes(LINE * 4_000)
    secret = tmp_path / "secret"
    secret.write_bytes(LINE.replace(b"nginx", SECRET) * 4_000)

    def happens() -> None:
        if what == "truncated":
            os.truncate(file, 0)
        elif what == "removed":
            file.unlink()
        else:
            file.rename(file.with_suffix(".1"))
            if what == "rotated":
                file.write_bytes(LINE.replace(b"nginx", b"other"))
            else:
                file.symlink_to(secret)

    built, files = hostile.bundle((file, happens))
    [entry] = built.manifest.files
    word = {"truncated": "truncated", "removed": "removed"}.get(what, "rotated")
    assert any(word in note for note in entry.notes), entry.notes
    assert set(files["busy.txt"].splitlines()) <= {LINE.strip()}
