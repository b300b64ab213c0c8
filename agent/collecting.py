"""Runs the collectors: each when it is due, in a thread of its own, for no longer than its deadline.

The runner owns timing, deadlines and failures, so that a collector has only its subject. A thread that hangs (a dead mount,
a stuck driver) cannot be ended; it is left behind, its collector is not started again while it hangs, and what it brings too
late is thrown away. Whatever goes wrong reads "could not check", never "healthy".
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import structlog

from agent.children import ChildError, run_child
from collectors import (
    Collector,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    Completed,
    CouldNotCheck,
    NotSupported,
    Reading,
    safe_text,
)

# Far above any host we have seen; a collector that runs wild must not take the agent's memory with it.
MOST_READINGS = 20_000
# A scan that runs once a day and fails once is not left unknown for a day. Seconds.
RETRY_AFTER = 300.0
# Cycles are not exact to the second, and an interval of one cycle is meant to be every cycle. Seconds.
EARLY = 1.0

log = structlog.get_logger()


class HostAccess(msgspec.Struct, frozen=True):
    """What a collector is handed (`CollectorContext`). `root`: where the host's file system is to be seen."""

    root: Path = Path("/")

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read."""
        return self.root / absolute.lstrip("/")

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run `argv` for at most `timeout` seconds; raises CollectorError when it is missing or did not finish."""
        try:
            return run_child(argv, timeout=timeout)
        except ChildError as error:
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
    """What is known of the host after one round. Readings of a collector that was not due carry the time they were taken."""

    readings: tuple[Reading, ...] = ()
    unchecked: tuple[CouldNotCheck, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


class CollectionRunner:
    """Keeps each collector's last result and knows when it is due. Used by one thread."""

    def __init__(
        self,
        collectors: Iterable[ConfiguredCollector],
        monotonic: Callable[[], float],
        most_readings: int = MOST_READINGS,
    ) -> None:
        """`monotonic`: seconds that only ever grow evenly."""
        self._schedules = [_Schedule(one, monotonic, most_readings) for one in collectors]

    def collect(self, at: float) -> Collection:
        """Run what is due, all at once, and return everything known now; `at` (unix seconds) stamps the new readings.

        Takes as long as the slowest, and never longer than the longest deadline. Raises nothing.
        """
        for schedule in self._schedules:
            schedule.start_if_due(at)
        results = [schedule.result() for schedule in self._schedules]
        return Collection(
            readings=tuple(reading for result in results for reading in result.readings),
            unchecked=tuple(missing for result in results for missing in result.outcome.unchecked),
            outcomes=tuple(result.outcome for result in results),
        )


class _Result(msgspec.Struct, frozen=True):
    readings: tuple[Reading, ...]
    outcome: Outcome


class _Schedule:
    """One collector: when it is due, the run that is outstanding, and its last result."""

    def __init__(self, configured: ConfiguredCollector, monotonic: Callable[[], float], most_readings: int) -> None:
        self._configured = configured
        self._monotonic = monotonic
        self._most_readings = most_readings
        self._due = monotonic()
        self._run: _Run | None = None
        self._given_up = False  # the run is late; it is only waited for so as not to start a second beside it
        self._last = _Result((), Outcome(collector=configured.name, success=False, duration=0.0, at=0.0))

    def start_if_due(self, at: float) -> None:
        """Start a run, unless it is too early or the last one still hangs."""
        if self._run is not None and self._run.finished.is_set():
            self._run, self._given_up = None, False  # it came too late: what it read is old
        if self._run is None and self._monotonic() >= self._due:
            self._run = _Run(self._configured, at, self._monotonic, self._most_readings)

    def result(self) -> _Result:
        """Return the result of the run that was started; of the last one if none was; or that it did not finish."""
        run = self._run
        if run is None:
            return self._last
        left = run.started + self._configured.deadline - self._monotonic()
        if not self._given_up and run.finished.wait(max(0.0, left)):
            self._run = None
            result = run.result
            interval = self._configured.interval
            self._due = run.started + (min(interval, RETRY_AFTER) if result.outcome.reason else interval) - EARLY
        else:
            self._given_up = True
            result = run.late()
        self._tell_change(self._last.outcome, result.outcome)
        self._last = result
        return result

    def _tell_change(self, before: Outcome, now: Outcome) -> None:
        if now.reason and now.reason != before.reason:
            log.warning("collector failed", collector=now.collector, reason=now.reason)
        elif before.reason and not now.reason:
            log.info("collector works again", collector=now.collector)


class _Run:
    """One run of one collector in its own thread. `result` counts only once `finished` is set, and only if that was in time."""

    def __init__(
        self, configured: ConfiguredCollector, at: float, monotonic: Callable[[], float], most_readings: int
    ) -> None:
        self.started = monotonic()
        self.finished = threading.Event()
        self._configured = configured
        self._at = at
        self._monotonic = monotonic
        self._most_readings = most_readings
        self._readings: dict[tuple[str, frozenset[tuple[str, str]]], Reading] = {}
        self._unchecked: list[CouldNotCheck] = []
        self.result = self._end(reason="ended without a result")
        try:
            threading.Thread(target=self._work, name=f"collect-{configured.name}", daemon=True).start()
        except RuntimeError as error:  # the host has no room for another thread
            self.result = self._end(reason=str(error))
            self.finished.set()

    def late(self) -> _Result:
        """Return that it did not finish in time. What it has read by now is its thread's, and left out."""
        return self._result((), [], reason=f"did not finish in {self._configured.deadline:g} s")

    def _work(self) -> None:
        name = self._configured.name
        try:
            self._collect()
            self.result = self._end()
        except NotSupported as error:
            self.result = self._end(not_supported=str(error) or "there is nothing of this kind on this host")
        except (CollectorError, OSError) as error:
            log.debug("collector failed", collector=name, exc_info=True)
            self.result = self._end(reason=str(error) or type(error).__name__)
        except BaseException as error:  # whatever a plugin does, leaving its thread included, the others go on
            log.debug("collector failed unexpectedly", collector=name, exc_info=True)
            self.result = self._end(reason=f"unexpected {type(error).__name__}: {error}")
        finally:
            self.finished.set()

    def _collect(self) -> None:
        repeated: Counter[str] = Counter()
        for item in self._configured.collector.collect(self._at):
            if isinstance(item, CouldNotCheck):
                self._unchecked.append(item)
                continue
            series = (item.name, frozenset(item.labels.items()))
            if series in self._readings:
                repeated[item.series] += 1
            elif len(self._readings) == self._most_readings:
                reason = f"more than {self._most_readings} readings; the rest is left out, narrow it by its options"
                self._unchecked.append(self._missing(reason))
                break
            self._readings[series] = item
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
