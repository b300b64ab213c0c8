"""What the process is told by signals: to stop, or to read its configuration anew. It outlives the daemon that is told."""

from __future__ import annotations

import select
import signal
import socket
from contextlib import suppress
from types import FrameType


class Orders:
    """SIGTERM and SIGINT stop, SIGHUP reads anew; none is lost while one daemon gives way to the next."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.stop = False
        self._reload = False
        # An Event would hang: a signal may come while its lock is held in the same thread, by a wait or another handler.
        self._told, self._tell = socket.socketpair()
        for end in (self._told, self._tell):
            end.settimeout(0)
        for name, handler in (("SIGTERM", self._told_stop), ("SIGINT", self._told_stop), ("SIGHUP", self._told_reload)):
            if hasattr(signal, name):  # Windows knows no SIGHUP
                signal.signal(getattr(signal, name), handler)

    def __del__(self) -> None:
        self._told.close()
        self._tell.close()

    def wait(self, seconds: float | None) -> None:
        """Return when an order was given, or after so long; None is for ever."""
        select.select([self._told], [], [], seconds)
        with suppress(BlockingIOError):  # none was given
            self._told.recv(4096)

    def take_reload(self) -> bool:
        """Return whether the configuration is to be read anew; it counts once."""
        told, self._reload = self._reload, False
        return told

    def _told_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self.stop = True
        self._wake()

    def _told_reload(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        self._reload = True
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # so many orders wait to be seen already
            self._tell.send(b"!")
