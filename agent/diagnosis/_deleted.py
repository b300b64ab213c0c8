"""Files that have no name any more and still take room, because a process holds them open (Linux)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.diagnosis._look import Look

_MARK = " (deleted)"  # proc_pid_fd(5)


class DeletedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One such file: the room it takes, what it was called, and the first process found to hold it."""

    size: int
    was: str
    process: str
    pid: int


class DeletedFiles(msgspec.Struct):
    """Those that were found, and how many processes did not let themselves be looked into."""

    files: dict[int, DeletedFile]
    denied: int = 0


def deleted_files(look: Look, device: int) -> DeletedFiles:
    """Look through every process's open files for deleted ones on the file system with this device number."""
    found = DeletedFiles({})
    for pid in _pids(look):
        try:
            descriptors = list(look.path(f"/proc/{pid}/fd").iterdir())
        except PermissionError:
            found.denied += not _is_kernel_thread(look, pid)
            continue
        except OSError:  # it ended
            continue
        for descriptor in descriptors:
            file = _deleted_file(descriptor, device)
            if file:
                inode, size, was = file
                found.files.setdefault(inode, DeletedFile(size=size, was=was, process=_name(look, pid), pid=pid))
    return found


def _deleted_file(descriptor: Path, device: int) -> tuple[int, int, str] | None:
    try:
        target = str(descriptor.readlink())
        # Only then is it asked for more: the file behind any other may be on a server that never answers.
        if not target.endswith(_MARK):
            return None
        status = descriptor.stat()
    except OSError:  # closed since
        return None
    if status.st_dev != device or status.st_nlink or not stat.S_ISREG(status.st_mode):
        return None
    return status.st_ino, status.st_blocks * 512, target.removesuffix(_MARK)


def _pids(look: Look) -> Iterator[int]:
    for folder in look.path("/proc").iterdir():
        if folder.name.isdecimal() and look.left > 0:
            yield int(folder.name)


def _is_kernel_thread(look: Look, pid: int) -> bool:
    """They have no command line, and hold no files that matter here."""
    try:
        return not look.path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def _name(look: Look, pid: int) -> str:
    try:
        return look.path(f"/proc/{pid}/comm").read_bytes().decode("utf-8", "surrogateescape").removesuffix("\n")
    except OSError:
        return "?"
