"""Whether a look at a ticket could show anything that the last one did not: what the daemon can tell of it without a courier."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.following.model import Case
from ticketing_clients import TicketRef


class Sight(msgspec.Struct, frozen=True):
    """All that a look depends on: while this is the same, so is what it shows, and what that means to the case.

    changed_at: since when (unix seconds) the case is in its state.
    """

    ticket: TicketRef | None
    changed_at: float
    files: tuple[tuple[int, int, int] | None, ...]


def sight(case: Case, folder: Path, files: Iterable[str]) -> Sight | None:
    """Return how the case and the files of its desk are now; None for a desk that keeps what it has elsewhere.

    files: their names in `folder`. Each is told apart by inode, size and time of its last change; None where there is none.
    Raises OSError for one that is there and cannot be asked.
    """
    stamps = tuple(_stamp(folder / name) for name in files)
    return Sight(case.ticket, case.changed_at, stamps) if stamps else None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
