"""How full one file system is: asked in this process where that is safe, through a child where it may never answer."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from collectors._plugin import CollectorContext, CollectorError, StillRunning

SILENT_IN_ONE_RUN = 2
LONGEST_PAUSE = 8  # runs
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


class DoesNotAnswer(CollectorError):
    """The file system is mounted, and does not do what it is for: it is silent, or says that what is behind it is gone."""


class Asker:
    """Asks file systems that may never answer: through a child, one at a time, and with patience for the silent ones.

    A mount whose child is stuck in the kernel is not asked again before that child has ended. One that gave no answer otherwise
    is left alone for 1, 2, 4 and then 8 runs. After two without an answer the rest waits for the next run, so that one dead
    server does not use up the collector's deadline.
    """

    def __init__(self, context: CollectorContext, timeout: float) -> None:
        self._context = context
        self._timeout = timeout
        self._outstanding: dict[Path, StillRunning] = {}
        self._silences: dict[Path, int] = {}
        self._pauses: dict[Path, int] = {}
        self._unanswered = 0

    def start_run(self) -> None:
        """Begin a new run of the collector."""
        self._unanswered = 0
        self._pauses = {path: runs - 1 for path, runs in self._pauses.items() if runs > 1}
        self._outstanding = {path: child for path, child in self._outstanding.items() if not child.is_over()}

    def usage(self, path: Path) -> Usage:
        """Return the usage of the file system at `path`.

        Raise DoesNotAnswer, and CollectorError when it was not asked or the agent may not ask it.
        """
        if path in self._outstanding:
            raise DoesNotAnswer(
                "does not answer; not asked again while the last question hangs. Is its server reachable?"
            )
        if path in self._pauses:
            raise DoesNotAnswer("gave no answer lately; asked again in a few runs. Is its server reachable?")
        if self._unanswered >= SILENT_IN_ONE_RUN:
            raise CollectorError("not asked in this run: other mounts gave no answer")
        try:
            answer = self._context.run(_question(path), timeout=self._timeout)
        except CollectorError as error:
            self._unanswered += 1
            if isinstance(error, StillRunning):
                self._outstanding[path] = error
            else:
                self._silences[path] = self._silences.get(path, 0) + 1
                self._pauses[path] = 1 + min(2 ** (self._silences[path] - 1), LONGEST_PAUSE)
            raise DoesNotAnswer(str(error)) from error
        self._silences.pop(path, None)
        if answer.status != 0:
            said = answer.errors.strip() or f"asking for its usage failed with status {answer.status}"
            # A user's FUSE mount is closed to everybody else: that says nothing about how it is.
            raise CollectorError(said) if os.strerror(errno.EACCES) in said else DoesNotAnswer(said)
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
