"""What the daemon does each tick: a cycle, the courier if there is work, and the snapshot everybody reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import structlog

from agent.clock import Clock
from agent.config import Configuration
from agent.dispatch import Dispatcher
from agent.metrics import Metrics
from agent.outbox import Outbox
from agent.pipeline import Pipeline
from agent.snapshot import Surroundings, take_snapshot
from agent.status import CaseDetails, Snapshot, write_summary
from agent.store import Store, StoreUnavailable

log = structlog.get_logger()

# How long a stop waits for a courier in mid-batch; it may be ended at any point, waiting is only politer to the desk.
COURIER_PATIENCE = 3.0


class Resident:
    """Everything that lives as long as the daemon; also what the web server asks (`PageSource`)."""

    def __init__(
        self,
        configuration: Configuration,
        pipeline: Pipeline,
        dispatcher: Dispatcher,
        metrics: Metrics,
        clock: Clock,
        on_first_cycle: Callable[[Snapshot], None],
    ) -> None:
        """`on_first_cycle` is called once, with the first snapshot, when a courier it started has had its time."""
        self.configuration = configuration
        self.pipeline = pipeline
        self.dispatcher = dispatcher
        self._metrics = metrics
        self.clock = clock
        self.on_first_cycle = on_first_cycle
        self.snapshot: Snapshot | None = None
        self._number = 0
        self._started_at = clock.now()
        self._finished = clock.monotonic()
        self._flushed = clock.monotonic()
        self._degraded: dict[str, str] = {}

    @property
    def store(self) -> Store:
        """The store of the pipeline."""
        return self.pipeline.store
