"""The resident agent: one scheduled tick, one web server, and short-lived children for everything heavy.

The scheduler runs the cycle; the main thread only watches the clock, which APScheduler believes: after a step backwards it
would wait until the old time comes round again, so the job is scheduled anew.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from agent.bundle_dispatch import BundleDispatcher
from agent.clock import Clock, ClockWatch, HostClock
from agent.collecting import CollectionRunner
from agent.config import Configuration, load
from agent.dispatch import Dispatcher
from agent.folder import StateFolder
from agent.host import identify
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from agent.resident import Resident
from agent.status import Snapshot
from agent.store import History, Store
from agent.web.app import make_app
from agent.web.server import WebServer

# How often the main thread looks at the clock: late enough to cost nothing, early enough that no cycle is missed twice.
WATCH_SECONDS = 15.0
TICK = "cycle"


class Daemon:
    """Runs a Resident once per cycle until it is told to stop."""

    def __init__(self, resident: Resident, server: WebServer, clock: Clock, cycle: float) -> None:
        """`cycle`: seconds between two cycles."""
        self.resident = resident
        self.server = server
        self.clock = clock
        self.period = cycle
        self.stopping = threading.Event()
        # The tick runs in the scheduler's own thread: one thread, one tick at a time, no pool.
        self.scheduler = BackgroundScheduler(executors={"default": DebugExecutor()}, timezone=UTC)

    def run(self) -> None:
        """Serve and cycle until SIGTERM or SIGINT; then finish the running cycle, write down what is young, and return.

        Raises StoreDamaged when the records broke: the service manager starts the agent anew, which sets them aside.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.server.start()
        watch = ClockWatch(self.clock)  # before the first cycle, so that no step is missed
        self._schedule()
        self.scheduler.start()
        while not self.resident.fatal and not self.stopping.wait(WATCH_SECONDS):
            if watch.step():
                self._schedule()
        self.scheduler.shutdown(wait=True)
        self.server.stop()
        self.resident.stop()
        if self.resident.fatal:
            raise self.resident.fatal

    def _schedule(self) -> None:
        self.scheduler.add_job(
            self.resident.tick,
            "interval",
            seconds=self.period,
            id=TICK,
            replace_existing=True,
            next_run_time=datetime.now(UTC) + timedelta(milliseconds=10),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,  # a late tick is better than none: after a suspend there is one, not many
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self.stopping.set()


@contextmanager
def compose(
    config_path: Path | None, state_dir: Path, listen: str | None, on_first_cycle: Callable[[Snapshot, str], None]
) -> Iterator[Daemon]:
    """Put the daemon together on its locked state folder; `listen` goes before the configured address.

    on_first_cycle: called once with the first snapshot and the page's address. Raises ConfigErrors, FolderInUse,
    FolderUnusable, StoreUnavailable.
    """
    configuration = load(config_path)
    address = listen or configuration.settings.agent.listen
    clock = HostClock()
    with StateFolder(state_dir) as folder, Store.open(folder.path) as store:
        resident = make_resident(
            configuration, folder, store, clock, lambda snapshot: on_first_cycle(snapshot, f"http://{server.address}/")
        )
        server = WebServer(address, make_app(resident, address))
        yield Daemon(resident, server, clock, configuration.settings.agent.cycle)


def make_resident(
    configuration: Configuration,
    folder: StateFolder,
    store: Store,
    clock: Clock,
    on_first_cycle: Callable[[Snapshot], None] = lambda _: None,
) -> Resident:
    """Return the resident half of the agent, which reads this host by `clock`."""
    settings = configuration.settings
    host = identify(settings.host, folder.path)
    history = History(store, settings.history)
    runner = CollectionRunner(configuration.collectors, clock.monotonic)
    pipeline = Pipeline(configuration, host, store, history, runner.collect)
    dispatcher = Dispatcher(
        store,
        folder.path,
        configuration.source,
        host,
        delivery=settings.delivery,
        clock=clock,
    )
    meanings = {reading.name: reading.meaning for one in configuration.collectors for reading in one.plugin.readings}
    return Resident(
        configuration=configuration,
        folder=folder,
        pipeline=pipeline,
        dispatcher=dispatcher,
        bundles=BundleDispatcher(store, folder.path, configuration, host, clock=clock),
        metrics=Metrics(meanings),
        clock=clock,
        on_first_cycle=on_first_cycle,
    )
