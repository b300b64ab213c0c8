"""Starts the Courier when there is something to send or to look at, one at a time, and sees that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import structlog

from agent.clock import Clock
from agent.host import HostIdentity
from agent.model import DeskHealth
from agent.outbox import Outbox
from agent.settings import DAY, MINUTE
from agent.store import Store

# A batch has deadlines of its own everywhere; this one is for what nobody thought of.
LONGEST_BATCH = 10 * MINUTE
# So much more often are tickets looked at while one of them is P1: people work on it now.
HASTE = 5.0
# Nothing of the service manager's talk with the daemon is the courier's business.
WITHHELD = frozenset({"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"})

log = structlog.get_logger()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One batch for the courier. `now` is the daemon's unix time, which the whole batch goes by."""

    config: str | None
    state_dir: str
    host: HostIdentity
    now: float
    poll: bool = False
    rebuild: bool = False


class Dispatcher:
    """Decides by the outbox, the open tickets and the desk's health; the courier does the rest."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        config: Path | None,
        host: HostIdentity,
        *,
        desk: str,
        poll: float,
        clock: Clock,
    ) -> None:
        """`poll`: seconds between two looks at open tickets."""
        self.store = store
        self.outbox = Outbox(store)
        self.folder = folder
        self.config = config
        self.host = host
        self.desk = desk
        self.poll = poll
        self.clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._polled = -poll
        self._jitter = _spread(host.id)

    @property
    def health(self) -> DeskHealth:
        """How the desk was at the end of the last batch."""
        return self.store.desk_health(self.desk)

    def consider(self, now: float) -> str:
        """Start a courier if there is work and the desk may be asked (`now` in unix seconds).

        Return how the last one ended, once, when it has: `ok`, a DeskError's reason, or `failed` for one that died.
        """
        outcome = self._ended()
        if self._child is None and now >= self._desk_rests_until(now):
            self._start_if_wanted(now)
        return outcome

    def _start_if_wanted(self, now: float) -> None:
        poll = self._wants_to_look()
        rebuild = self.store.rebuild_wanted
        if poll or rebuild or self.outbox.due(now, limit=1):
            config = str(self.config) if self.config else None
            self._start(
                Job(config=config, state_dir=str(self.folder), host=self.host, now=now, poll=poll, rebuild=rebuild)
            )

    def wait(self, seconds: float) -> None:
        """Wait until the courier has ended, at most so long."""
        if self._child is not None:
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                log.info("the courier is still at work")

    def stop(self, patience: float) -> None:
        """Let a courier finish for `patience` seconds, then end it: the outbox knows how far it came."""
        self.wait(patience)
        self._end()

    def clock_moved(self, step: float) -> None:
        """Let the desk's rest go on unbroken after the wall clock was moved by `step` seconds. Raises StoreUnavailable."""
        health = self.health
        self.store.set_desk_health(self.desk, msgspec.structs.replace(health, not_before=health.not_before + step))

    def _desk_rests_until(self, now: float) -> float:
        """Return the end of the desk's rest; one further away than a day is from a clock that lied."""
        until = self.health.not_before
        return until if until - now < DAY else 0.0

    def _wants_to_look(self) -> bool:
        """Return whether it is time to look at open tickets, if there are any."""
        passed, rhythm = self.clock.monotonic() - self._polled, self.poll * self._jitter
        if passed < rhythm / HASTE:
            return False
        open_ones = [
            case for case in self.store.cases() if case.ticket is not None and case.state not in {"pending", "closed"}
        ]
        return bool(open_ones) and (passed >= rhythm or any(case.priority == "P1" for case in open_ones))

    def _ended(self) -> str:
        """Return the outcome of a courier that has ended since this was last asked; empty while it works or there is none."""
        if self._child is None:
            return ""
        if self._child.poll() is None:
            if self.clock.monotonic() - self._started < LONGEST_BATCH:
                return ""
            log.error("the courier did not end, killing it")
            self._end()
        status, self._child = self._child.returncode, None
        if status:
            log.error("the courier failed", status=status)
            return "failed"
        return "ok" if self.health.reachable else self.health.reason

    def _end(self) -> None:
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def _start(self, job: Job) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in WITHHELD}
        self._started = self.clock.monotonic()
        if job.poll:
            self._polled = self._started
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "agent.courier"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        with self._child.stdin as pipe:  # type: ignore[union-attr]  # it was asked for
            pipe.write(msgspec.json.encode(job))


def _spread(host_id: str) -> float:
    """Return 0.9 to 1.1 by host, so that a thousand hosts do not look at their desk in the same second."""
    return 0.9 + 0.2 * (sum(host_id.encode()) % 101) / 100
