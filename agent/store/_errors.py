"""What can go wrong with our own records, in words that say how to mend it.

StoreUnavailable        cannot be opened, read or written now; nothing of the transaction has happened
├── StoreDamaged        its content is broken; the next start sets it aside
└── StoreNewer          a newer Foretell made it; no later try helps, a person has to act
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

# How a disk without space, quota or inodes shows itself.
NO_SPACE = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN}
)
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

# By SQLite's primary result code: what is wrong, and how to mend it. What is not here is our own mistake.
_MEANING = {
    sqlite3.SQLITE_FULL: ("its disk is full", "free some space there"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "mount its disk writable, or give this user the right to write"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "run as the user that owns it"),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "see that its folder exists and is writable for this user, and has free space and inodes",
    ),
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "end other `foretell` commands that hang"),
    sqlite3.SQLITE_IOERR: ("reading or writing it failed", "look in the kernel's log for errors of its disk"),
}


class StoreUnavailable(Exception):
    """Records cannot be opened, read or written now. Nothing of the transaction in which it is raised has happened."""

    def __init__(self, path: Path, wrong: str, mend: str) -> None:
        """Given the file or folder, what is wrong with it, and how to mend it."""
        super().__init__(f"{path}: {wrong}; {mend}")
        self.path = path
        self.wrong = wrong
        self.mend = mend


class StoreDamaged(StoreUnavailable):
    """The records' content is broken."""


class StoreNewer(StoreUnavailable):
    """The records were made by a newer Foretell than this one."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        """Given the file, the version of its schema, and the newest that this Foretell knows."""
        wrong = f"made by a newer Foretell (schema {version}, this one knows {known})"
        super().__init__(path, wrong, "upgrade Foretell or restore a backup that is older (`foretell restore`)")


def translated(path: Path, error: sqlite3.Error) -> Exception:
    """Return what `error` means to a person; `error` itself where it is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in DAMAGED:
        return StoreDamaged(path, f"it is damaged ({error})", "restart the agent, which sets it aside and begins anew")
    if code in _MEANING:
        wrong, mend = _MEANING[code]
        return StoreUnavailable(path, f"{wrong} ({error})", mend)
    return error
