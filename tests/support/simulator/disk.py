"""The disk under the agent's records: real SQLite files, whose statements meet what the seed has in store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from agent.store import FILE_NAME, _reserve
from simulator.faults import ROOM_OF_THE_RESERVE, Faults

#: A process that dies here dies between two statements, never in one: what makes the file last is not what is looked at.
CHEAPER = {
    "PRAGMA journal_mode = WAL": "PRAGMA journal_mode = MEMORY",
    "PRAGMA synchronous = FULL": "PRAGMA synchronous = OFF",
}


class Connection:
    """A connection of SQLite's that first asks what happens to it. Only what `agent.store` uses of one is there."""

    def __init__(self, real: sqlite3.Connection, faults: Faults) -> None:
        """Wrap `real`."""
        self._real = real
        self._faults = faults

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is running."""
        return self._real.in_transaction

    @property
    def total_changes(self) -> int:
        """How many rows were changed by it, those included whose change was rolled back."""
        return self._real.total_changes

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Execute `sql`, if the disk lets it; to go back is always possible."""
        if sql != "ROLLBACK":
            self._faults.statement(sql)
        return self._real.execute(CHEAPER.get(sql, sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        """Execute `sql` with each of `rows`, as long as the disk lets it."""
        for parameters in rows:
            self.execute(sql, parameters)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        """Execute `sql`, if the disk lets it."""
        self._faults.statement(sql)
        return self._real.executescript(sql)

    def close(self) -> None:
        """Let go of the file. What a transaction had not finished is gone, as it is when a process dies."""
        self._real.close()


@contextmanager
def disk(faults: Faults) -> Iterator[None]:
    """Have every file of the agent's records meet `faults` while this lasts."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    release, fill = _reserve.Reserve.release, _reserve.Reserve.fill

    def connected(path: Path, **options: Any) -> Connection:
        real = connect(path, **options)
        if path.name == FILE_NAME:  # nobody else opens it, and locking would cost a fifth of a life
            real.execute("PRAGMA locking_mode = EXCLUSIVE")
        return Connection(real, faults)

    def released(reserve: _reserve.Reserve) -> bool:
        gave_way = release(reserve)
        if gave_way and faults.disk == "full":
            faults.room = ROOM_OF_THE_RESERVE
        return gave_way

    def filled(reserve: _reserve.Reserve) -> None:
        if faults.disk == "well":  # there is plenty
            fill(reserve)

    with (
        mock.patch("agent.store._database.sqlite3.connect", connected),
        mock.patch.object(_reserve.Reserve, "release", released),
        mock.patch.object(_reserve.Reserve, "fill", filled),
    ):
        yield
