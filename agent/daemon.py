"""The resident agent: one scheduled tick, one web server, and short-lived children for everything heavy.

The scheduler runs the cycle; the main thread only watches: the clock, which APScheduler believes (after a step backwards it
would wait until the old time comes round again, so the job is scheduled anew), the cycle's pulse, of which it tells the
service manager, and signals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.clock import Clock, ClockWatch, HostClock
from agent.collecting import CollectionRunner
from agent.configuration.config import Configuration
from agent.configuration.decode import ConfigErrors
from agent.delivery.bundle_dispatch import BundleDispatcher
from agent.delivery.dispatch import Dispatcher
from agent.delivery.heartbeat import Beat, Heartbeat
from agent.lifecycle.dispatch import CatalogueDispatcher
from agent.logs import get_logger
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from agent.report.dispatch import ReportDispatcher
from agent.resident import Resident
from agent.startup import load_all
from agent.status import LATE_CYCLES, Snapshot
from agent.store import History, Store
from agent.system.folder import StateFolder
from agent.system.host import identify
from agent.system.light_imports import leaving_out
from agent.system.orders import Orders
from agent.system.service_manager import heartbeat, notify, notify_reloading, runtime_folder
from agent.web.app import make_app
from agent.web.server import WebServer, no_tls

# Our jobs run in the scheduler's own thread, not in its pools of threads and processes, nor in coroutines.
with leaving_out(
    {
        "asyncio": ["iscoroutinefunction"],
        "concurrent.futures": [],
        "concurrent.futures.process": ["BrokenProcessPool"],
        "multiprocessing": [],
    }
):
    from apscheduler.executors.debug import DebugExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

if TYPE_CHECKING:
    from agent.web.web_config import Guard

# How often the main thread looks at the clock: late enough to cost nothing, early enough that no cycle is missed twice.
WATCH_SECONDS = 15.0
TICK = "cycle"

log = get_logger()


class Daemon:
    """Runs a Resident once per cycle until it is told to stop, or to go on with another configuration."""

    def __init__(self, resident: Resident, server: WebServer, clock: Clock, cycle: float, orders: Orders) -> None:
        """`cycle`: seconds between two cycles."""
        self.resident = resident
        self.server = server
        self.clock = clock
        self.period = cycle
        self.orders = orders
        # The tick runs in the scheduler's own thread: one thread, one tick at a time, no pool.
        self.scheduler = BackgroundScheduler(executors={"default": DebugExecutor()}, timezone=UTC)

    def run(self) -> Configuration | None:
        """Serve and cycle until the order to stop; then finish the running cycle, write down what is young, and return.

        Told to read the configuration anew, return it if it is good, for a Daemon made of it; if it is not, go on.
        Raises StoreDamaged when the records broke: the service manager starts the agent anew, which sets them aside.
        """
        self.server.start()
        watch = ClockWatch(self.clock)  # before the first cycle, so that no step is missed
        self._schedule()
        self.scheduler.start()
        notify("READY=1")
        following = self._watch(watch)
        self.resident.hurry()
        self.scheduler.shutdown(wait=True)
        self.server.stop()
        self.resident.stop()
        if self.resident.fatal:
            raise self.resident.fatal
        return following

    def _watch(self, clock: ClockWatch) -> Configuration | None:
        """Return when it is time to stop, with the configuration to go on with if there is one."""
        pause = min(WATCH_SECONDS, heartbeat() or WATCH_SECONDS)
        while not self.resident.fatal and not self.orders.stop:
            self.orders.wait(pause)
            if clock.step():
                self._schedule()
            if self.resident.seconds_since_cycle() < LATE_CYCLES * self.period:
                notify("WATCHDOG=1")
            if self.orders.take_reload() and (following := self._read_anew()):
                return following
        notify("STOPPING=1")
        return None

    def _read_anew(self) -> Configuration | None:
        """Return the configuration as its file is now; None when it cannot be used, which is said wherever people look."""
        notify_reloading()
        try:
            configuration = load_all(self.resident.configuration.source, self.resident.folder.path)
        except ConfigErrors as error:
            log.error("the configuration is wrong, the old one stays in force", detail=str(error))  # noqa: TRY400 - no fault of ours
            self.resident.note_trouble("configuration", f"the old one stays in force: {error}")
            notify("READY=1", "STATUS=The old configuration stays in force, the file is wrong; see the log.")
            return None
        log.info("going on with the configuration as it is now", file=str(configuration.source or "built-in defaults"))
        return configuration

    def _schedule(self) -> None:
        self.scheduler.add_job(
            self.resident.tick,
            "interval",
            seconds=self.period,
            id=TICK,
            replace_existing=True,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,  # a late tick is better than none: after a suspend there is one, not many
        )


@contextmanager
def compose(
    configuration: Configuration,
    state_dir: Path,
    listen: str | None,
    orders: Orders,
    on_first_cycle: Callable[[Snapshot, str], None],
) -> Iterator[Daemon]:
    """Put the daemon together on its locked state folder; `listen` goes before the configured address.

    on_first_cycle: called once with the first snapshot and the page's address. Raises FolderInUse, FolderUnusable,
    StoreUnavailable.
    """
    address = listen or configuration.settings.agent.listen
    clock = HostClock()
    with StateFolder(state_dir) as folder, Store.open(folder.path) as store:
        resident = make_resident(
            configuration,
            folder,
            store,
            clock,
            lambda snapshot: on_first_cycle(snapshot, f"{server.scheme}://{server.address}/"),
            runtime=runtime_folder(),
        )
        door = _door(configuration.settings.agent.web_config)
        server = WebServer(address, make_app(resident, address, door=door), door.tls if door else no_tls)
        yield Daemon(resident, server, clock, configuration.settings.agent.cycle, orders)


def _door(web_config: str) -> Guard | None:
    """Return who asks people who they are, by the file of this name; None when there is no name."""
    if not web_config:
        return None
    from agent.web.web_config import Guard  # noqa: PLC0415 - brings TLS, YAML and bcrypt, which few need

    return Guard(Path(web_config))


def make_resident(
    configuration: Configuration,
    folder: StateFolder,
    store: Store,
    clock: Clock,
    on_first_cycle: Callable[[Snapshot], None] = lambda _: None,
    *,
    runtime: Path | None = None,
) -> Resident:
    """Return the resident half of the agent, which reads this host by `clock`.

    runtime: a folder in memory, as `Resident` takes it.
    """
    settings = configuration.settings
    host = identify(settings.host, folder.path)
    history = History(store, settings.history)
    runner = CollectionRunner(configuration.collectors, clock.monotonic, patient=False)
    pipeline = Pipeline(configuration, host, store, history, runner.collect)
    beat = Beat(
        settings=settings.heartbeat,
        secrets=settings.secrets,
        config=configuration.file,
        state_dir=str(folder.path),
        host=host,
    )
    dispatcher = Dispatcher(
        store,
        folder.path,
        configuration.file,
        host,
        delivery=settings.delivery,
        rating_within=settings.cases.rating_within,
        clock=clock,
        news={name: plugin.news for name, (plugin, _) in configuration.desks.items() if plugin.news},
    )
    meanings = {reading.name: reading.meaning for one in configuration.collectors for reading in one.readings}
    return Resident(
        configuration=configuration,
        folder=folder,
        pipeline=pipeline,
        dispatcher=dispatcher,
        bundles=BundleDispatcher(store, folder.path, configuration, host, clock=clock),
        catalogue=CatalogueDispatcher(settings.catalogue, folder.path, clock),
        heartbeat=Heartbeat(beat, clock),
        reports=ReportDispatcher(store, folder.path, configuration, host, clock),
        metrics=Metrics(meanings),
        clock=clock,
        on_first_cycle=on_first_cycle,
        leave_collectors=runner.leave,
        runtime=runtime,
    )
