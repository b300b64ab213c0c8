"""What the daemon does each tick: a cycle, the courier if there is work, and the snapshot that everybody reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import structlog

from agent.bundle_dispatch import BundleDispatcher
from agent.case_details import case_details
from agent.clock import Clock, ClockWatch
from agent.config import Configuration
from agent.consent_gate import record_trouble
from agent.dispatch import Dispatcher
from agent.folder import StateFolder
from agent.metrics import Metrics
from agent.outbox import Outbox
from agent.pipeline import Cycle, Pipeline
from agent.snapshot import Surroundings, take_snapshot
from agent.status import CaseDetails, Desk, Snapshot, write_summary
from agent.store import Store, StoreDamaged, StoreUnavailable

# How long a stop waits for a courier in mid-batch; it may be ended at any point, waiting is only politer to the desk.
COURIER_PATIENCE = 3.0
# How long the first summary waits for the first courier, so that it can say what was opened.
FIRST_DELIVERY = 8.0

log = structlog.get_logger()


class Resident:
    """Everything that lives as long as the daemon; also what the web server asks (its PageSource)."""

    def __init__(
        self,
        *,
        configuration: Configuration,
        folder: StateFolder,
        pipeline: Pipeline,
        dispatcher: Dispatcher,
        bundles: BundleDispatcher,
        metrics: Metrics,
        clock: Clock,
        on_first_cycle: Callable[[Snapshot], None],
    ) -> None:
        """`on_first_cycle` is called once, with the first snapshot, when a courier that it started has had its time."""
        self.configuration = configuration
        self.folder = folder
        self.pipeline = pipeline
        self.dispatcher = dispatcher
        self.bundles = bundles
        self.clock = clock
        self.snapshot: Snapshot | None = None
        self.fatal: StoreDamaged | None = None  # only a new start mends it, by setting the damaged records aside
        self._metrics = metrics
        self._on_first_cycle = on_first_cycle
        self._watch = ClockWatch(clock)
        self._number = 0
        self._started_at = clock.now()
        self._finished = self._flushed = clock.monotonic()
        self._troubles: dict[str, str] = {}
        self._requests: dict[str, Counter[str]] = defaultdict(Counter)
        self._failed: set[str] = set()  # desks whose last courier died

    # -- the tick ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Run one cycle. Never raises: a tick that fails is logged, shown by `/healthz`, and tried again at the next."""
        try:
            self._tick()
        except StoreDamaged as error:
            self.fatal = error
        except Exception:
            log.exception("the cycle failed")

    def _tick(self) -> None:
        began = self.clock.monotonic()
        if step := self._watch.step():
            self._clock_moved(step)
        cycle = self.pipeline.cycle(self.clock.now())
        self._note_trouble("store", cycle.trouble)
        self._note_trouble("space", self.pipeline.store.degraded)
        self._note_trouble("consent", record_trouble(self.folder.path))
        self._flush_when_due()
        self._deliver(cycle)
        self._bundle(cycle)
        self._number += 1
        self._show(cycle, began)
        self._finished = self.clock.monotonic()
        if self._number == 1:
            self._first(cycle, began)

    def _first(self, cycle: Cycle, began: float) -> None:
        if cycle.queued:
            self.dispatcher.wait(FIRST_DELIVERY)
            self._show(cycle, began)
        if self.snapshot is not None:
            self._on_first_cycle(self.snapshot)

    def _clock_moved(self, step: float) -> None:
        """Let what is counted by the wall clock go on from where it was. It is done here, in the thread that runs cycles."""
        log.warning("the clock was moved", seconds=round(step, 1))
        try:
            self.pipeline.clock_moved(step, self.clock.now())
            self.dispatcher.clock_moved(step)
        except StoreDamaged:
            raise
        except StoreUnavailable as error:
            log.warning("what the moved clock changed is kept in memory only", trouble=str(error))

    def _deliver(self, cycle: Cycle) -> None:
        try:
            outcomes = self.dispatcher.consider(cycle.at)
        except StoreDamaged:
            raise
        except (OSError, StoreUnavailable) as error:
            self._note_trouble("courier", f"the courier cannot be started: {error}")
            return
        for desk, outcome in outcomes.items():
            self._requests[desk][outcome] += 1
            (self._failed.add if outcome == "failed" else self._failed.discard)(desk)
        died = f"the courier for {', '.join(sorted(self._failed))} ended with an error; see the log"
        self._note_trouble("courier", died if self._failed else "")

    def _bundle(self, cycle: Cycle) -> None:
        try:
            self.bundles.consider(cycle.cases.values(), cycle.at)
        except StoreDamaged:
            raise
        except (OSError, StoreUnavailable) as error:
            self._note_trouble("bundle", f"no log bundles are made: {error}")
        else:
            self._note_trouble("bundle", "")

    def _flush_when_due(self) -> None:
        if self.clock.monotonic() - self._flushed < self.configuration.settings.history.flush:
            return
        self._flushed = self.clock.monotonic()
        self._flush()

    def _flush(self) -> None:
        try:
            self.pipeline.flush(self.clock.now())
            self.bundles.forget(before=self.clock.now() - self.configuration.settings.bundle.keep)
        except StoreUnavailable as error:
            self._note_trouble("history", f"history is kept in memory only: {error}")
        else:
            self._note_trouble("history", "")

    def _note_trouble(self, mode: str, trouble: str) -> None:
        """Remember a degraded mode, and log its beginning and its end, not each cycle of it."""
        if trouble and mode not in self._troubles:
            log.error("degraded", mode=mode, trouble=trouble)
        elif not trouble and mode in self._troubles:
            log.info("no longer degraded", mode=mode)
            del self._troubles[mode]
        if trouble:
            self._troubles[mode] = trouble

    def _show(self, cycle: Cycle, began: float) -> None:
        store = self.pipeline.store
        around = Surroundings(
            number=self._number,
            started_at=self._started_at,
            duration=self.clock.monotonic() - began,
            period=self.cycle,
            first_look_ends=store.installed_at + self.configuration.settings.agent.first_look,
            desks=[self._desk(name) for name in self.dispatcher.desks],
            degraded=dict(self._troubles),
            history_bytes=self.pipeline.history.size(),
        )
        self.snapshot = take_snapshot(cycle, self.configuration, self.pipeline.host, around)
        self._metrics.update(self.snapshot)
        try:
            write_summary(self.folder.path, self.snapshot)
        except OSError as error:
            self._note_trouble("status", f"status.json cannot be written: {error.strerror}")
        else:
            self._note_trouble("status", "")

    def _desk(self, name: str) -> Desk:
        health = self.dispatcher.health(name)
        return Desk(
            name=name,
            queue=Outbox(self.pipeline.store).summary(name),
            reachable=health.reachable,
            detail=health.detail,
            last_contact=health.last_contact,
            requests=dict(self._requests[name]),
        )

    # -- around it --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Write down what is young, and end the courier."""
        self._flush()
        self.bundles.stop()
        self.dispatcher.stop(COURIER_PATIENCE)

    # -- what the page asks -----------------------------------------------------------------------------------------

    @property
    def cycle(self) -> float:
        """Seconds between two cycles."""
        return self.configuration.settings.agent.cycle

    def seconds_since_cycle(self) -> float:
        """Return how long ago the last cycle finished, or since when we run."""
        return self.clock.monotonic() - self._finished

    def store_trouble(self) -> str:
        """Return why the store cannot be written, empty while it can."""
        return self._troubles.get("store", "")

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return content type and bytes of `/metrics`."""
        return self._metrics.text(accept)

    def find_cases(self, prefix: str) -> list[CaseDetails]:
        """Return the cases whose key starts so, with their stories, by a connection of the asking thread's own."""
        summaries = {rule.id: rule.summary for rule, _ in self.configuration.rules}
        with Store.open(self.folder.path) as store:
            found = store.find_cases(prefix)
            return [case_details(store, self.folder.path, case, summaries) for case in found]
