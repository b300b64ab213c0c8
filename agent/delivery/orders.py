"""What the process is told by signals: to stop, or to read its configuration anew. It outlives the daemon that is told."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Orders:
    """SIGTERM and SIGINT stop, SIGHUP reads anew; none is lost while one daemon gives way to the next."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.stop = False
        self._reload = False
        self._given = threading.Event()
        for name, handler in (("SIGTERM", self._told_stop), ("SIGINT", self._told_stop), ("SIGHUP", self._told_reload)):
            if hasattr(signal, name):  # Windows knows no SIGHUP
                signal.signal(getattr(signal, name), handler)

    def wait(self, seconds: float) -> None:
        """Return when an order was given, or after so long."""
        self._given.wait(seconds)
        self._given.clear()

    def take_reload(self) -> bool:
        """Return whether the configuration is to be read anew; it counts once."""
        told, self._reload = self._reload, False
        return told

    def _told_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        self.stop = True
        self._given.set()

    def _told_reload(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        self._reload = True
        self._given.set()
