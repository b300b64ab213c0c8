"""Cases with their time lines, events from the desk, and the few single values: everything that must not be lost.

The outbox (`agent.delivery.outbox`) lives in the same file, so that a case and what it asks of the desk are written as one.
"""

from __future__ import annotations

import itertools
import os
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar

import msgspec

from agent.following.model import Case, DeskEvent, DeskHealth, Kept, KeptPromises, Maintenance, Promised
from agent.store._database import DAMAGED, Database
from agent.store._errors import StoreUnavailable
from agent.store._reserve import Reserve
from agent.store._schema import MIGRATIONS
from agent.system.closing import Closing
from ticketing_clients import Priority

FILE_NAME = "agent.sqlite"
# So often is a closed ticket looked at for a rating: nobody waits for what comes of it.
RATING_LOOK = 6 * 3600.0

Value = TypeVar("Value")


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's time line. `at` is unix seconds."""

    at: float
    what: str


class Store(Closing):
    """The agent's records, open. Several processes may have them open; within a process, one thread at a time.

    Every change is lasting when its call returns, or, inside `transaction()`, when that ends. Every method raises
    StoreUnavailable when the file cannot be read or written; then nothing of the transaction has happened.

    set_aside: where a damaged file was moved when these records were opened; they are then new and empty.
    """

    def __init__(self, folder: Path) -> None:
        """Open the records in `folder`; `Store.open` also begins new ones."""
        self.folder = folder
        self._reserve = Reserve(folder)
        self._at_close = ExitStack()
        self.database = Database(folder / FILE_NAME, MIGRATIONS, reserve=self._reserve, check=True)
        self.at_close(self.database.close)
        self.set_aside = self.database.set_aside

    @classmethod
    def open(cls, folder: Path, now: float | None = None) -> Store:
        """Open the records in `folder`, which must exist; begin new ones, as of `now` in unix seconds, when there are none.

        A damaged file is set aside first. New records want to be rebuilt from the desk. Raises StoreUnavailable.
        """
        if not folder.is_dir():
            raise StoreUnavailable(folder, "there is no such folder", "start the agent, which makes it")
        store = cls(folder)
        try:
            store._begin(time.time() if now is None else now)
        except BaseException:
            store.close()
            raise
        return store

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether there are records in `folder`. Raises StoreUnavailable when that may not be seen."""
        try:
            return (folder / FILE_NAME).exists()
        except OSError as error:
            raise StoreUnavailable(
                folder, f"it cannot be read ({error.strerror})", "run as the agent's user"
            ) from error

    def close(self) -> None:
        """Let go of the records, and of what was opened beside them."""
        self._at_close.close()

    def at_close(self, callback: Callable[[], None]) -> None:
        """Call `callback` when this store is closed."""
        self._at_close.callback(callback)

    def transaction(self) -> AbstractContextManager[None]:
        """Make what is written inside happen as a whole and lastingly, or not at all; inside another, be part of it."""
        return self.database.transaction()

    def version(self) -> tuple[int, int]:
        """Return what is the same for as long as every read would give the same again. Not within a transaction."""
        return self.database.version()

    def hurry(self) -> None:
        """Wait hardly for other processes from now on, for this one is about to end; may be called from another thread."""
        self.database.hurry()

    def expect_whole(self) -> None:
        """Raise StoreDamaged when another process has met damage that this one has not."""
        self.database.expect_whole()

    @property
    def degraded(self) -> str:
        """What the records' state costs, in plain words; empty while all is well."""
        if self._reserve.spent:
            return f"the disk of {self.folder} is nearly full: records are written from the last reserve"
        return ""

    @property
    def set_aside_before(self) -> str:
        """Which damaged files were ever set aside, in plain words; empty when none is there, or no more."""
        try:
            found = ", ".join(sorted(name for name in os.listdir(self.folder) if DAMAGED in name))  # noqa: PTH208 - each cycle
        except OSError as error:
            return f"{self.folder} cannot be read: {error.strerror}"
        mend = f"see whether the disk of {self.folder} fails, then remove {found}"
        return f"records were damaged, and begun anew; {mend}" if found else ""

    # -- cases ------------------------------------------------------------------------------------------------------

    def cases(self, *, include_closed: bool = False) -> list[Case]:
        """Return the cases that are not closed, or all of them, oldest first."""
        which = "" if include_closed else "WHERE state <> 'closed'"
        rows = self.database.read(f"SELECT record FROM cases {which} ORDER BY rowid")  # noqa: S608 - one of two constants
        return [_case(record) for (record,) in rows]

    def closed_lately(self, since: float, limit: int) -> list[Case]:
        """Return the cases with a ticket that closed since then (unix seconds), the last one first, at most `limit`."""
        sql = "SELECT record FROM cases WHERE state = 'closed' AND closed_at >= ? ORDER BY closed_at DESC"
        found = (_case(record) for (record,) in self.database.read(sql, (since,)))
        return list(itertools.islice((case for case in found if case.ticket is not None), limit))

    def case(self, key: str) -> Case | None:
        """Return the case with this key."""
        rows = self.database.read("SELECT record FROM cases WHERE key = ?", (key,))
        return _case(rows[0][0]) if rows else None

    def cases_to_look_at(self, now: float = 0.0, rating_within: float = 0.0) -> list[Case]:
        """Return the cases with a ticket that matters, the one whose ticket was not looked at for the longest time first.

        Those that closed within the last `rating_within` seconds before `now` are among them now and then, while the customer has
        not rated them.
        """
        rows = self.database.read(
            """
            SELECT record FROM cases WHERE state NOT IN ('pending', 'closed')
            OR (state = 'closed' AND closed_at > ? AND looked_at < ?) ORDER BY looked_at, rowid
            """,
            (now - rating_within if rating_within else now, now - RATING_LOOK),
        )
        found = [_case(record) for (record,) in rows]
        return [case for case in found if case.ticket is not None and (case.state != "closed" or _may_be_rated(case))]

    def looked_at(self, key: str, at: float) -> None:
        """Note that the ticket of the case with this key was looked at, whatever came of it, at `at` (unix seconds)."""
        self.database.write("UPDATE cases SET looked_at = ? WHERE key = ?", (at, key))

    def find_cases(self, prefix: str, limit: int = 10) -> list[Case]:
        """Return the cases, closed ones too, whose key begins with `prefix`, at most `limit`, in the order of their keys."""
        rows = self.database.read(
            "SELECT record FROM cases WHERE substr(key, 1, ?) = ? ORDER BY key LIMIT ?", (len(prefix), prefix, limit)
        )
        return [_case(record) for (record,) in rows]

    def save_case(self, case: Case, happenings: Iterable[str], at: float) -> None:
        """Write `case` as it is now, and what happened to it at `at` (unix seconds) on its time line."""
        with self.transaction():
            self.database.write(
                """
                INSERT INTO cases (key, state, closed_at, record) VALUES (?, ?, ?, ?) ON CONFLICT (key)
                DO UPDATE SET state = excluded.state, closed_at = excluded.closed_at, record = excluded.record
                """,
                (case.key, case.state, case.closed_at, msgspec.msgpack.encode(case)),
            )
            for what in happenings:
                self.database.write(
                    "INSERT INTO case_events (case_key, at, what) VALUES (?, ?, ?)", (case.key, at, what)
                )

    def forget_closed(self, before: float) -> int:
        """Delete the cases that closed before this (unix seconds) with everything about them; return how many those were."""
        old = self.database.read("SELECT key FROM cases WHERE state = 'closed' AND closed_at < ?", (before,))
        if old:
            with self.transaction():
                for table in ("operations", "case_events"):
                    for key in old:
                        self.database.write(f"DELETE FROM {table} WHERE case_key = ?", key)  # noqa: S608 - one of two names
                for key in old:
                    self.database.write("DELETE FROM cases WHERE key = ?", key)
        return len(old)

    def timeline(self, key: str) -> list[Happening]:
        """Return what happened to the case with this key, in the order in which it was written."""
        rows = self.database.read("SELECT at, what FROM case_events WHERE case_key = ? ORDER BY id", (key,))
        return [Happening(at=at, what=what) for at, what in rows]

    def happenings(self, since: float, until: float) -> list[tuple[str, Happening]]:
        """Return the case's key with each line of all time lines in [since, until), in the order in which they were written."""
        rows = self.database.read(
            "SELECT case_key, at, what FROM case_events WHERE at >= ? AND at < ? ORDER BY id", (since, until)
        )
        return [(key, Happening(at=at, what=what)) for key, at, what in rows]

    # -- what the desk did ------------------------------------------------------------------------------------------

    def put_event(self, event: DeskEvent) -> None:
        """Leave `event` for the next cycle."""
        self.database.write("INSERT INTO desk_events (record) VALUES (?)", (msgspec.msgpack.encode(event),))

    def take_events(self) -> list[DeskEvent]:
        """Return what was left since the last time, in order, and delete it as part of the caller's transaction."""
        rows = self.database.read("SELECT position, record FROM desk_events ORDER BY position")
        if rows:
            self.database.write("DELETE FROM desk_events WHERE position <= ?", (rows[-1][0],))
        return [msgspec.msgpack.decode(record, type=DeskEvent) for _, record in rows]

    # -- single values ----------------------------------------------------------------------------------------------

    @property
    def installed_at(self) -> float:
        """When these records were begun, in unix seconds; the first look counts from here."""
        return self._get("installed_at", float, 0.0)

    @installed_at.setter
    def installed_at(self, at: float) -> None:
        self._set("installed_at", at)

    @property
    def maintenance(self) -> Maintenance:
        """What maintenance was declared on the host last; until 0 when none ever was."""
        return self._get("maintenance", Maintenance, Maintenance(since=0.0, until=0.0))

    @maintenance.setter
    def maintenance(self, declared: Maintenance) -> None:
        self._set("maintenance", declared)

    @property
    def reported(self) -> str:
        """The name of the last period of which a health report was made by itself; empty when none was."""
        return self._get("reported", str, "")

    @reported.setter
    def reported(self, period: str) -> None:
        self._set("reported", period)

    def rebuild_wanted(self, desk: str) -> bool:
        """Return whether these records are new, and this desk has not yet been asked what it has open for this host."""
        told = self._get(f"rebuilt:{desk}", bool, False)  # noqa: FBT003 - what it is when nothing is stored
        return not told and self._get("rebuild_wanted", bool, False)  # noqa: FBT003 - same

    def rebuilt(self, desk: str) -> None:
        """Note that the desk has told what it has open for this host."""
        self._set(f"rebuilt:{desk}", value=True)

    @property
    def mark(self) -> str:
        """What tells operations of these records from those of earlier ones, at the desk too; empty in records of old."""
        return self._get("mark", str, "")

    def want_rebuild(self, now: float) -> None:
        """Note that these records are not the newest ones: every desk is to be asked what it has open for this host.

        now: unix seconds, from which what is said is told from what was said after these records were made.
        """
        with self.transaction():
            self._set("rebuild_wanted", value=True)
            self._set("mark", _mark(now))
            self.database.write("DELETE FROM meta WHERE substr(name, 1, 8) = 'rebuilt:'")

    def desk_health(self, desk: str) -> DeskHealth:
        """Return how the desk with this configured name was at the end of the last batch."""
        return self._get(f"desk_health:{desk}", DeskHealth, DeskHealth())

    def set_desk_health(self, desk: str, health: DeskHealth) -> None:
        """Remember how the desk with this configured name is."""
        self._set(f"desk_health:{desk}", health)

    @property
    def kept_promises(self) -> list[KeptPromises]:
        """How many promises of service levels were kept or missed since the records began, by what and for which priority."""
        return self._get("kept_promises", list[KeptPromises], [])

    def count_promises(self, kept: Iterable[tuple[Promised, Priority, Kept]]) -> None:
        """Add promises that are known now to be kept or missed; call it in the transaction that saves their case."""
        counts = Counter({one.of: one.count for one in self.kept_promises})
        counts.update(kept)
        new = [KeptPromises(promised=of[0], priority=of[1], kept=of[2], count=count) for of, count in counts.items()]
        self._set("kept_promises", sorted(new, key=lambda one: one.of))

    def load_memories(self) -> bytes | None:
        """Return what the judge last saved; None when it never did."""
        packed = self._get("memories", bytes, b"")
        return zlib.decompress(packed) if packed else None

    def save_memories(self, memories: bytes) -> None:
        """Write down what the judge has to remember; what is the same as last time is not written again."""
        packed = zlib.compress(memories)
        if packed != self._get("memories", bytes, b""):
            self._set("memories", packed)

    def _get(self, name: str, kind: type[Value], otherwise: Value) -> Value:
        rows = self.database.read("SELECT value FROM meta WHERE name = ?", (name,))
        return msgspec.msgpack.decode(rows[0][0], type=kind) if rows else otherwise

    def _set(self, name: str, value: object) -> None:
        self.database.write(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, msgspec.msgpack.encode(value)),
        )

    def _begin(self, now: float) -> None:
        if self.installed_at:
            return
        with self.transaction():
            if not self.installed_at:  # another process may have been first
                self.installed_at = now
                self._set("rebuild_wanted", value=True)
                self._set("mark", _mark(now))


def _case(record: bytes) -> Case:
    return msgspec.msgpack.decode(record, type=Case)


def _mark(now: float) -> str:
    return f"{int(now):x}"


def _may_be_rated(case: Case) -> bool:
    """Return whether the customer was asked, at a desk that we can read, and has not answered."""
    asked = case.care.promise is not None and case.closed_by in {"person", "rule"}
    return asked and case.care.rating is None and case.ticket_status != "gone"
