"""A copy of one SQLite file as of one moment, taken by SQLite's own backup: other processes may go on writing meanwhile."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from agent.system.folder import sync_folder


def take_snapshot(original: Path, copy: Path) -> None:
    """Copy `original` to `copy`, in place of what was there, private and lasting, wholly or not at all.

    Raises sqlite3.Error, OSError.
    """
    fresh = copy.with_name(f"{copy.name}.new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(sqlite3.connect(_read_only(original), uri=True)) as source,
            closing(sqlite3.connect(fresh)) as target,
        ):
            source.backup(target)
        fresh.replace(copy)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(copy.parent)


def _read_only(original: Path) -> str:
    """Return the address of `original` for reading. Without its log it is at rest, and is read without making one."""
    at_rest = "" if original.with_name(original.name + "-wal").exists() else "&immutable=1"
    return f"{original.absolute().as_uri()}?mode=ro{at_rest}"
