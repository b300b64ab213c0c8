"""One run of one collector, in whatever thread: what it yields is gathered, and what goes wrong reads "could not check"."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from agent.collecting._configured import ConfiguredCollector
from agent.collecting._results import Outcome, Result
from agent.logs import get_logger
from agent.system.latch import Latch
from collectors import CollectorError, CouldNotCheck, NotSupported, Reading, safe_text

log = get_logger()


class Run:
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
        self._ended: Result | None = None

    @property
    def result(self) -> Result:
        """What came of it."""
        return self._ended or self._end(reason="ended without a result")

    def unfinished(self) -> Result:
        """Return that this first run is still at work: that is no failure, and nothing is known yet."""
        result = self._result((), [self._missing("its first run has not finished yet")], reason="")
        return msgspec.structs.replace(result, outcome=msgspec.structs.replace(result.outcome, success=False))

    def late(self) -> Result:
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

    def _end(self, *, reason: str = "", not_supported: str = "") -> Result:
        # What was read before a failure is true all the same.
        return self._result(tuple(self._readings.values()), self._unchecked, reason, not_supported)

    def _result(
        self, readings: tuple[Reading, ...], unchecked: list[CouldNotCheck], reason: str, not_supported: str = ""
    ) -> Result:
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
        return Result(readings, outcome)
