"""The time, injected. Wall-clock time dates things, monotonic time measures how long they take."""

from __future__ import annotations

import time
from typing import Protocol

# NTP slews within this; whatever is more was a step (a person, a resume, a virtual machine moved).
STEP_SECONDS = 5.0


class Clock(Protocol):
    """Both times, in seconds."""

    def now(self) -> float:
        """Return unix seconds by the host's wall clock, which may be wrong and may jump."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow evenly."""


class HostClock:
    """The host's own clocks."""

    def now(self) -> float:
        """Return unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()


class ClockWatch:
    """Notices when the wall clock was moved."""

    def __init__(self, clock: Clock) -> None:
        """Start from the clock as it is now."""
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()

    def step(self) -> float:
        """Return by how many seconds the wall clock has been moved since the last call; 0.0 when it was not."""
        offset = self._clock.now() - self._clock.monotonic()
        moved = offset - self._offset
        if abs(moved) <= STEP_SECONDS:
            return 0.0
        self._offset = offset
        return moved
