"""A courier as the daemon sees it: a child that is started with a job, and sees to it that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import msgspec

from agent.clock import Clock
from agent.configuration.settings import MINUTE
from agent.logs import get_logger

# A batch has deadlines of its own everywhere; this one is for what nobody thought of.
LONGEST_BATCH = 10 * MINUTE
# Nothing of the service manager's talk with the daemon is the courier's business.
WITHHELD = frozenset({"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"})

log = get_logger()


class CourierProcess:
    """The courier for one desk, one at a time. `clock` says how long it has been at work.

    module: what `agent.child` runs instead, with the same manners, given another job.
    """

    def __init__(self, desk: str, clock: Clock, module: str = "agent.courier") -> None:
        """Start nothing yet."""
        self._module = module
        self._desk = desk
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    @property
    def at_work(self) -> bool:
        """Whether one was started and its end was not told yet."""
        return self._child is not None

    def start(self, job: msgspec.Struct) -> None:
        """Start one with `job`. Raises OSError."""
        environment = {name: value for name, value in os.environ.items() if name not in WITHHELD}
        self._started = self._clock.monotonic()
        self._child = subprocess.Popen(
            [sys.executable, "-E", "-P", "-m", "agent.child", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
        with self._child.stdin as pipe:  # type: ignore[union-attr]  # it was asked for
            pipe.write(msgspec.json.encode(job))

    def ended(self) -> int | None:
        """Return the exit status of one that has ended since this was last asked; None while it works or there is none.

        One that works for longer than LONGEST_BATCH is ended.
        """
        if self._child is None:
            return None
        if self._child.poll() is None:
            if self._clock.monotonic() - self._started < LONGEST_BATCH:
                return None
            log.error("it did not end, killing it", module=self._module, desk=self._desk)
            self.end()
        status, self._child = self._child.returncode, None
        return status

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        if self._child is not None:
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                log.info("the courier is still at work", desk=self._desk)

    def end(self) -> None:
        """End it with all its children: the outbox knows how far it came."""
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
