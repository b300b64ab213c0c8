"""How full one file system is: asked in this process where that is safe, through a child where it may never answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from collectors._plugin import CollectorContext, CollectorError

SILENT_IN_ONE_RUN = 2
LONGEST_PAUSE = 64  # runs
_ORDER = "%S %b %f %a %c %d"  # fragment size, blocks, free, available to users, inodes, free inodes
_STATVFS = (
    "import os, sys; s = os.statvfs(sys.argv[1]); "
    "print(s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree)"
)
_DISK_USAGE = "import shutil, sys; u = shutil.disk_usage(sys.argv[1]); print(1, u.total, u.free, u.free, 0, 0)"


class Usage(msgspec.Struct, frozen=True):
    """Room in one file system, in bytes; `files` are inodes, 0 where the file system has no fixed number of them.

    free: left to root. available: left to everybody else, and what programs run out of.
    """

    size: int
    free: int
    available: int
    files: int
    files_free: int


def usage_here(path: Path) -> Usage:
    """Return the usage of the file system at `path`. Raise OSError. Never call it for one that may hang."""
    if not hasattr(os, "statvfs"):
        room = shutil.disk_usage(path)
        return Usage(room.total, room.free, room.free, 0, 0)
    got = os.statvfs(path)
    return _usage((got.f_frsize, got.f_blocks, got.f_bfree, got.f_bavail, got.f_files, got.f_ffree))


class Asker:
    """Asks file systems that may never answer: through a child, one at a time, and with patience for the silent ones.

    A mount that gave no answer is left alone for 1, 2, 4, ... up to 64 runs, since its child may be stuck in the kernel for
    as long as the mount is. After two without an answer the rest waits for the next run, so that one dead server
    does not use up the collector's deadline.
    """

    def __init__(self, context: CollectorContext, timeout: float) -> None:
        self._context = context
        self._timeout = timeout
        self._silences: dict[Path, int] = {}
        self._pauses: dict[Path, int] = {}
        self._unanswered = 0

    def start_run(self) -> None:
        """Begin a new run of the collector."""
        self._unanswered = 0
        self._pauses = {path: runs - 1 for path, runs in self._pauses.items() if runs > 1}

    def usage(self, path: Path) -> Usage:
        """Return the usage of the file system at `path`. Raise CollectorError when it gave no answer or was not asked."""
        if path in self._pauses:
            raise CollectorError("gave no answer lately; asked again in a few runs. Is its server reachable?")
        if self._unanswered >= SILENT_IN_ONE_RUN:
            raise CollectorError("not asked in this run: other mounts gave no answer")
        try:
            answer = self._context.run(_question(path), timeout=self._timeout)
        except CollectorError:
            self._unanswered += 1
            self._silences[path] = self._silences.get(path, 0) + 1
            self._pauses[path] = 1 + min(2 ** (self._silences[path] - 1), LONGEST_PAUSE)
            raise
        self._silences.pop(path, None)
        if answer.status != 0:
            raise CollectorError(answer.errors.strip() or f"asking for its usage failed with status {answer.status}")
        return _parse_answer(answer.output)


def _parse_answer(output: str) -> Usage:
    numbers = output.split()
    if len(numbers) != len(_ORDER.split()) or not all(number.isdecimal() for number in numbers):
        raise CollectorError(f"asking for its usage gave {output[:80]!r} instead of six numbers")
    return _usage(map(int, numbers))


def _question(path: Path) -> list[str]:
    # stat(1) of coreutils or busybox costs a tenth of an interpreter's start; every Linux has one of them.
    for program in ("/usr/bin/stat", "/bin/stat"):
        if sys.platform == "linux" and Path(program).exists():
            return [program, "-f", "-c", _ORDER, "--", str(path)]
    code = _STATVFS if hasattr(os, "statvfs") else _DISK_USAGE
    return [sys.executable, "-I", "-S", "-c", code, str(path)]


def _usage(numbers: Iterable[int]) -> Usage:
    block, blocks, free, available, files, files_free = numbers
    return Usage(block * blocks, block * free, block * available, files, files_free)
