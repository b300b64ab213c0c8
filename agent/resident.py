"""What the daemon does each tick: a cycle, the courier if there is work, and the snapshot that everybody reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.clock import Clock, ClockWatch
from agent.configuration.config import Configuration
from agent.consent.gate import RecordWatch, look
from agent.delivery.bundle_dispatch import BundleDispatcher
from agent.delivery.dispatch import Dispatcher
from agent.delivery.heartbeat import Heartbeat
from agent.delivery.outbox import Outbox
from agent.following.model import DeskHealth, KeptPromises
from agent.lifecycle.dispatch import CatalogueDispatcher
from agent.logs import get_logger
from agent.metrics import Metrics
from agent.pipeline import Cycle, Pipeline
from agent.report.dispatch import ReportDispatcher
from agent.snapshot import Surroundings, take_snapshot
from agent.status import CaseDetails, Desk, Queue, Snapshot, write_summary
from agent.store import Store, StoreDamaged, StoreUnavailable
from agent.system.children import end_children
from agent.system.folder import StateFolder
from agent.web.consent import ConsentView, consent_view

# How long a stop waits for a courier in mid-batch; it may be ended at any point, waiting is only politer to the desk.
COURIER_PATIENCE = 3.0
# How long the first summary waits for the first courier, so that it can say what was opened.
FIRST_DELIVERY = 8.0
# For so many cycles after it was moved the clock is said to be unsure: seen by whoever scrapes, and no alarm unless it goes on.
UNSURE_CYCLES = 3

log = get_logger()


class _Recorded(NamedTuple):
    """What is shown of the records: by desk, how it was and what waits for it; and how promises were kept."""

    desks: Mapping[str, tuple[DeskHealth, Queue]]
    promises: list[KeptPromises]


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
        catalogue: CatalogueDispatcher,
        heartbeat: Heartbeat,
        reports: ReportDispatcher,
        metrics: Metrics,
        clock: Clock,
        on_first_cycle: Callable[[Snapshot], None],
        leave_collectors: Callable[[], None],
        runtime: Path | None,
    ) -> None:
        """`on_first_cycle` is called once, with the first snapshot, when a courier that it started has had its time.

        runtime: a folder in memory for what only tells of now; None where there is none.
        leave_collectors: lets a running cycle wait for no collector any more.
        """
        self._leave_collectors = leave_collectors
        self.configuration = configuration
        self.folder = folder
        self.runtime = runtime
        self.pipeline = pipeline
        self.dispatcher = dispatcher
        self.bundles = bundles
        self.catalogue = catalogue
        self.heartbeat = heartbeat
        self.reports = reports
        self.clock = clock
        self.snapshot: Snapshot | None = None
        self.fatal: StoreDamaged | None = None  # only a new start mends it, by setting the damaged records aside
        self._metrics = metrics
        self._on_first_cycle = on_first_cycle
        self._watch = ClockWatch(clock)
        self._consent_record = RecordWatch(folder.path)
        self._number = 0
        self._started_at = clock.now()
        self._finished = self._flushed = clock.monotonic()
        # By how many seconds the clock was moved last, and until when it is unsure.
        self._moved = 0.0, clock.monotonic()
        # What the records say of each desk and of promises, of which desks, and in which version of the records.
        self._recorded = _Recorded({}, [])
        self._recorded_of: tuple[tuple[int, int], tuple[str, ...]] | None = None
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
        except Exception as error:
            if "cycle" not in self._troubles:  # where each one fails, the whole story is told once
                log.exception("the cycle failed")
            self._show_failure(error)

    def _show_failure(self, error: Exception) -> None:
        """Have page and metrics, which stay those of the last cycle that finished, say that another one did not."""
        self.note_trouble("cycle", f"the last cycle failed, the log says where: {type(error).__name__}: {error}")
        if self.snapshot is None:
            return
        self.snapshot = msgspec.structs.replace(self.snapshot, degraded=dict(self._troubles))
        try:
            self._metrics.update(self.snapshot)
        except Exception:  # most likely what failed just now, and is told
            log.debug("the metrics stay as they were", exc_info=True)

    def _tick(self) -> None:
        began = self.clock.monotonic()
        if step := self._watch.step():
            self._clock_moved(step)
        cycle = self.pipeline.cycle(self.clock.now())
        self.note_trouble("cycle", "")
        self.note_trouble("clock", self._unsure_clock())
        self.note_trouble("store", cycle.trouble)
        self.note_trouble("space", self.pipeline.store.degraded)
        self.note_trouble("set_aside", self.pipeline.store.set_aside_before)
        self.note_trouble("consent", self._consent_record.trouble())
        self._flush_when_due()
        self._deliver(cycle)
        self._bundle(cycle)
        self._renew(cycle)
        self._report(cycle)
        self._show_life()
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
        self._moved = (step, self.clock.monotonic() + UNSURE_CYCLES * self.cycle)
        self.dispatcher.recall()
        try:
            self.pipeline.clock_moved(step, self.clock.now())
            self.dispatcher.clock_moved(step)
        except StoreDamaged:
            raise
        except StoreUnavailable as error:
            log.warning("what the moved clock changed is kept in memory only", trouble=str(error))

    def _unsure_clock(self) -> str:
        """Return what a clock that was moved a few cycles ago costs; empty when it was not."""
        step, until = self._moved
        if self.clock.monotonic() >= until:
            return ""
        return (
            f"the clock went {step:+,.0f} s at once: it was set, or the host slept; earlier times may be wrong by that"
        )

    def _deliver(self, cycle: Cycle) -> None:
        try:
            outcomes = self.dispatcher.consider(cycle.at)
        except StoreDamaged:
            raise
        except (OSError, StoreUnavailable) as error:
            self.note_trouble("courier", f"the courier cannot be started: {error}")
            return
        for desk, outcome in outcomes.items():
            self._requests[desk][outcome] += 1
            (self._failed.add if outcome == "failed" else self._failed.discard)(desk)
        if "failed" in outcomes.values():
            self.pipeline.store.expect_whole()  # what a courier died of may have to be set aside, which takes a new start
        died = f"the courier for {', '.join(sorted(self._failed))} ended with an error; see the log"
        self.note_trouble("courier", died if self._failed else "")

    def _bundle(self, cycle: Cycle) -> None:
        try:
            self.bundles.consider(cycle.cases.values(), cycle.at)
        except StoreDamaged:
            raise
        except (OSError, StoreUnavailable) as error:
            self.note_trouble("bundle", f"no log bundles are made: {error}")
        else:
            self.note_trouble("bundle", "")

    def _renew(self, cycle: Cycle) -> None:
        try:
            self.catalogue.consider(cycle.at)
        except OSError as error:
            self.note_trouble("catalogue", f"the support catalogue cannot be renewed: {error}")
        else:
            self.note_trouble("catalogue", "")

    def _report(self, cycle: Cycle) -> None:
        try:
            self.reports.consider(cycle.at)
        except StoreDamaged:
            raise
        except (OSError, StoreUnavailable) as error:
            self.note_trouble("report", f"no health report is made: {error}")
        else:
            self.note_trouble("report", "")

    def _show_life(self) -> None:
        try:
            self.note_trouble("heartbeat", self.heartbeat.consider())
        except OSError as error:
            self.note_trouble("heartbeat", f"no heartbeat is sent: {error}")

    def _flush_when_due(self) -> None:
        due = self.clock.monotonic() - self._flushed >= self.configuration.settings.history.flush
        # What could not be written the last time is not tried in each cycle.
        if not due and (not self.pipeline.history.pressing or "history" in self._troubles):
            return
        self._flushed = self.clock.monotonic()
        self._flush()

    def _flush(self) -> None:
        try:
            self.pipeline.flush(self.clock.now())
            self.bundles.forget(before=self.clock.now() - self.configuration.settings.bundle.keep)
        except StoreUnavailable as error:
            self.note_trouble("history", f"history is kept in memory only: {error}")
        else:
            self.note_trouble("history", "")

    def note_trouble(self, mode: str, trouble: str) -> None:
        """Remember a degraded mode, and log its beginning and its end, not each cycle of it."""
        if trouble and mode not in self._troubles:
            log.error("degraded", mode=mode, trouble=trouble)
        elif not trouble and mode in self._troubles:
            log.info("no longer degraded", mode=mode)
            del self._troubles[mode]
        if trouble:
            self._troubles[mode] = trouble

    def _show(self, cycle: Cycle, began: float) -> None:
        recorded = self._read_records()
        around = Surroundings(
            number=self._number,
            started_at=self._started_at,
            duration=self.clock.monotonic() - began,
            period=self.cycle,
            first_look_ends=self.pipeline.first_look_ends,
            desks=[self._desk(name, *read) for name, read in recorded.desks.items()],
            degraded=dict(self._troubles),
            history_bytes=self.pipeline.history.size(),
            promises=recorded.promises,
        )
        self.snapshot = take_snapshot(cycle, self.configuration, self.pipeline.host, around)
        self._metrics.update(self.snapshot)
        try:
            write_summary(self.folder.path, self.snapshot, self.runtime)
        except OSError as error:
            self.note_trouble("status", f"status.json cannot be written: {error.strerror}")
        else:
            self.note_trouble("status", "")

    def _read_records(self) -> _Recorded:
        """Return what is shown of the records; it is read again when anybody has changed them, or another desk is served."""
        store = self.pipeline.store
        wanted = store.version(), self.dispatcher.desks
        if wanted != self._recorded_of:
            outbox = Outbox(store)
            desks = {name: (self.dispatcher.health(name), outbox.summary(name)) for name in self.dispatcher.desks}
            self._recorded, self._recorded_of = _Recorded(desks, store.kept_promises), wanted
        return self._recorded

    def _desk(self, name: str, health: DeskHealth, queue: Queue) -> Desk:
        return Desk(
            name=name,
            queue=queue,
            reachable=health.reachable,
            detail=health.detail,
            last_contact=health.last_contact,
            requests=dict(self._requests[name]),
        )

    # -- around it --------------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Let a running cycle wait for nobody, as it is the last; may be called from another thread."""
        self._leave_collectors()
        self.pipeline.store.hurry()

    def stop(self) -> None:
        """Write down what is young, and end the courier."""
        self._flush()
        self.bundles.stop()
        self.catalogue.stop()
        self.heartbeat.stop()
        self.reports.stop()
        end_children()
        self.dispatcher.stop(COURIER_PATIENCE)

    # -- what the page asks -----------------------------------------------------------------------------------------

    @property
    def cycle(self) -> float:
        """Seconds between two cycles."""
        return self.configuration.settings.agent.cycle

    @property
    def records(self) -> str:
        """The state folder."""
        return str(self.folder.path)

    @property
    def wording(self) -> str:
        """IT's folder of wording; empty when there is none."""
        return self.configuration.settings.wording.folder or ""

    def consent(self) -> ConsentView:
        """Return what may leave the host now."""
        rules = [(rule.id, rule.type) for rule in self.configuration.rules_by_id.values()]
        return consent_view(look(self.folder.path, self.configuration, self.clock.now()), rules, self.clock.now())

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
        from agent.case_details import case_details  # noqa: PLC0415 - few open the page of a case; it needs the local desk

        summaries = {rule.id: rule.summary for rule, _ in self.configuration.rules}
        with Store.open(self.folder.path) as store:
            found = store.find_cases(prefix)
            return [case_details(store, self.folder.path, case, summaries) for case in found]
