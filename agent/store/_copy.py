"""A copy of the agent's records for those who only look: taken without a change to the originals, beside a running agent too."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from agent.store._errors import StoreDamaged, StoreUnavailable, translated
from agent.store._schema import MIGRATIONS
from agent.store._store import FILE_NAME, Store


def copy_records(folder: Path, target: Path) -> None:
    """Copy the records in `folder`, if there are any, to the folder `target`, where `Store.open` opens them.

    Raises StoreUnavailable, naming the original and leaving no copy, when they cannot be read, are damaged or of a newer version.
    """
    if not Store.exists(folder):
        return
    original, copy = folder / FILE_NAME, target / FILE_NAME
    if not os.access(original, os.R_OK):
        raise StoreUnavailable(original, "it may not be read", "run as the agent's user")
    try:
        _copy(original, copy)
        _check(original, copy)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _copy(original: Path, copy: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(_read_only(original), uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise translated(original, error) from error


def _read_only(original: Path) -> str:
    """Return the address of `original` for reading. Without its log it is at rest, and is read without making one."""
    at_rest = "" if original.with_name(original.name + "-wal").exists() else "&immutable=1"
    return f"{original.absolute().as_uri()}?mode=ro{at_rest}"


def _check(original: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(copy)) as database:
            [found] = database.execute("PRAGMA quick_check(1)").fetchone()
            [version] = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise translated(original, error) from error
    if found != "ok":
        raise StoreDamaged(
            original, f"it is damaged ({found})", "restart the agent, which sets it aside and begins anew"
        )
    if version > len(MIGRATIONS):
        wrong = f"made by a newer Foretell (schema {version}, this one knows {len(MIGRATIONS)})"
        raise StoreUnavailable(original, wrong, "upgrade Foretell or restore a backup")
