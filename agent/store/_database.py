"""One SQLite file used by several processes at once: opened safely, migrated forward, written in transactions that last.

WAL with `synchronous=FULL`: under real power cuts WAL with NORMAL lost acknowledged rows, FULL none.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.logs import get_logger
from agent.store._errors import NO_SPACE, StoreDamaged, StoreUnavailable, translated
from agent.store._migration import Migration, migrate
from agent.store._reserve import Reserve
from agent.system.closing import Closing
from agent.system.file_lock import share, try_to_hold
from agent.system.folder import sync_folder

WAIT_FOR_OTHERS = 10.0  # seconds for another process to finish writing
WAIT_IN_HURRY = 1.0  # the same for a process that is about to end
CACHE_KIB = 512  # SQLite's own default is four times that, for each open file
LARGEST_LOG = 4 * 1024 * 1024  # bytes the write-ahead log keeps when a large transaction made it longer

DAMAGED = ".damaged-"  # in the name of a file that was set aside, before its day

Parameters = Sequence[Any]

log = get_logger()


class Database(Closing):
    """An open file. One thread at a time.

    set_aside: where a damaged file was moved when this one was opened; this one is then new and empty.
    """

    def __init__(
        self, path: Path, migrations: Sequence[Migration], *, reserve: Reserve | None = None, check: bool = False
    ) -> None:
        """Open or create `path` and bring its schema up to date. Raises StoreUnavailable.

        reserve: given up when the disk is full, so that a last few transactions still succeed.
        check: whether the first process to open the file reads all of it for damage; else damage shows when it is met.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._migrations = migrations
        self._reserve = reserve
        self._in_hurry = False
        self._done: list[tuple[str, Parameters]] = []  # by the running transaction; kept only for a reserve
        self._damage_mark = path.with_name(f"{path.name}-damaged")
        self._in_use = self._mark_in_use()
        self._check = check and self._is_alone()
        try:
            self._connection = self._open_or_replace()
            share(self._in_use)
        except BaseException:
            os.close(self._in_use)
            raise
        if reserve is not None:
            reserve.fill()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        os.close(self._in_use)

    def hurry(self) -> None:
        """Wait hardly for other processes from the next transaction on; may be called from another thread."""
        self._in_hurry = True

    # -- reading and writing ----------------------------------------------------------------------------------------

    def read(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """Return all rows that `sql` selects. Raises StoreUnavailable."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def write(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute `sql`, in a transaction of its own unless one is running; return how many rows it changed.

        What it changes must be named by its parameters, not by what is there at the moment: on a full disk it may be done
        a second time. Raises StoreUnavailable.
        """
        with self.transaction():
            rows = self._persist(sql, parameters)
            if self._reserve is not None:
                self._done.append((sql, parameters))
            return rows

    def write_each(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Execute `sql` with each of `rows`, all in one transaction; `write` says what they may hold. Raises StoreUnavailable."""
        with self.transaction():
            if self._reserve is not None:  # it wants to know what was done
                for row in rows:
                    self.write(sql, row)
                return
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything written inside happen as a whole and lastingly, or not at all; inside another one, be part of it.

        Raises StoreUnavailable, at the latest at its end.
        """
        if self._connection.in_transaction:
            yield
            return
        self._done.clear()
        try:
            if self._in_hurry:
                self._connection.execute(f"PRAGMA busy_timeout = {WAIT_IN_HURRY * 1000:.0f}")
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._persist("COMMIT")
        except sqlite3.Error as error:
            raise self._explain(error) from error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        if self._reserve is not None:
            self._reserve.fill()

    def version(self) -> tuple[int, int]:
        """Return what is another one once anybody, we or another connection, has changed the file. Raises StoreUnavailable.

        Not for a transaction: nothing here would tell that what was read in it was rolled back.
        """
        # The first counts what others changed and is blind to us; the second is ours, with what was rolled back.
        return self._pragma("data_version"), self._connection.total_changes

    def size(self) -> int:
        """Return the bytes that the file takes on disk, without its write-ahead log."""
        return self._pragma("page_count") * self._pragma("page_size")

    def used(self) -> int:
        """Return the bytes of the file that hold something, as of the running transaction."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def shrink(self) -> None:
        """Give the file's unused space back to the disk. Not within a transaction. Raises StoreUnavailable."""
        try:
            # `execute` would only take the first of its many steps, one for each page.
            self._connection.executescript("PRAGMA incremental_vacuum")
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _pragma(self, name: str) -> int:
        [(value,)] = self.read(f"PRAGMA {name}")
        return int(value)

    def _persist(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute `sql`. When the disk is full give up the reserve, then do the whole transaction so far again and go on."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except sqlite3.OperationalError as error:
            if not self._make_room(error):
                raise
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        for earlier in self._done:
            self._connection.execute(*earlier)
        return self._connection.execute(sql, parameters).rowcount

    def _make_room(self, error: sqlite3.Error) -> bool:
        """Give up the reserve if that may help against `error`; return whether it did."""
        if error.sqlite_errorcode not in NO_SPACE or self._reserve is None or not self._reserve.release():
            return False
        log.warning("no space, the reserve is given up", path=str(self.path), error=str(error))
        return True

    def _explain(self, error: sqlite3.Error) -> Exception:
        """Return what to raise for `error`; damage is remembered for the next process that opens the file."""
        explained = translated(self.path, error)
        if isinstance(explained, StoreDamaged):
            with suppress(OSError):  # on a full or read-only disk the damage will be met again
                self._damage_mark.touch(0o600)
        return explained

    def expect_whole(self) -> None:
        """Raise StoreDamaged when any process has met damage in the file, which this one may not have read yet."""
        if self._damage_mark.exists():
            raise StoreDamaged(self.path, "it was found damaged", "restart the agent, which sets it aside")

    # -- opening ----------------------------------------------------------------------------------------------------

    def _mark_in_use(self) -> int:
        """Return a descriptor whose shared lock says that this process has the file open."""
        try:
            descriptor = os.open(
                self.path.with_name(f"{self.path.name}-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            mend = "see that its folder exists, is writable for this user, and has free space and inodes"
            raise StoreUnavailable(self.path, f"it cannot be opened ({error.strerror})", mend) from error
        share(descriptor)
        return descriptor

    def _is_alone(self) -> bool:
        """Return whether nobody else has the file open; if so nobody opens it until `_in_use` is locked shared again."""
        try:
            try_to_hold(self._in_use)
        except BlockingIOError:
            share(self._in_use)  # a refused lock has cost us the one we had
            return False
        return True

    def _open_or_replace(self) -> sqlite3.Connection:
        try:
            return self._open_with_room()
        except StoreDamaged:
            self.set_aside = self._set_aside()
        return self._open_with_room()

    def _open_with_room(self) -> sqlite3.Connection:
        """Open; on a disk without space or inodes, once more after the reserve was given up."""
        try:
            return self._open()
        except sqlite3.OperationalError as error:
            if not self._make_room(error):
                raise self._explain(error) from error
        except sqlite3.Error as error:
            raise self._explain(error) from error
        try:
            return self._open()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _open(self) -> sqlite3.Connection:
        self.expect_whole()
        self._create_private()
        # The scheduler's thread uses what the main thread opened; never both at a time.
        connection = sqlite3.connect(
            self.path, timeout=WAIT_FOR_OTHERS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            if connection.execute("PRAGMA page_count").fetchone() == (0,):  # later it would be a write at each opening
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA journal_size_limit = {LARGEST_LOG}")
            if self._check:
                self._look_for_damage(connection)
            migrate(connection, self.path, self._migrations)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create_private(self) -> None:
        """Create the file, readable by its owner only, if it is missing; SQLite gives its other files the same mode.

        One that is there is left alone: closing it here would drop the locks that SQLite holds on it in this process.
        """
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            sync_folder(self.path.parent)

    def _look_for_damage(self, connection: sqlite3.Connection) -> None:
        [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreDamaged(self.path, f"it is damaged ({found})", "restart the agent, which sets it aside")

    def _set_aside(self) -> Path:
        """Move the damaged file out of the way under a dated name. Raises StoreDamaged while another process has it open."""
        if not self._is_alone():
            raise StoreDamaged(self.path, "it is damaged, and in use", "restart the agent, which sets it aside")
        aside = self.path.with_name(f"{self.path.name}{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        for suffix in ("-wal", "-shm", ""):  # the log must never be left to be applied to a new file
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        self._damage_mark.unlink(missing_ok=True)
        log.error("damaged, set aside, begun anew", path=str(self.path), set_aside=str(aside))
        return aside
