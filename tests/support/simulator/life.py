"""One life of an agent, told by its seed: some weeks in which everything goes wrong, then some in which nothing does.

In the first the promises are looked at after every step; in the second everything has to come to its end: what waits is
delivered, what is well is closed, and no ticket of ours stays open.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from agent.store import StoreUnavailable
from simulator.agent_at_work import Office, in_this_process
from simulator.calm import Calm
from simulator.chaos import EVENTS
from simulator.clock import SimulatedClock
from simulator.configurations import BOSS, CONFIGURATIONS, HOME, SECOND
from simulator.desk import SimulatedDesk, some_capabilities
from simulator.disk import disk
from simulator.faults import Crash, Faults, Killed, Violation
from simulator.host import SimulatedHost
from simulator.people import People
from simulator.witness import Witness
from simulator.wording import plainly

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
STEPS = 24
#: how often the history and the judge's memories are written down; what is more seldom than in any configuration costs less
FLUSHES = (15 * MINUTE, DAY, *(4 * DAY,) * 6)
#: how long the agent's next cycle is away: mostly the rhythm of a busy hour, sometimes a night or a day
STRIDES = (*(MINUTE,) * 3, *(5 * MINUTE,) * 2, *(15 * MINUTE,) * 3, *(HOUR,) * 3, *(6 * HOUR,) * 4, DAY, DAY, 4 * DAY)
# One life in so many is told in the real words: they cost ten times as much as all the rest.
REAL_WORDS = 100


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one life. seconds: simulated ones. settled: seconds from the last fault until all was at its end.

    violation: which promise was broken, empty when none was. story: the last things that happened. met: faults, by kind.
    """

    seed: int
    seconds: float
    settled: float
    cycles: int
    requests: int
    tickets: int
    violation: str
    story: list[str]
    met: dict[str, int]


def live(seed: int, *, steps: int = STEPS, without: Collection[str] = ()) -> Told:
    """Live the life of this seed: `steps` steps in which things go wrong, `without` the faults of these kinds."""
    folder = Path(tempfile.mkdtemp(prefix="foretell-life-", dir=_memory()))
    try:
        return Life(seed, folder, without).tell(steps)
    finally:
        shutil.rmtree(folder)


