"""What an agent has told an Alertmanager: kept on the host, for an Alertmanager forgets it, at its restart and by itself.

A SQLite file in the state folder, for each desk its own. What is told is written down before, so that a crash loses nothing: to
tell an alert twice is to tell it once.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from ticketing_clients._alertmanager import labels as on
from ticketing_clients._errors import DeskUnreachable
from ticketing_clients._ticket import Priority

VERSION = 1  # of the schema; a change adds a step from the one before
SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    identity TEXT PRIMARY KEY, key TEXT NOT NULL, began REAL NOT NULL, ended REAL, record BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS alerts_by_key ON alerts (key);
"""
WAIT_FOR_OTHERS = 10.0  # seconds for another process to finish writing


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it was last told. began, ended: unix seconds by our clock; ended is None while it stands.

    told: the addresses of those who have got it as it is.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    began: float
    ended: float | None = None
    told: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The key of the ticket that it is."""
        return self.labels[on.KEY]

    @property
    def identity(self) -> str:
        """What two alerts with the same labels have in common."""
        return hashlib.sha256(msgspec.json.encode(sorted(self.labels.items()))).hexdigest()

    def saying(self, annotations: Mapping[str, str]) -> Entry:
        """Return it with these annotations instead, which nobody has heard yet."""
        return msgspec.structs.replace(self, annotations=dict(annotations), told=frozenset())

    def over(self, why: on.Ending, now: float) -> Entry:
        """Return it as it ends `now`; one that has ended stays as it is."""
        if self.ended is not None:
            return self
        return msgspec.structs.replace(self.saying({**self.annotations, on.END: why}), ended=now)

    def raised(self, priority: Priority, now: float) -> tuple[Entry, ...]:
        """Return what is to be told so that it has at least this priority: only itself, or its end and another in its place."""
        present = self.labels.get(on.PRIORITY)
        if present in on.PRIORITIES and on.PRIORITIES.index(present) <= on.PRIORITIES.index(priority):
            return (self,)
        higher = msgspec.structs.replace(self, labels=self.labels | {on.PRIORITY: priority}, told=frozenset())
        return self.over("raised", now), higher

    def heard_by(self, members: Collection[str]) -> Entry:
        """Return it as `members` have got it as well."""
        return msgspec.structs.replace(self, told=self.told | set(members))


class Book:
    """The entries of one desk in the file `path`. Every change is lasting when its call returns. Raises DeskUnreachable."""

    def __init__(self, path: Path, desk: str) -> None:
        """Open nothing yet. desk: the configured name, for messages."""
        self._path = path
        self._desk = desk

    def of(self, key: str) -> list[Entry]:
        """Return the entries of the ticket with this key, the newest last."""
        return self._read("SELECT record FROM alerts WHERE key = ? ORDER BY ended IS NULL, ended, rowid", key)

    def all(self) -> list[Entry]:
        """Return all entries, the oldest first."""
        return self._read("SELECT record FROM alerts ORDER BY began, rowid")

    def put(self, *entries: Entry) -> None:
        """Write down entries, in place of those with the same labels."""
        with self._open() as database, database:
            database.executemany(
                "INSERT OR REPLACE INTO alerts (identity, key, began, ended, record) VALUES (?, ?, ?, ?, ?)",
                [
                    (one.identity, one.key, one.began, one.ended, msgspec.msgpack.encode(one))
                    for one in entries
                ],
            )  # fmt: skip

    def strike(self, *entries: Entry) -> None:
        """Strike entries out."""
        with self._open() as database, database:
            database.executemany("DELETE FROM alerts WHERE identity = ?", [(one.identity,) for one in entries])

    def forget(self, before: float) -> None:
        """Forget what ended before this (unix seconds)."""
        if self._path.exists():
            with self._open() as database, database:
                database.execute("DELETE FROM alerts WHERE ended < ?", (before,))

    def _read(self, sql: str, *values: str) -> list[Entry]:
        if not self._path.exists():  # a look makes no file
            return []
        with self._open() as database:
            return [msgspec.msgpack.decode(record, type=Entry) for (record,) in database.execute(sql, values)]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file, making it if it is not there. What SQLite cannot do (disk full, locked, damaged) was not done."""
        try:
            if not self._path.exists():
                self._path.touch(mode=0o600)
            with contextlib.closing(sqlite3.connect(self._path, timeout=WAIT_FOR_OTHERS)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")  # WAL with NORMAL loses rows in a power cut
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version > VERSION:
                    raise DeskUnreachable(
                        f"desk {self._desk}: {self._path} was written by a newer version; use that one"
                    )
                if version < VERSION:
                    database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                yield database
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            raise DeskUnreachable(f"desk {self._desk}: {self._path}: {error}") from error
