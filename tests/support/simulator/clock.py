"""Simulated time: a wall clock that may lie, a steady one that never does, and what both were before they were touched."""

from __future__ import annotations

#: in the past, so that nothing depends on the day on which the simulator runs; the clocks are changed a few weeks later
BEGINNING = 1_614_600_000.0  # 2021-03-01 12:00 UTC


class SimulatedClock:
    """The host's two clocks (`agent.clock.Clock`), which move only when they are told to. Seconds everywhere."""

    def __init__(self) -> None:
        """Begin at BEGINNING; the steady clock somewhere else, as on a host that was started yesterday."""
        self.steady = 86_400.0
        self.lie = 0.0

    def now(self) -> float:
        """Return what the host believes the time to be."""
        return self.true + self.lie

    def monotonic(self) -> float:
        """Return seconds that only grow; a host that sleeps does not count them."""
        return self.steady

    @property
    def true(self) -> float:
        """The time as everybody else knows it, the desk among them, but for hosts that slept."""
        return BEGINNING + self.steady

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.steady += seconds

    def step(self, seconds: float) -> None:
        """Move the wall clock alone: a person did, or the host slept for so long."""
        self.lie += seconds
