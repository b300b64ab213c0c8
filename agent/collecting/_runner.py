"""Runs the collectors: each when it is due, for no longer than its deadline, and none is held up by another.

The runner owns timing, deadlines and failures, so that a collector has only its subject. Most take a moment: one thread does
them one after the other. What takes longer keeps that thread for itself, and the next one takes the rest. A thread that hangs (a
dead mount, a stuck driver) cannot be ended; it is left behind, its collector is not started again while it hangs, and what it
brings too late is thrown away. Whatever goes wrong reads "could not check", never "healthy".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain

from agent.collecting._configured import ConfiguredCollector
from agent.collecting._results import Collection
from agent.collecting._run import Run
from agent.collecting._schedule import Schedule
from agent.system.latch import Latch
from agent.system.workers import Workers

# Far above any host we have seen; a collector that runs wild must not take the agent's memory with it.
MOST_READINGS = 20_000
# What takes longer gets its thread for itself: each thread more wakes the host and costs as much as a quick collector. Seconds.
QUICK = 0.05

_workers = Workers()


class CollectionRunner:
    """Keeps each collector's last result and knows when it is due. Used by one thread."""

    def __init__(
        self,
        collectors: Iterable[ConfiguredCollector],
        monotonic: Callable[[], float],
        most_readings: int = MOST_READINGS,
        *,
        patient: bool = True,
    ) -> None:
        """`monotonic`: seconds that only ever grow evenly. `patient`: whether unhurried collectors are waited for, too."""
        self._schedules = [Schedule(one, monotonic, most_readings, patient=patient) for one in collectors]
        self._leaving = False

    def collect(self, at: float) -> Collection:
        """Run what is due, and return everything known now; `at` (unix seconds) stamps the new readings.

        Takes as long as the slowest, and hardly longer than the longest deadline. Of an unhurried collector that is still at work
        the last result stands, unless this runner is patient. Raises nothing.
        """
        hurried: deque[Run] = deque()
        unhurried: list[Run] = []
        last: list[Run] = []  # what may have to wait for its second look: then there is least left to wait for
        for schedule in self._schedules:
            if run := schedule.due(at):
                if schedule.waits:
                    (last if schedule.looks_twice else hurried).append(run)
                else:
                    unhurried.append(run)
        hurried.extend(last)
        if self._leaving:
            self.leave()
        while hurried:
            _wait_while_quick(_work_off(hurried), hurried)
        for run in unhurried:  # only now: they would be in the way of those that are waited for
            _work_off(deque([run]))
        before = [schedule.last for schedule in self._schedules]
        results = [schedule.result() for schedule in self._schedules]
        fresh = [result for result, last in zip(results, before, strict=True) if result is not last]
        return Collection(
            readings=tuple(chain.from_iterable([result.readings for result in results])),
            fresh=tuple(chain.from_iterable([result.readings for result in fresh])),
            unchecked=tuple(missing for result in results for missing in result.outcome.unchecked),
            outcomes=tuple(result.outcome for result in results),
        )

    def leave(self) -> None:
        """Wait for no collector from now on; may be called from another thread, as this process is about to end.

        What is outstanding counts as "could not check".
        """
        self._leaving = True
        for schedule in self._schedules:
            schedule.leave()


def _work_off(runs: deque[Run]) -> Latch:
    """Have a thread do `runs`, one after the other; return what is set at their end. Where there is no room for it, they fail."""
    over = Latch()

    def work() -> None:
        while runs:
            with suppress(IndexError):  # another thread, late, took the last one
                runs.popleft().work()
        over.set()

    try:
        _workers.do(work)
    except RuntimeError as error:
        while runs:
            runs.popleft().fail(str(error))
        over.set()
    return over


def _wait_while_quick(over: Latch, runs: deque[Run]) -> None:
    """Return when `over` is set, or when none of `runs` was begun for a while: then the last one takes long."""
    left = -1
    while not over.wait(QUICK) and len(runs) != left:
        left = len(runs)
