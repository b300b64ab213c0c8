"""Threads that wait for the next connection: the system wakes one of them, which serves it while the others wait on.

A thread begun for each connection was most of what a scrape cost (`make bench` measures scrapes), and handing over a turn at
waiting, which woke a second thread, was much of the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from agent.logs import get_logger

#: threads that stay once begun: whoever asks again at once finds one that waits while the last is still putting away
MOST_RESTING = 3

log = get_logger()


class Listener(Protocol):
    """What connections come from."""

    def take(self) -> Callable[[], None] | None:
        """Wait for a connection, and return what serves it and never raises; None when there is nothing to serve."""

    def wake(self) -> None:
        """Let every `take` return at once, from now on."""


class Crew:
    """Serves what comes to `listener` from its making to `end`."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ended = False
        self._counting = threading.Lock()
        self._resting = 0
        self._nobody_waits = threading.Event()
        self._hire()

    def end(self) -> None:
        """Wait for no more connections. Those that are being served end with the process."""
        with self._counting:
            self._ended = True
            if not self._resting:
                return
        self._listener.wake()
        self._nobody_waits.wait()

    def _hire(self) -> None:
        threading.Thread(target=self._work, name="web", daemon=True).start()

    def _work(self) -> None:
        while self._rests():
            serve = self._wait()
            nobody_waits = self._leaves_nobody()
            if serve is None:
                if nobody_waits:
                    self._nobody_waits.set()
                return
            if nobody_waits:
                try:
                    self._hire()
                except RuntimeError:
                    log.debug("there can be no more threads: the next connection waits until this one is served")
            serve()

    def _wait(self) -> Callable[[], None] | None:
        """Return what serves the next connection, None at the end; asleep until then, without a time-out."""
        while not self._ended:
            if serve := self._listener.take():
                return serve
        return None

    def _rests(self) -> bool:
        """Return whether this thread is still wanted, and count it then."""
        with self._counting:
            if self._ended or self._resting >= MOST_RESTING:
                return False
            self._resting += 1
            return True

    def _leaves_nobody(self) -> bool:
        """Count this thread as one that waits no longer, and return whether that leaves none."""
        with self._counting:
            self._resting -= 1
            return self._resting == 0