def _memory() -> str | None:
    """Return where files cost least; None for the usual place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Life:
    """The world of one seed."""

    def __init__(self, seed: int, folder: Path, without: Collection[str] = ()) -> None:
        """Everything is well."""
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - a life, not a secret
        self.faults = Faults(self.chance, without)
        self.clock = SimulatedClock()
        self.host = SimulatedHost(self.clock, self.chance, self.faults)
        self.witness = Witness(self.clock, self.host)
        self.desks = {
            name: SimulatedDesk(name, some_capabilities(self.chance), self.clock, self.faults, self.witness)
            for name in (HOME, SECOND, BOSS)
        }
        self.people = People(self.clock, self.chance, self.faults)
        state = folder / "state"
        state.mkdir(0o700)
        self.office = Office(state, self.clock, self.host, self.desks, self.faults)
        self.witness.desks = self.desks
        self.witness.store = lambda: self.office.store
        self.witness.meanwhile = self._meanwhile
        self.story: deque[str] = deque(maxlen=150)
        self.cycles = 0
        self.settled = 0.0
        self._child_works = False
        self.maintained_until = 0.0
        self._step_unseen = False  # whether the wall clock was moved since the last cycle

    def tell(self, steps: int) -> Told:
        """Live it, and return what became of it."""
        random.seed(self.seed)  # the agent's own jitter
        render = None if self.seed % REAL_WORDS == 0 else plainly
        violation = ""
        with disk(self.faults), in_this_process(self.office, render, self.clock):
            try:
                self.chaos(steps)
                self.settled = Calm(self).bring_to_an_end()
            except Violation as broken:
                violation = str(broken)
            finally:
                self.office.die()
        return Told(
            seed=self.seed,
            seconds=self.clock.steady,
            settled=self.settled,
            cycles=self.cycles,
            requests=sum(desk.requests for desk in self.desks.values()),
            tickets=sum(len(desk.ours()) for desk in self.desks.values()),
            violation=violation,
            story=list(self.story),
            met=dict(self.faults.tally),
        )

    # -- everything goes wrong --------------------------------------------------------------------------------------

    def chaos(self, steps: int) -> None:
        """Let things go wrong, one after the other, and the agent work in between."""
        self.office.kind = self.chance.choice(list(CONFIGURATIONS))
        self.office.flush = self.chance.choice(FLUSHES)
        self.start()
        for _ in range(steps):
            happens = self.chance.choice(EVENTS)
            self.guarded(lambda happens=happens: happens(self))  # type: ignore[misc]
            for _ in range(self.chance.choice([1, 1, 1, 2])):
                self.go_on(self.chance.choice(STRIDES), lazy=self.chance.random() < 0.15)

    def go_on(self, seconds: float, *, lazy: bool = False) -> None:
        """Let time pass, and the agent do a cycle; its children work now or, `lazy`, later."""
        self.clock.pass_(seconds)
        self.guarded(self._cycle)
        if not lazy:
            for _ in range(2):  # what a courier leaves may be another one's work at once
                self.guarded(self._children)
        self.witness.look()

    def _cycle(self) -> None:
        try:
            self.office.tick()
        except StoreUnavailable:
            self.faults.tally["cycle failed"] += 1  # the daemon logs it and tries again
        finally:
            self._judge()
        if (
            self._step_unseen and self.faults.disk != "well"
        ):  # what follows is kept in memory only, and ends with the agent
            self.witness.jumped_at = self.clock.steady
        self._step_unseen = False

    def step_clock(self, seconds: float) -> None:
        """Move the wall clock by so much, which the agent sees in its next cycle."""
        self.clock.step(seconds)
        self._step_unseen = True

    def _judge(self) -> None:
        for cycle in self.office.cycles:
            self.cycles += 1
            declared = not cycle.trouble and self.office.resident is not None and self.maintained_until > cycle.at
            self.witness.cycle(cycle, maintenance=declared)
        self.office.cycles.clear()

    def _children(self) -> None:
        working, self.office.started = self.office.started, []
        self._child_works = True
        try:
            for child in working:
                child.work()
        finally:
            self._child_works = False
            self.faults.live()

    def _meanwhile(self) -> None:
        """The daemon goes on while a child waits for its desk."""
        if self._child_works and self.faults.raging and self.chance.random() < 0.03:
            self._child_works = False
            self.clock.pass_(MINUTE)
            self._cycle()
            self._child_works = True

    def guarded(self, do: Callable[[], object]) -> None:
        """Do it; when the agent dies of it, start it again. Anything else that is raised is nobody's plan."""
        try:
            do()
        except (Crash, Killed):
            self.note("the agent died")
            self.office.die()
            self.office.cycles.clear()
            self.clock.pass_(self.chance.choice([1.0, MINUTE, HOUR]))
            self.start()
        except StoreUnavailable as error:
            self.note(f"refused: {error}")
        except Exception as error:
            raise Violation(f"unexpected {type(error).__name__}: {error}") from error

    def start(self) -> None:
        """Start the agent, as often as it takes."""
        if self._step_unseen:  # whoever would have seen it is gone
            self.witness.jumped_at, self._step_unseen = self.clock.steady, False
        for _ in range(40):
            try:
                self.office.start()
            except (Crash, Killed):
                self.office.die()
            except StoreUnavailable as error:
                self.note(f"does not start: {error}")
                self.clock.pass_(10 * MINUTE)
                if self.chance.random() < 0.3:
                    self.faults.disk = "well"
            else:
                self.note("started")
                self.office.cycles.clear()
                with_faults, self.faults.disk = self.faults.disk, "well"
                self.witness.reborn(self.office.store)
                self.faults.disk = with_faults
                return
        raise Violation("the agent does not start")

    def note(self, what: str) -> None:
        """Add to the story."""
        self.story.append(f"{self.clock.steady / DAY:8.3f} d  {what}")

    def nothing_goes_wrong(self) -> None:
        """Let no fault happen from now on; what is ill stays so."""
        self.faults.raging = False
        self.faults.disk = "well"
        self.faults.desks.clear()
        self.faults.live()
        self.host.collecting.clear()
        for one in self.host.subjects:
            one.flaps = False
        self.maintained_until = 0.0
        if self.office.resident is None:
            self.start()
