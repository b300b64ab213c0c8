"""What goes wrong, decided by the seed alone: how the desks and the disk are, and at which call somebody dies.

Three things end a life's step early. They are no `Exception`, so that no code under test can take them for one of its own:

Crash       the agent and its children died, as by kill -9 or a power cut
Killed      only the child that was at work died
Violation   a promise was broken
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from random import Random
from typing import Literal

from ticketing_clients import DeskUnreachable, NotAuthorised, OutcomeUnknown, Rejected, Throttled

HOUR = 3600.0


class Crash(BaseException):
    """The agent died here."""


class Killed(BaseException):
    """The child that was at work died here."""


class Violation(BaseException):
    """A promise was broken; the message says which and how."""


DeskMood = Literal["well", "down", "slow", "lossy", "errors", "html", "throttled", "locked_out", "refusing", "odd"]
DiskMood = Literal["well", "full", "read_only", "failing"]
DESK_MOODS: tuple[DeskMood, ...] = (
    "down",
    "slow",
    "lossy",
    "errors",
    "html",
    "throttled",
    "locked_out",
    "refusing",
    "odd",
)
DISK_MOODS: tuple[DiskMood, ...] = ("full", "read_only", "failing")

# After the agent has given up its reserve, so many statements find room; then the disk is full again.
ROOM_OF_THE_RESERVE = 40
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "WITH ", "CREATE")


class Faults:
    """The faults of one life. tally: how often each was met, by kind. without: kinds that do not happen."""

    def __init__(self, chance: Random, without: Collection[str] = ()) -> None:
        """Everything is well until it is told otherwise."""
        self.chance = chance
        self.tally: Counter[str] = Counter()
        self.raging = True
        self.disk: DiskMood = "well"
        self.desks: dict[str, DeskMood] = {}
        self.room = 0
        self._without = frozenset(without)
        self._dies_in: int | None = None
        self._dies_with: type[BaseException] = Crash

    def strikes(self, kind: str, probability: float = 1.0) -> bool:
        """Return whether a fault of this kind happens now, and count it."""
        drawn = (
            self.chance.random() < probability
        )  # drawn in any case: without one kind, the others stay where they were
        if not drawn or not self.raging or kind in self._without:
            return False
        self.tally[kind] += 1
        return True

    def die_after(self, calls: int, how: type[BaseException]) -> None:
        """Let the agent, or its child, die at the call with this number from here, at the disk or at a desk."""
        self._dies_in, self._dies_with = calls, how

    def live(self) -> None:
        """Take that back."""
        self._dies_in = None

    def call(self) -> None:
        """Count a call to the disk or to a desk; raises Crash or Killed at the one that was chosen."""
        if self._dies_in is None:
            return
        self._dies_in -= 1
        if self._dies_in <= 0:
            self._dies_in = None
            kind = "crash at a call" if self._dies_with is Crash else "courier killed at a call"
            if self.strikes(kind):
                raise self._dies_with

    # -- the disk ---------------------------------------------------------------------------------------------------

    def statement(self, sql: str) -> None:
        """Meet the disk with one statement. Raises sqlite3.OperationalError as SQLite would."""
        self.call()
        if self.disk == "well":
            return
        writes = sql.lstrip().startswith(_WRITES)
        if self.disk == "full" and writes:
            if self.room > 0:
                self.room -= 1
            elif self.strikes("disk full"):
                raise _error("database or disk is full", sqlite3.SQLITE_FULL)
        elif self.disk == "read_only" and writes and self.strikes("disk read-only"):
            raise _error("attempt to write a readonly database", sqlite3.SQLITE_READONLY)
        elif self.disk == "failing" and (writes or sql.startswith("SELECT")) and self.strikes("disk error", 0.2):
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC if writes else sqlite3.SQLITE_IOERR_READ)

    # -- the desks --------------------------------------------------------------------------------------------------

    def before(self, desk: str, *, changes: bool) -> None:
        """Meet the desk before it has done anything. Raises DeskError, or what a client of somebody else's would let slip."""
        self.call()
        match self.desks.get(desk, "well"):
            case "down" if self.strikes("desk down"):
                raise DeskUnreachable(f"{desk}: connection refused")
            case "locked_out" if self.strikes("desk locks us out"):
                raise NotAuthorised(f"{desk}: 401")
            case "throttled" if self.strikes("desk throttles", 0.7):
                wait = self.chance.choice([None, 30.0, HOUR])
                raise Throttled(f"{desk}: 429", wait, ticket_only=self.chance.random() < 0.2)
            case "refusing" if changes and self.strikes("desk refuses", 0.4):
                raise Rejected(f"{desk}: 422")
            case "lossy" if self.strikes("request lost", 0.3):
                raise OutcomeUnknown(f"{desk}: reset before it was read")
            case "html" if not changes and self.strikes("HTML with 200", 0.5):
                raise OutcomeUnknown(f"{desk}: HTML with 200")
            case "odd" if self.strikes("client fails", 0.2):
                raise KeyError("id")

    def after(self, desk: str, *, changes: bool) -> None:
        """Meet the desk after it has done what it was asked for. Raises OutcomeUnknown."""
        self.call()
        match self.desks.get(desk, "well"):
            case "lossy" if self.strikes("answer lost after commit", 0.4):
                raise OutcomeUnknown(f"{desk}: reset in the answer")
            case "errors" if self.strikes("5xx after commit", 0.6):
                raise OutcomeUnknown(f"{desk}: 500")
            case "html" if changes and self.strikes("HTML with 200", 0.5):
                raise OutcomeUnknown(f"{desk}: HTML with 200")
            case "odd" if self.strikes("client fails", 0.2):
                raise KeyError("id")

    def latency(self, desk: str) -> float:
        """Return how long the desk takes for a call, seconds."""
        if self.desks.get(desk) == "slow" and self.strikes("desk slow"):
            return self.chance.uniform(5.0, 90.0)
        return 0.05


def _error(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error
