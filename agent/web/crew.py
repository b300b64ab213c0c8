"""Threads that take turns at waiting for the next connection: one waits, and whoever gets one serves it while the next one waits.

A thread begun for each connection was most of what a scrape cost (`make bench` measures scrapes).
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Protocol

from agent.logs import get_logger

#: threads that stay once begun: whoever asks again at once finds one that has its turn while the last is still putting away
MOST_RESTING = 3

log = get_logger()


class Listener(Protocol):
    """What connections come from."""

    def fileno(self) -> int:
        """Return its descriptor, which is readable when a connection waits."""

    def take(self) -> Callable[[], None] | None:
        """Accept a connection, and return what serves it and never raises; None when there is nothing to serve."""


class Crew:
    """Serves what comes to `listener` from its making to `end`."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._turn = threading.Lock()  # held by the thread that waits for a connection
        self._ended = False
        self._counting = threading.Lock()
        self._resting = 0
        self._hire()

    def end(self) -> None:
        """Wait for no more connections. Those that are being served end with the process."""
        self._wake.close()
        with self._turn:
            self._ended = True
            self._selector.close()
            self._woken.close()

    def _hire(self) -> None:
        threading.Thread(target=self._work, name="web", daemon=True).start()

    def _work(self) -> None:
        while self._rests():
            with self._turn:
                serve = None if self._ended else self._wait()
            if serve is None:
                return
            if self._leaves_nobody():
                try:
                    self._hire()
                except RuntimeError:
                    log.debug("there can be no more threads: the next connection waits until this one is served")
            serve()

    def _wait(self) -> Callable[[], None] | None:
        """Return what serves the next connection, None at the end; asleep until then, without a time-out."""
        while all(key.fileobj is not self._woken for key, _ in self._selector.select()):
            if serve := self._listener.take():
                return serve
        return None

    def _rests(self) -> bool:
        """Return whether this thread is still wanted, and count it then."""
        with self._counting:
            if self._resting >= MOST_RESTING:
                return False
            self._resting += 1
            return True

    def _leaves_nobody(self) -> bool:
        """Count this thread as one that serves, and return whether that leaves none to wait."""
        with self._counting:
            self._resting -= 1
            return self._resting == 0
