"""A copy of the agent's records for those who only look: taken without a change to the originals, beside a running agent too."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from agent.store._errors import StoreDamaged, StoreNewer, StoreUnavailable, translated
from agent.store._schema import MIGRATIONS
from agent.store._snapshot import take_snapshot
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
    version = copy_database(original, copy)
    if version > len(MIGRATIONS):
        copy.unlink()
        raise StoreNewer(original, version, len(MIGRATIONS))


def copy_database(original: Path, copy: Path) -> int:
    """Copy one file of the state folder as of now, and return the version of its schema.

    Raises StoreUnavailable, naming the original and leaving no copy, when it cannot be read or is damaged.
    """
    try:
        take_snapshot(original, copy)
        return version_of(copy, original)
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise translated(original, error) from error
    except StoreUnavailable:
        copy.unlink(missing_ok=True)
        raise


def version_of(path: Path, called: Path) -> int:
    """Return the version of the schema of the file at rest `path`, which is `called` so in an error. Raises StoreUnavailable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            [found] = database.execute("PRAGMA quick_check(1)").fetchone()
            [version] = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise translated(called, error) from error
    if found != "ok":
        raise StoreDamaged(called, f"it is damaged ({found})", "restart the agent, which sets it aside and begins anew")
    return int(version)
