"""Brings a file's schema forward: all steps in one transaction, after a copy of the file as it was. Never backward."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agent.logs import get_logger
from agent.store._errors import StoreNewer, StoreUnavailable
from agent.store._snapshot import take_snapshot

COPIES_KEPT = 2

#: the statements that lead from one version of a schema to the next
Migration = Sequence[str]

log = get_logger()


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Bring the file `path`, open as `connection`, to the newest schema, or leave it as it is.

    Raises StoreNewer, StoreUnavailable when it cannot be copied first, sqlite3.Error.
    """
    known = len(migrations)
    if _version(connection) == known:
        return
    connection.execute("BEGIN IMMEDIATE")  # from here on nobody else writes
    version = _version(connection)  # another process may have been first
    if version > known:
        raise StoreNewer(path, version, known)
    if 0 < version < known:  # nothing is in a new file
        _keep_copy(path, version, known)
    for migration in migrations[version:]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {known}")
    connection.execute("COMMIT")


def _keep_copy(path: Path, version: int, known: int) -> None:
    """Copy the file as it is beside it, and let go of all but the youngest such copies."""
    copy = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-schema-{version}")
    try:
        take_snapshot(path, copy)
        for old in sorted(path.parent.glob(f"{path.name}.before-*"))[:-COPIES_KEPT]:
            old.unlink()
    except OSError as error:
        wrong = f"it cannot be copied before its upgrade ({error.strerror})"
        raise StoreUnavailable(path, wrong, "make room in its folder, which this user must be able to write") from error
    log.info("copied before its upgrade", path=str(path), copy=str(copy), schema=version, to=known)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
