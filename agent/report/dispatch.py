"""Has a health report made when a period is over, by one short-lived child: the daemon reads no year of history."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.clock import Clock
from agent.configuration.config import ConfigFile, Configuration
from agent.configuration.settings import HOUR
from agent.delivery.courier_process import CourierProcess
from agent.logs import get_logger
from agent.report.schedule import due
from agent.store import Store
from agent.system.host import HostIdentity

#: so often it is looked whether one is due; one that failed is tried again at the next look but so many
LOOK = HOUR
REST = 6 * HOUR

log = get_logger()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told. now: the daemon's unix time."""

    config: ConfigFile | None
    state_dir: str
    host: HostIdentity
    now: float


class ReportDispatcher:
    """Starts `python -P -m agent.child agent.report.scheduled` where a report is due and was not made."""

    def __init__(
        self, store: Store, folder: Path, configuration: Configuration, host: HostIdentity, clock: Clock
    ) -> None:
        """`folder`: the state folder."""
        self._store = store
        self._folder = folder
        self._configuration = configuration
        self._host = host
        self._clock = clock
        self._child = CourierProcess("report", clock, module="agent.report.scheduled")
        self._rests_until = clock.monotonic()

    def consider(self, now: float) -> None:
        """Start a child if one is due at `now` (unix seconds). Raises OSError, StoreUnavailable."""
        if status := self._child.ended():
            log.error("the health report failed", status=status)
        if self._child.at_work or self._clock.monotonic() < self._rests_until:
            return
        self._rests_until = self._clock.monotonic() + LOOK
        wanted = due(
            self._configuration.settings.report.schedule,
            now,
            ZoneInfo(self._configuration.zone),
            known_since=self._store.installed_at,
            reported=self._store.reported,
        )
        if wanted is not None:
            self._rests_until = self._clock.monotonic() + REST
            self._child.start(
                Task(config=self._configuration.file, state_dir=str(self._folder), host=self._host, now=now)
            )

    def stop(self) -> None:
        """End the child; what it had not finished is made again."""
        self._child.end()
