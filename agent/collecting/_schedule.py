"""When a collector is due, and what is known of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from agent.collecting._configured import ConfiguredCollector
from agent.collecting._results import Outcome, Result
from agent.collecting._run import Run
from agent.logs import get_logger

# A scan that runs once a day and fails once is not left unknown for a day, and what a host has not got is not looked for each
# cycle (sensors and a container's limits, where there are none, took a twentieth of it). Seconds.
RETRY_AFTER = 300.0
# Cycles are not exact to the second, and an interval of one cycle is meant to be every cycle. Seconds.
EARLY = 1.0

log = get_logger()


class Schedule:
    """One collector: when it is due, the run that is outstanding, and its last result."""

    def __init__(
        self, configured: ConfiguredCollector, monotonic: Callable[[], float], most_readings: int, *, patient: bool
    ) -> None:
        self.waits = patient or not configured.plugin.unhurried
        self.looks_twice = configured.looks_twice
        self._configured = configured
        self._monotonic = monotonic
        self._most_readings = most_readings
        self._due = monotonic()
        self._run: Run | None = None
        self._given_up = False  # the run is late; it is only waited for so as not to start a second beside it
        self.last = Result((), Outcome(collector=configured.name, success=False, duration=0.0, at=0.0))

    def due(self, at: float) -> Run | None:
        """Return a new run, to be worked off; None when it is too early or the last one still hangs."""
        if self._given_up and self._run is not None and self._run.finished.is_set():
            self._run, self._given_up = None, False  # it came too late: what it read is old
        if self._run is not None or self._monotonic() < self._due:
            return None
        self._run = Run(self._configured, at, self._monotonic, self._most_readings)
        return self._run

    def leave(self) -> None:
        """Wait no longer for the run that is outstanding."""
        if (run := self._run) is not None and not run.finished.is_set():
            run.leave()

    def result(self) -> Result:
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
