"""Runs the collectors: each when it is due, for no longer than its deadline, and none is held up by another.

The runner owns timing, deadlines and failures, so that a collector has only its subject. Most take a moment: one thread does
them one after the other. What takes longer keeps that thread for itself, and the next one takes the rest. A thread that hangs (a
dead mount, a stuck driver) cannot be ended; it is left behind, its collector is not started again while it hangs, and what it
brings too late is thrown away. Whatever goes wrong reads "could not check", never "healthy".
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path

import msgspec

from agent.configuration.secrets import Secrets
from agent.logs import get_logger
from agent.system.folder import DEFAULT_STATE_DIR
from agent.system.latch import Latch
from agent.system.workers import Workers
from collectors import (
    Collector,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    Completed,
    CouldNotCheck,
    DeclaredReading,
    NotSupported,
    Reading,
    safe_text,
)
from collectors._two_looks import LooksAhead

# Far above any host we have seen; a collector that runs wild must not take the agent's memory with it.
MOST_READINGS = 20_000
# A scan that runs once a day and fails once is not left unknown for a day, and what a host has not got is not looked for each
# cycle (sensors and a container's limits, where there are none, took a twentieth of it). Seconds.
RETRY_AFTER = 300.0
# What takes longer gets its thread for itself: each thread more wakes the host and costs as much as a quick collector. Seconds.
QUICK = 0.05
# Cycles are not exact to the second, and an interval of one cycle is meant to be every cycle. Seconds.
EARLY = 1.0

log = get_logger()
_workers = Workers()


# The same few files are read each cycle, and to put a path together takes as long as to open what is there.
@lru_cache(maxsize=64)
def _below(root: Path, absolute: str) -> Path:
    return root / absolute.lstrip("/")


class HostAccess(msgspec.Struct, frozen=True):
    """What a collector is handed (`CollectorContext`).

    root: where the host's file system is to be seen. state: the state folder.
    """

    root: Path = Path("/")
    secrets: Secrets = Secrets({})
    state: Path = DEFAULT_STATE_DIR

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read."""
        return _below(self.root, absolute)

    def kept(self, name: str) -> Path:
        """Return where the agent keeps a file of this name for collectors."""
        return self.state / name

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run `argv` for at most `timeout` seconds; raises CollectorError when it is missing or did not finish.

        That is StillRunning where it could not even be ended. Nor is one run that would tell of our container, not of the host.
        """
        from agent.system.host_programs import run_program  # noqa: PLC0415 - a courier knows the host's collectors and runs none

        return run_program(argv, root=self.root, timeout=timeout)

    def secret(self, name: str) -> str:
        """Return the secret called `name`; raises CollectorError when there is none that can be read."""
        try:
            return self.secrets.get(name)
        except LookupError as error:
            raise CollectorError(str(error)) from error


class ConfiguredCollector(msgspec.Struct, frozen=True, kw_only=True):
    """A collector that runs: its plugin, the options it was given, and what was built of them."""

    plugin: CollectorPlugin
    options: CollectorOptions
    collector: Collector

    @property
    def name(self) -> str:
        """Its configured name."""
        return self.plugin.name

    @property
    def readings(self) -> tuple[DeclaredReading, ...]:
        """Every reading it may yield; names may be shell patterns where its options leave them open."""
        return (*self.plugin.readings, *self.plugin.declares(self.options))

    @property
    def interval(self) -> float:
        """Seconds between two runs; 0 is every cycle."""
        return self.plugin.interval if self.options.interval is None else self.options.interval

    @property
    def deadline(self) -> float:
        """Longest time of one run, seconds."""
        return self.plugin.deadline if self.options.deadline is None else self.options.deadline


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One collector's last run, as the runner saw it.

    success: whether the collector as a whole could read its source; single gaps are in `unchecked`.
    not_supported: why there is nothing of its kind on this host; then it is neither a success nor a failure.
    duration: seconds. at: unix seconds when it was started. names: of the readings it yielded, sorted.
    reason: why it failed, in plain words.
    """

    collector: str
    success: bool
    duration: float
    at: float
    readings: int = 0
    names: list[str] = []
    unchecked: list[CouldNotCheck] = []
    not_supported: str = ""
    reason: str = ""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the host after one round. Readings of a collector that was not due carry the time they were taken.

    fresh: those that were taken since the round before; None where all were.
    """

    readings: tuple[Reading, ...] = ()
    fresh: tuple[Reading, ...] | None = None
    unchecked: tuple[CouldNotCheck, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def look_ahead(collectors: Iterable[ConfiguredCollector]) -> None:
    """Have those that look twice take their first look now, well before the first round, which then waits less or not at all.

    What goes wrong then does so again in their first run, which tells.
    """
    for one in collectors:
        if isinstance(one.collector, LooksAhead):
            with suppress(NotSupported, CollectorError, OSError):
                one.collector.look_ahead()


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
        self._schedules = [_Schedule(one, monotonic, most_readings, patient=patient) for one in collectors]
        self._leaving = False

    def collect(self, at: float) -> Collection:
        """Run what is due, and return everything known now; `at` (unix seconds) stamps the new readings.

        Takes as long as the slowest, and hardly longer than the longest deadline. Of an unhurried collector that is still at work
        the last result stands, unless this runner is patient. Raises nothing.
        """
        hurried: deque[_Run] = deque()
        unhurried: list[_Run] = []
        last: list[_Run] = []  # what may have to wait for its second look: then there is least left to wait for
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


def _work_off(runs: deque[_Run]) -> Latch:
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


def _wait_while_quick(over: Latch, runs: deque[_Run]) -> None:
    """Return when `over` is set, or when none of `runs` was begun for a while: then the last one takes long."""
    left = -1
    while not over.wait(QUICK) and len(runs) != left:
        left = len(runs)


class _Result(msgspec.Struct, frozen=True):
    readings: tuple[Reading, ...]
    outcome: Outcome


class _Schedule:
    """One collector: when it is due, the run that is outstanding, and its last result."""

    def __init__(
        self, configured: ConfiguredCollector, monotonic: Callable[[], float], most_readings: int, *, patient: bool
    ) -> None:
        self.waits = patient or not configured.plugin.unhurried
        self.looks_twice = isinstance(configured.collector, LooksAhead)
        self._configured = configured
        self._monotonic = monotonic
        self._most_readings = most_readings
        self._due = monotonic()
        self._run: _Run | None = None
        self._given_up = False  # the run is late; it is only waited for so as not to start a second beside it
        self.last = _Result((), Outcome(collector=configured.name, success=False, duration=0.0, at=0.0))

    def due(self, at: float) -> _Run | None:
        """Return a new run, to be worked off; None when it is too early or the last one still hangs."""
        if self._given_up and self._run is not None and self._run.finished.is_set():
            self._run, self._given_up = None, False  # it came too late: what it read is old
        if self._run is not None or self._monotonic() < self._due:
            return None
        self._run = _Run(self._configured, at, self._monotonic, self._most_readings)
        return self._run

    def leave(self) -> None:
        """Wait no longer for the run that is outstanding."""
        if (run := self._run) is not None and not run.finished.is_set():
            run.leave()

    def result(self) -> _Result:
        """Return the result of the run that was started; of the last one if none was; or that it did not finish."""
        run = self._run
        if run is None:
            return self.last
        left = run.started + self._configured.deadline - self._monotonic()
        if not (self.waits or self._given_up or run.finished.is_set() or left <= 0):
            return self.last if self.last.outcome.at else run.unfinished()
        if not self._given_up and run.finished.wait(max(0.0, left)):
            self._run = None
            result = run.result
            self._due = run.started + self._pause(result.outcome) - EARLY
        else:
            self._given_up = True
            result = run.late()
        self._tell_change(self.last.outcome, result.outcome)
        self.last = result
        return result

    def _pause(self, now: Outcome) -> float:
        """Return the seconds until the run after this one."""
        interval = self._configured.interval
        if now.reason:
            return min(interval, RETRY_AFTER)
        if now.not_supported and self.last.outcome.not_supported:
            return max(interval, RETRY_AFTER)
        return interval

    def _tell_change(self, before: Outcome, now: Outcome) -> None:
        if now.reason and now.reason != before.reason:
            log.warning("collector failed", collector=now.collector, reason=now.reason)
        elif before.reason and not now.reason:
            log.info("collector works again", collector=now.collector)
        elif now.unchecked and not (before.unchecked or now.reason):
            first, more = now.unchecked[0], len(now.unchecked) - 1
            # Not a warning: commands that look once print it themselves, and what is not permitted stays so.
            log.info("could not check all", collector=now.collector, what=first.labels, reason=first.reason, more=more)
        elif before.unchecked and not now.unchecked:
            log.info("all is checked again", collector=now.collector)


class _Run:
    """One run of one collector, in some thread. `result` counts only once `finished` is set, and only if that was in time.

    started: by `monotonic`; when it was made, until it is begun.
    """

    def __init__(
        self, configured: ConfiguredCollector, at: float, monotonic: Callable[[], float], most_readings: int
    ) -> None:
        self.started = monotonic()
        self.finished = Latch()
        self._configured = configured
        self._at = at
        self._monotonic = monotonic
        self._most_readings = most_readings
        self._readings: dict[str, Reading] = {}
        self._unchecked: list[CouldNotCheck] = []
        self._ended: _Result | None = None

    @property
    def result(self) -> _Result:
        """What came of it."""
        return self._ended or self._end(reason="ended without a result")

    def unfinished(self) -> _Result:
        """Return that this first run is still at work: that is no failure, and nothing is known yet."""
        result = self._result((), [self._missing("its first run has not finished yet")], reason="")
        return msgspec.structs.replace(result, outcome=msgspec.structs.replace(result.outcome, success=False))

    def late(self) -> _Result:
        """Return that it did not finish in time. What it has read by now is its thread's, and left out."""
        return self._result((), [], reason=f"did not finish in {self._configured.deadline:g} s")

    def leave(self) -> None:
        """Have its end waited for by nobody. What it has read by now is its thread's, and left out."""
        self._ended = self._result((), [], reason="it had not finished when the agent was told to end")
        self.finished.set()

    def fail(self, reason: str) -> None:
        """End it without having begun."""
        self._ended = self._end(reason=reason)
        self.finished.set()

    def work(self) -> None:
        """Do it, unless nobody waits for it any more. Raises nothing."""
        if self.finished.is_set():
            return
        name = self._configured.name
        threading.current_thread().name = f"collect-{name}"
        self.started = self._monotonic()
        try:
            self._collect()
            self._ended = self._end()
        except NotSupported as error:
            self._ended = self._end(not_supported=str(error) or "there is nothing of this kind on this host")
        except (CollectorError, OSError) as error:
            log.debug("collector failed", collector=name, exc_info=True)
            self._ended = self._end(reason=str(error) or type(error).__name__)
        except BaseException as error:  # whatever a plugin does, leaving its thread included, the others go on
            log.debug("collector failed unexpectedly", collector=name, exc_info=True)
            self._ended = self._end(reason=f"unexpected {type(error).__name__}: {error}")
        finally:
            self.finished.set()

    def _collect(self) -> None:
        repeated: dict[str, Reading] = {}
        readings = self._readings
        for item in self._configured.collector.collect(self._at):
            if isinstance(item, CouldNotCheck):
                self._unchecked.append(item)
                continue
            series = item.series
            if series in readings:
                repeated[series] = item
            elif len(readings) == self._most_readings:
                reason = f"more than {self._most_readings} readings; the rest is left out, narrow it by its options"
                self._unchecked.append(self._missing(reason))
                break
            readings[series] = item
        if repeated:
            first = next(iter(repeated))
            self._unchecked.append(
                self._missing(f"{len(repeated)} series came more than once, the last counts; the first is {first}")
            )

    def _missing(self, reason: str) -> CouldNotCheck:
        return CouldNotCheck("", {"collector": self._configured.name}, reason)

    def _end(self, *, reason: str = "", not_supported: str = "") -> _Result:
        # What was read before a failure is true all the same.
        return self._result(tuple(self._readings.values()), self._unchecked, reason, not_supported)

    def _result(
        self, readings: tuple[Reading, ...], unchecked: list[CouldNotCheck], reason: str, not_supported: str = ""
    ) -> _Result:
        failure = [self._missing(reason)] if reason else []
        outcome = Outcome(
            collector=self._configured.name,
            success=not reason and not not_supported,
            duration=self._monotonic() - self.started,
            at=self._at,
            readings=len(readings),
            names=sorted({reading.name for reading in readings}),
            unchecked=[*unchecked, *failure],
            not_supported=safe_text(not_supported, 500),
            reason="".join(missing.reason for missing in failure),
        )
        return _Result(readings, outcome)
