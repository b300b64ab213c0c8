"""The history of readings: young in memory, then on disk in compressed blocks, in a file of its own.

Everything written at one time is a *span*: one block for each series, side by side on disk, so that a flush writes a few
pages whatever the number of series. When a day's worth of small spans has gathered, they become one fine span and its hourly
summary. A crash loses what is still in memory, at most one flush; nothing is ever half written.

Spans are ordered by their number, not by their times: the host's clock may have lied when they were made.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from agent.configuration.settings import HistorySettings
from agent.logs import get_logger
from agent.store._blocks import (
    HOUR,
    Hour,
    merge_hours,
    pack_each,
    pack_hours,
    pack_readings,
    summarise,
    unpack_hours,
    unpack_readings,
)
from agent.store._database import Database
from agent.store._errors import StoreDamaged
from agent.store._migration import Migration
from agent.store._store import Store
from collectors import Reading

FILE_NAME = "history.sqlite"
# So many young spans become one fine span: a day's worth at the default of one flush in ten minutes.
SPANS_TO_COMPACT = 144
# When the disk takes nothing, so many readings wait in memory (16 bytes each) before the oldest are let go. Half of it is what as
# many series as one collector may have make in ten minutes: to write each of them more often would cost more than to wait.
MOST_IN_MEMORY = 400_000
# A clock that lies for a moment must not cost the whole history: each compaction lets go of at most so many old spans.
MOST_EXPIRED = 2

Kind = Literal["young", "fine", "hourly"]

MIGRATIONS: tuple[Migration, ...] = (
    (
        # last_span: in which it was last compacted or, if it never was, first written; none kept means no blocks.
        "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_span INTEGER NOT NULL) STRICT",
        """
        CREATE TABLE spans (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE blocks (
            span INTEGER NOT NULL REFERENCES spans ON DELETE CASCADE, series INTEGER NOT NULL, block BLOB NOT NULL,
            PRIMARY KEY (span, series)
        ) STRICT, WITHOUT ROWID
        """,
    ),
)

log = get_logger()


class Round(NamedTuple):
    """The readings of one cycle, as they came: their series, and beside these their times and values."""

    series: tuple[str, ...]
    times: Sequence[float]
    values: Sequence[float]


class Waiting:
    """One series' readings that are not on disk yet, in the order in which they came."""

    def __init__(self) -> None:
        """Start with none."""
        self.times = array("d")
        self.values = array("d")

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self.times, self.values, strict=True)

    def __len__(self) -> int:
        return len(self.times)

    def forget_older_half(self) -> None:
        """Let go of the older half, rounded up."""
        half = (len(self.times) + 1) // 2
        del self.times[:half], self.values[:half]


