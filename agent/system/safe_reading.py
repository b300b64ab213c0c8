"""Reads the end of a named file below a folder, whoever else may write there, with little memory.

In a log folder others can put a symbolic link to a secret, a second name of one, a pipe that blocks for ever, or swap a folder
while we walk. So the kernel is asked to resolve the name without links and not above the folder (openat2, Linux 5.6; else part
by part with O_NOFOLLOW), and what was opened is looked at before it is read.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

MOST = 8 << 20  # bytes read from the end of one file when nothing else is said
_CHUNK = 1 << 16
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0)
_OPENAT2 = 437  # the same number on every architecture of Linux that we know but alpha
_RESOLVE = 0x08 | 0x04 | 0x02  # RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Refused(Exception):
    """The file is not read. The message names it as it was asked for and says why, in plain words."""


class NamedFile:
    """A regular file with one name, opened below its folder; made by `open_below`.

    size: bytes it had when it was opened. skipped: bytes at its beginning that are not read.
    notes: what the reader of the lines must know, complete once they are read.
    """

    def __init__(self, folder: int, name: str, descriptor: int, size: int, most: int) -> None:
        """Read at most the last `most` bytes."""
        self._folder, self._name, self._descriptor = folder, name, descriptor
        self.size = size
        self.skipped = max(0, size - most)
        self.notes: list[str] = []

    def lines(self, longest: int) -> Iterator[bytes]:
        """Yield the whole lines, without line breaks, that were there when the file was opened.

        Of a line of more than `longest` bytes only the first `longest` + 2 are given, so that whoever holds to that limit sees
        that it is longer. Half lines are left out: the first when the beginning is skipped, the last when no line break ends it.
        """
        line, started = bytearray(), self.skipped == 0
        room = longest + 2
        for chunk in self._chunks():
            *whole, rest = chunk.split(b"\n")
            for part in whole:
                line += part[: room - len(line)]
                if started:
                    yield bytes(line)
                line.clear()
                started = True
            line += rest[: room - len(line)]
        if self.skipped:
            self.notes.append(f"only the last {self.size - self.skipped} of {self.size} bytes were read")
        if line and started:
            self.notes.append("the last line was not finished and is left out")
        self.notes += self._changes()

    def _chunks(self) -> Iterator[bytes]:
        at = self.skipped
        while at < self.size:
            chunk = os.pread(self._descriptor, min(_CHUNK, self.size - at), at)
            if not chunk:
                return  # it was cut off meanwhile; `_changes` says so
            at += len(chunk)
            yield chunk

    def _changes(self) -> Iterator[str]:
        """Yield what happened to the file while it was read."""
        now = os.fstat(self._descriptor)
        if now.st_size < self.size:
            yield f"it was truncated while it was read, from {self.size} to {now.st_size} bytes"
        try:
            other = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except OSError:
            yield "it was removed or renamed while it was read"
            return
        if (other.st_dev, other.st_ino) != (now.st_dev, now.st_ino):
            yield "it was rotated while it was read; these are the lines of the old file"


@contextlib.contextmanager
def open_below(folder: Path, name: str, most: int = MOST) -> Iterator[NamedFile]:
    """Open the regular file `name` below `folder` for reading its last `most` bytes, and close it in the end.

    `name` is relative, its parts parted by `/`. Raises Refused for anything but a regular file with one name that is reached
    without links, and when it is missing or not permitted.
    """
    _check(name)
    if os.open not in os.supports_dir_fd:  # pragma: no cover - Windows
        raise Refused(f"{name}: this system cannot open files below a folder safely")
    with contextlib.ExitStack() as stack:
        try:
            top = os.open(folder, _FOLDER)
        except OSError as error:
            raise Refused(f"{folder}: {error.strerror}") from error
        stack.callback(os.close, top)
        descriptor = _open(top, name)
        stack.callback(os.close, descriptor)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = next((words for fits, words in _KINDS if fits(found.st_mode)), "not a regular file")
            raise Refused(f"{name}: is {kind}, and only regular files are read")
        if found.st_nlink != 1:
            raise Refused(f"{name}: has {found.st_nlink} names (hard links), and may be a file from elsewhere")
        yield NamedFile(top, name, descriptor, found.st_size, most)


def _check(name: str) -> None:
    if name.startswith("/"):
        raise Refused(f"{name}: is an absolute path; name it as it is called below its folder")
    if "\0" in name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise Refused(f"{name!r}: is no plain path below its folder")


def _open(folder: int, name: str) -> int:
    try:
        try:
            return _openat2(folder, name)
        except NotImplementedError:
            return _walk(folder, name)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EXDEV}:
            raise Refused(f"{name}: is reached by a symbolic link, and links are not followed") from error
        if error.errno == errno.ENOTDIR:
            raise Refused(f"{name}: one of its folders is a symbolic link or no folder") from error
        raise Refused(f"{name}: {error.strerror}") from error


class _OpenHow(ctypes.Structure):
    """The kernel's `struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def _openat2(folder: int, name: str) -> int:
    """Have the kernel resolve the whole name. Raises OSError, and NotImplementedError where there is no such call."""
    if sys.platform != "linux":
        raise NotImplementedError
    how = _OpenHow(flags=_FLAGS, mode=0, resolve=_RESOLVE)
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    descriptor = call(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(folder),
        ctypes.c_char_p(os.fsencode(name)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor >= 0:
        return int(descriptor)
    number = ctypes.get_errno()
    # Filters of old container engines answer EPERM to calls that they do not know; the walk finds out what is permitted.
    if number in {errno.ENOSYS, errno.EPERM}:
        raise NotImplementedError
    raise OSError(number, os.strerror(number))


def _walk(folder: int, name: str) -> int:
    """Open part by part, none of them by a link. Raises OSError."""
    *folders, last = name.split("/")
    with contextlib.ExitStack() as stack:
        at = folder
        for part in folders:
            at = os.open(part, _FOLDER | _NOFOLLOW, dir_fd=at)
            stack.callback(os.close, at)
        return os.open(last, _FLAGS | _NOFOLLOW, dir_fd=at)
