"""Has the support catalogue renewed when it is due, by one short-lived child: the daemon speaks to no network."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.configuration.settings import HOUR, CatalogueSettings
from agent.delivery.courier_process import CourierProcess
from collectors._catalogue import KEPT

#: after one that failed, so long until the next: offline is normal, and is not asked about every minute
REST = 6 * HOUR


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told."""

    settings: CatalogueSettings
    state_dir: str


class CatalogueDispatcher:
    """Starts `python -P -m agent.child agent.lifecycle.catalogue` where a catalogue is configured and its copy is old enough."""

    def __init__(self, settings: CatalogueSettings, folder: Path, clock: Clock) -> None:
        """`folder`: the state folder, in which it is kept."""
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._child = CourierProcess("catalogue", clock, module="agent.lifecycle.catalogue")
        self._rests_until = clock.monotonic()

    def consider(self, now: float) -> None:
        """Start a child if it is due at `now` (unix seconds). Raises OSError."""
        self._child.ended()
        due = (
            self._settings.url
            and self._clock.monotonic() >= self._rests_until
            and self._age(now) >= self._settings.every
        )
        if due and not self._child.at_work:
            self._rests_until = self._clock.monotonic() + REST
            self._child.start(Task(settings=self._settings, state_dir=str(self._folder)))

    def stop(self) -> None:
        """End the child; what was kept before stays."""
        self._child.end()

    def _age(self, now: float) -> float:
        """Return the seconds since it was renewed; one that is dated in the future is old, for the clock was wrong then."""
        try:
            age = now - (self._folder / KEPT).stat().st_mtime
        except FileNotFoundError:
            return float("inf")
        return age if age >= 0 else float("inf")
