"""The agent in one process: its own resident half, couriers and bundling, with the children run when the simulator says so."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from agent.bundle import Built, Manifest, Request
from agent.clock import Clock
from agent.configuration.config import Configuration
from agent.courier import deliver
from agent.daemon import make_resident
from agent.delivery.bundle_dispatch import Task
from agent.delivery.bundling import Bundling, Refusal
from agent.delivery.courier_process import LONGEST_BATCH
from agent.delivery.job import Job
from agent.following.facts import DiagnosisFacts, FoundFact
from agent.pipeline import Cycle
from agent.resident import Resident
from agent.store import Store, StoreUnavailable
from agent.system.folder import StateFolder, put
from simulator.clock import SimulatedClock
from simulator.configurations import configuration
from simulator.desk import SimulatedDesk
from simulator.faults import Faults, Killed, Violation
from simulator.host import SimulatedHost
from ticketing_clients import ClientOptions, ClientPlugin

#: stands in what only consent lets out, and nowhere else
PLANTED = "/srv/planted"


#: who starts children; those that are neither couriers nor make bundles end at once here
STARTERS = (
    "agent.delivery.dispatch",
    "agent.delivery.bundle_dispatch",
    "agent.delivery.heartbeat",
    "agent.lifecycle.dispatch",
    "agent.report.dispatch",
)


class Child:
    """A courier, or the child that makes bundles, as the daemon knows it (`CourierProcess`); `work` runs it in its turn."""

    def __init__(self, office: Office, name: str, clock: Clock, module: str = "agent.courier") -> None:
        self.module = module
        self.name = name
        self._office = office
        self._clock = clock
        self._task: Any = None
        self._status: int | None = None
        self._started = 0.0

    @property
    def at_work(self) -> bool:
        return self._task is not None

    @property
    def has_work(self) -> bool:
        """Whether it was started and has not run yet."""
        return self._task is not None and self._status is None

    def start(self, task: Any) -> None:
        self._task, self._status, self._started = task, None, self._clock.monotonic()
        self._office.started.append(self)

    def work(self) -> None:
        """Do what it was started for; it may die of it."""
        if not self.has_work:
            return
        try:
            self._office.work(self.module, self._task, lambda: self._clock.monotonic() - self._started)
            self._status = 0
        except Killed:
            self._status = -9
        except StoreUnavailable:
            self._status = 1  # a process ends so with an error that nobody took

    def ended(self) -> int | None:
        if self._task is None:
            return None
        if self._status is None:
            if self._clock.monotonic() - self._started < LONGEST_BATCH:
                return None
            self._status = -9
        status, self._status, self._task = self._status, None, None
        return status

    def wait(self, seconds: float) -> None:
        """Nobody waits in simulated time: it works now or later."""

    def end(self) -> None:
        if self.has_work:
            self._status = -9


class Office:
    """The agent on its state folder, and the desks it speaks to. cycles: what its cycles came to, since that was looked at."""

    def __init__(
        self, folder: Path, clock: SimulatedClock, host: SimulatedHost, desks: dict[str, SimulatedDesk], faults: Faults
    ) -> None:
        """Given an empty state folder. Nothing runs yet."""
        self.folder = folder
        self.clock = clock
        self.kind = "one desk"
        self.flush = 900.0
        self.started: list[Child] = []
        self.cycles: list[Cycle] = []
        self.resident: Resident | None = None
        self._host = host
        self._desks = desks
        self._faults = faults
        self._open = ExitStack()

    @property
    def store(self) -> Store:
        """The records of the agent that runs."""
        assert self.resident is not None
        return self.resident.pipeline.store

    @property
    def configuration(self) -> Configuration:
        """What the agent is configured with, its desks the simulated ones."""
        read = configuration(self.kind)
        history = msgspec.structs.replace(read.settings.history, flush=self.flush)
        return msgspec.structs.replace(
            read,
            settings=msgspec.structs.replace(read.settings, history=history),
            desks={name: (_plugin(self._desks[name]), options) for name, (_, options) in read.desks.items()},
        )

    # -- running ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the agent. Raises StoreUnavailable."""
        self.started.clear()
        with ExitStack() as opening:
            folder = opening.enter_context(StateFolder(self.folder))
            store = opening.enter_context(Store.open(self.folder, now=self.clock.now()))
            resident = make_resident(self.configuration, folder, store, self.clock)
            self._open = opening.pop_all()
        resident.pipeline.collect = self._host.collect
        resident.pipeline.cycle = self._watched(resident.pipeline.cycle)  # type: ignore[method-assign, assignment]
        resident._show = lambda *_: None  # type: ignore[method-assign]  # nobody looks at the page
        self.resident = resident

    def tick(self) -> None:
        """Let the agent do one cycle. Raises StoreUnavailable where the daemon would log that it failed."""
        assert self.resident is not None
        self.resident._tick()

    def stop(self) -> None:
        """Stop it as the service manager does."""
        if self.resident is not None:
            self.resident.stop()
        self.die()

    def die(self) -> None:
        """End it as a power cut does: what was not committed is gone, and the children with it."""
        self.resident = None
        self.started.clear()
        self._open.close()

    def _watched(self, cycle: Callable[[float], Cycle]) -> Callable[[float], Cycle]:
        def watched(at: float) -> Cycle:
            done = cycle(at)
            self.cycles.append(done)
            return done

        return watched

    # -- its children -----------------------------------------------------------------------------------------------

    def work(self, module: str, task: Any, since: Callable[[], float]) -> None:
        """Do in this process what the child `module` would do; `since`: seconds since it was started."""
        if module == "agent.courier":
            job: Job = task
            deliver(job, self.configuration, self.store, now=lambda: job.now + since(), clock=self.clock.now)
        elif module == "agent.delivery.bundling":
            self._bundle(task)

    def _bundle(self, task: Task) -> None:
        case = self.store.case(task.key)
        bundling = Bundling(self.configuration, self.folder, self.store, task.host, task.now)
        if case is not None:
            try:
                bundling.by_itself(case)
            except Refusal:
                self._faults.tally["bundle refused"] += 0  # as it should; the child ends without one