class History:
    """The readings of this host. Only the agent that holds the state folder remembers and flushes; others may read.

    Methods that touch the disk raise StoreUnavailable; what could not be written then stays in memory.
    """

    def __init__(self, store: Store, settings: HistorySettings) -> None:
        """Use the history beside `store`, which will also close it.

        It is opened when it is needed: one that cannot be opened never keeps the agent from its work. A damaged one is set
        aside at its next opening.
        """
        self._settings = settings
        self._path = store.folder / FILE_NAME
        self._open: Database | None = None
        # A cycle's readings are taken in one piece and sorted by series when somebody asks for one: 600 appends take 0.3 ms.
        self._rounds: list[Round] = []
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sorted: dict[str, Waiting] = {}
        self._count = 0
        store.at_close(self._close)

    @property
    def _database(self) -> Database:
        if self._open is None:
            self._open = Database(self._path, MIGRATIONS)
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    # -- writing ----------------------------------------------------------------------------------------------------

    def remember(self, readings: Iterable[Reading]) -> None:
        """Take `readings` into memory until the next flush. What only carries labels, or has no time, is left out."""
        new = [one for one in readings if one.unit != "info" and math.isfinite(one.at)]
        names = tuple([one.series for one in new])
        series = self._names.setdefault(names, names)  # kept once: they are several times as large as what they name
        self._rounds.append(Round(series, array("d", [one.at for one in new]), array("d", [one.value for one in new])))
        self._count += len(new)
        if self._count > MOST_IN_MEMORY:
            self._forget_older_half()

    @property
    def pressing(self) -> bool:
        """Whether so much waits in memory that it should not wait for its time: at the double of it some is let go."""
        return self._count > MOST_IN_MEMORY // 2

    @property
    def _waiting(self) -> dict[str, Waiting]:
        """What is not on disk yet, by series."""
        for one in self._rounds:
            for series, at, value in zip(*one, strict=True):
                waiting = self._sorted.get(series)
                if waiting is None:
                    waiting = self._sorted[series] = Waiting()
                waiting.times.append(at)
                waiting.values.append(value)
        self._rounds, self._names = [], {}
        return self._sorted

    def flush(self, at: float) -> None:
        """Write what is in memory; when it is time compact, and let go of what is too old at `at` (unix seconds) or too much."""
        try:
            self._flush(at)
        except StoreDamaged:
            self._close()
            raise
        self._sorted = {}
        self._count = 0
        if self._database.size() > self._settings.largest:
            self._database.shrink()

    def _flush(self, at: float) -> None:
        with self._database.transaction():
            [(spans,)] = self._database.read("SELECT count(*) FROM spans WHERE kind = 'young'")
            if spans >= SPANS_TO_COMPACT:
                self._compact()
                self._expire(at)
            if self._waiting:
                self._write_waiting()
            self._fit()

    def _write_waiting(self) -> None:
        waiting = self._waiting
        times = [at for one in waiting.values() for at in (min(one.times), max(one.times))]
        span = self._new_span("young", min(times), max(times))
        ids: dict[str, int] = dict(self._database.read("SELECT name, id FROM series"))
        new = [(name, span) for name in waiting if name not in ids]
        if new:
            self._database.write_each("INSERT INTO series (name, last_span) VALUES (?, ?)", new)
            ids = dict(self._database.read("SELECT name, id FROM series"))
        blocks = pack_each((one.times, one.values) for one in waiting.values())
        self._write_blocks((span, ids[name], block) for name, block in zip(waiting, blocks, strict=True))

    def _forget_older_half(self) -> None:
        before = self._count
        for waiting in self._waiting.values():
            waiting.forget_older_half()
        self._sorted = {name: waiting for name, waiting in self._sorted.items() if waiting}
        self._count = sum(len(waiting) for waiting in self._sorted.values())
        log.warning("history cannot be written and memory is bounded", forgotten=before - self._count)

    def _compact(self) -> None:
        """Make one fine span and its hourly summary of all young spans, one series at a time."""
        [(newest, first, last)] = self._database.read(
            "SELECT max(id), min(first), max(last) FROM spans WHERE kind = 'young'"
        )
        fine = self._new_span("fine", first, last)
        hourly = self._new_span("hourly", first // HOUR * HOUR, last)
        for (series,) in self._database.read("SELECT id FROM series"):
            readings = [one for block in self._blocks(series, ["young"]) for one in unpack_readings(block)]
            if not readings:
                continue
            times, values = zip(*readings, strict=True)
            self._write_blocks([(fine, series, pack_readings(times, values))])
            if hours := summarise(readings):
                self._write_blocks([(hourly, series, pack_hours(hours))])
            self._database.write("UPDATE series SET last_span = ? WHERE id = ?", (hourly, series))
        self._database.write("DELETE FROM spans WHERE kind = 'young' AND id <= ?", (newest,))

    def _expire(self, at: float) -> None:
        for kind, kept in (("fine", self._settings.fine), ("hourly", self._settings.hourly)):
            self._database.write(
                """
                DELETE FROM spans WHERE id IN
                    (SELECT id FROM spans WHERE kind = ? AND last < ? ORDER BY id LIMIT ?)
                """,
                (kind, at - kept, MOST_EXPIRED),
            )
        self._forget_series()

    def _fit(self) -> None:
        """Let go of the oldest spans, fine ones first, until what is left takes no more room than it may."""
        while self._database.used() > self._settings.largest:
            oldest = self._database.read(
                "SELECT id FROM spans ORDER BY CASE kind WHEN 'fine' THEN 0 WHEN 'hourly' THEN 1 ELSE 2 END, id LIMIT 1"
            )
            if not oldest:
                return
            self._database.write("DELETE FROM spans WHERE id = ?", oldest[0])
            self._forget_series()

    def _forget_series(self) -> None:
        """Forget the names of series of which nothing is left."""
        self._database.write("DELETE FROM series WHERE last_span < (SELECT coalesce(min(id), 0) FROM spans)")

    def _new_span(self, kind: Kind, first: float, last: float) -> int:
        [(newest,)] = self._database.read("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'spans'")
        span: int = newest + 1
        self._database.write("INSERT INTO spans (id, kind, first, last) VALUES (?, ?, ?, ?)", (span, kind, first, last))
        return span

    def _write_blocks(self, blocks: Iterable[tuple[int, int, bytes]]) -> None:
        """Write each block: its span, its series, and what it holds."""
        self._database.write_each("INSERT INTO blocks (span, series, block) VALUES (?, ?, ?)", blocks)

    # -- reading ----------------------------------------------------------------------------------------------------

    def size(self) -> int:
        """Return the bytes that the history takes on disk; never raises."""
        try:
            return self._path.stat().st_size
        except OSError:  # not there yet
            return 0

    def series(self) -> list[str]:
        """Return the names of all series of which there is a reading, as `Reading.series` gives them."""
        stored = {name for (name,) in self._database.read("SELECT name FROM series")}
        return sorted(stored | self._waiting.keys())

    def read(self, series: str, since: float = -math.inf, until: float = math.inf) -> Iterator[tuple[float, float]]:
        """Yield (unix seconds to the millisecond, value) of each reading in [since, until), by time.

        Goes back as far as fine history is kept. Takes memory for one span at a time, a day at the default cycle.
        """
        return (one for one in self._ordered(series, since, until) if since <= one[0] < until)

    def hourly(self, series: str, since: float = -math.inf, until: float = math.inf) -> list[Hour]:
        """Return the hours that begin in [since, until), by time. Goes back as far as hourly history is kept."""
        stored = self._stored_blocks(series, ["hourly"], since, until)
        young = self._stored_blocks(series, ["young"], since, until + HOUR)
        parts = [hour for _, block in stored for hour in unpack_hours(block)]
        for _, block in young:
            parts += summarise(unpack_readings(block))
        parts += summarise(self._waiting.get(series, Waiting()))
        return [hour for hour in merge_hours(parts) if since <= hour.at < until]

    def _ordered(self, series: str, since: float, until: float) -> Iterator[tuple[float, float]]:
        """Yield readings by time: of each span what is older than all later spans, and the rest with those."""
        pending: list[tuple[float, float]] = []
        spans: Sequence[tuple[float, Iterable[tuple[float, float]]]] = [
            (first, unpack_readings(block))
            for first, block in self._stored_blocks(series, ["young", "fine"], since, until)
        ]
        for first, readings in spans:
            while pending and pending[0][0] < first:
                yield heapq.heappop(pending)
            for one in readings:
                heapq.heappush(pending, one)
        for one in self._waiting.get(series, ()):
            heapq.heappush(pending, one)
        while pending:
            yield heapq.heappop(pending)

    def _stored_blocks(
        self, series: str, kinds: Sequence[Kind], since: float, until: float
    ) -> list[tuple[float, bytes]]:
        ids = self._database.read("SELECT id FROM series WHERE name = ?", (series,))
        return self._rows(ids[0][0], kinds, since, until) if ids else []

    def _blocks(self, series: int, kinds: Sequence[Kind]) -> list[bytes]:
        return [block for _, block in self._rows(series, kinds, -math.inf, math.inf)]

    def _rows(self, series: int, kinds: Sequence[Kind], since: float, until: float) -> list[tuple[float, bytes]]:
        marks = ", ".join("?" * len(kinds))
        rows: list[tuple[float, bytes]] = self._database.read(
            f"""
            SELECT first, block FROM spans CROSS JOIN blocks ON span = id AND series = ?
            WHERE kind IN ({marks}) AND last >= ? AND first < ? ORDER BY first, id
            """,  # noqa: S608 - question marks
            (series, *kinds, since, until),
        )
        return rows
