"""The heartbeat: whoever waits for it elsewhere, and hears nothing, knows that this agent is dead. Started by the daemon.

It is sent when a cycle has finished, and not while cycles hang or fail: silence is what tells. A short-lived child sends it
(`showing_life`), for the daemon speaks to no network. That it was not taken is a degraded mode here, that
it did not arrive is the receiver's to say.
"""

from __future__ import annotations

import msgspec

from agent.clock import Clock
from agent.configuration.config import ConfigFile
from agent.configuration.settings import HeartbeatSettings
from agent.delivery.courier_process import CourierProcess
from agent.system.host import HostIdentity


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told. secrets: files by name, as the configuration has them.

    config, state_dir, host: for a desk that is told. again: whether the one before was not taken either, which is logged once.
    """

    settings: HeartbeatSettings
    secrets: dict[str, str]
    config: ConfigFile | None
    state_dir: str
    host: HostIdentity
    again: bool = False


class Heartbeat:
    """Starts `python -P -m agent.child agent.delivery.showing_life` after a cycle, when the last one was long enough ago."""

    def __init__(self, beat: Beat, clock: Clock) -> None:
        """`beat`: what each one is."""
        self._beat = beat
        self._clock = clock
        self._child = CourierProcess("heartbeat", clock, module="agent.delivery.showing_life")
        self._due = clock.monotonic()
        self._trouble = ""

    def consider(self) -> str:
        """Send one if it is due; return why the last one was not taken, empty when it was. Raises OSError."""
        if (status := self._child.ended()) is not None:
            self._trouble = "the last heartbeat was not taken; the log says why" if status else ""
        settings = self._beat.settings
        if settings.wanted and not self._child.at_work and self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + settings.every
            self._child.start(msgspec.structs.replace(self._beat, again=bool(self._trouble)))
        return self._trouble

    def stop(self) -> None:
        """End the child."""
        self._child.end()