@contextmanager
def in_this_process(office: Office, render: Callable[..., Any] | None, clock: SimulatedClock) -> Iterator[None]:
    """Have children run here, waits take simulated time, and bundles be small; `render` in place of the real wording."""
    with ExitStack() as patches:
        child = functools.partial(Child, office)
        for place in STARTERS:
            patches.enter_context(mock.patch(f"{place}.CourierProcess", child))
        forgotten = Violation("a process was started: whoever starts it belongs to STARTERS")
        patches.enter_context(mock.patch("agent.delivery.courier_process.subprocess.Popen", side_effect=forgotten))
        patches.enter_context(mock.patch("agent.delivery.bundling.build_in_child", _small_bundle))
        patches.enter_context(mock.patch("tenacity.nap.time.sleep", clock.pass_))
        if render is not None:
            patches.enter_context(mock.patch("agent.wording.render.render", render))
        yield


def _plugin(desk: SimulatedDesk) -> ClientPlugin:
    return ClientPlugin(
        name="simulated", summary="", options=ClientOptions, build=lambda *_: desk, tested="the simulator"
    )


def _small_bundle(request: Request, _progress: Callable[[str], None]) -> Built:
    """Build a bundle without reading the host: what matters here is whether it leaves."""
    content = f"{request.case.key} {request.level} {request.at} {PLANTED}".encode()
    put(Path(request.target), content)
    found = FoundFact(name="path_bytes", value=1e9, unit="bytes", labels={"path": PLANTED})
    manifest = Manifest(
        agent="0",
        case=request.case.key,
        rule=request.case.rule,
        host=request.host,
        level=request.level,
        made_at=request.at,
        since=request.since,
        files=[],
        left_out=[],
        on_ticket=DiagnosisFacts(at=request.at, found=(found,)),
    )
    return Built(sha256=sha256(content).hexdigest(), bytes=len(content), manifest=manifest)
