"""The state folder: private, and held by one agent at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.system.closing import Closing
from agent.system.file_lock import try_to_hold, try_to_share

DEFAULT_STATE_DIR = Path("/var/lib/foretell")
AGENT_LOCK = "agent.lock"
# `is_in_use` holds a free lock for the moment of its look; who wants the lock tries again so often, after so many seconds.
_TRIES, _PAUSE = 5, 0.05
# The holder's process id, padded: written over the last one it takes no new space, so it works on a full disk.
_PID_WIDTH = 20


class FolderInUse(Exception):
    """Another process holds the folder."""


class FolderUnusable(Exception):
    """The folder cannot be made, read or written by this user; the message says why and how to mend it."""


class StateFolder(Closing):
    """The folder, held from construction until `close` (or the end of a `with`), or until this process ends in any way."""

    def __init__(self, path: Path) -> None:
        """Make `path` (mode 0700) if it is missing, and take hold of it. Raises FolderUnusable, FolderInUse."""
        self.path = path
        _make(path)
        self._lock = _locked(path, AGENT_LOCK)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._lock)


@contextmanager
def lock(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock file `name` in `folder`. Raises FolderInUse when another process does, FolderUnusable."""
    descriptor = _locked(folder, name)
    try:
        yield
    finally:
        os.close(descriptor)


def put(target: Path, content: bytes) -> None:
    """Put `content` there whole or not at all, lasting, for its owner only. The folder must be there. Raises OSError."""
    fresh = target.with_name(f"{target.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """Make new names in the folder `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_in_use(folder: Path) -> bool:
    """Return whether an agent holds `folder`. Raises OSError when that may not be seen."""
    try:
        descriptor = os.open(folder / AGENT_LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        try_to_share(descriptor)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _make(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except FileExistsError as error:
        raise FolderUnusable(f"{path} is not a folder; name another one with --state-dir") from error
    except OSError as error:
        raise FolderUnusable(
            f"{path} cannot be made ({error.strerror}); name one of your own with --state-dir, or: "
            f"install -d -m 0700 -o USER {path}"
        ) from error
    if mode & 0o022:
        raise FolderUnusable(f"{path} can be written by others, who could exchange its files; chmod go-w {path}")


def _locked(folder: Path, name: str) -> int:
    """Return an open descriptor whose lock is ours."""
    path = folder / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderUnusable(
            f"{path} cannot be opened ({error.strerror}); run as the folder's owner, on a disk that is writable and has space"
        ) from error
    try:
        _patiently_lock(descriptor)
    except BlockingIOError as error:
        holder = os.pread(descriptor, _PID_WIDTH, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise FolderInUse(
            f"{folder} is in use by another process (pid {holder or 'unknown'}); stop that one first"
        ) from error
    with suppress(OSError):  # only a courtesy to whoever finds it locked
        os.pwrite(descriptor, f"{os.getpid()}".ljust(_PID_WIDTH).encode(), 0)
    return descriptor


def _patiently_lock(descriptor: int) -> None:
    for _ in range(_TRIES - 1):
        with suppress(BlockingIOError):
            try_to_hold(descriptor)
            return
        time.sleep(_PAUSE)
    try_to_hold(descriptor)
