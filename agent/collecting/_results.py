"""What came of collecting: of one run of one collector, and of a round of all."""

from __future__ import annotations

import msgspec

from collectors import CouldNotCheck, Reading


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One collector's last run, as the runner saw it.

    success: whether the collector as a whole could read its source; single gaps are in `unchecked`.
    not_supported: why there is nothing of its kind on this host; then it is neither a success nor a failure.
    duration: seconds. at: unix seconds when it was started. names: of the readings it yielded, sorted.
    reason: why it failed, in plain words.
    """

    collector: str
    success: bool
    duration: float
    at: float
    readings: int = 0
    names: list[str] = []
    unchecked: list[CouldNotCheck] = []
    not_supported: str = ""
    reason: str = ""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the host after one round. Readings of a collector that was not due carry the time they were taken.

    fresh: those that were taken since the round before; None where all were.
    """

    readings: tuple[Reading, ...] = ()
    fresh: tuple[Reading, ...] | None = None
    unchecked: tuple[CouldNotCheck, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


class Result(msgspec.Struct, frozen=True):
    """What one run read, and how it went."""

    readings: tuple[Reading, ...]
    outcome: Outcome
