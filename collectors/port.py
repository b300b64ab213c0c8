"""Ports: whether a TCP service takes connections, and how fast. Nothing is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import msgspec

from collectors._network import NoSuchName, connect, is_ours, refuse_twice, split_target
from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._side_by_side import SideBySide

DEADLINE = 30.0


class PortOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the port collector."""

    targets: Annotated[
        list[str],
        msgspec.Meta(
            description="TCP services that have to take connections, each HOST:PORT.", examples=[["127.0.0.1:5432"]]
        ),
    ] = msgspec.field(default_factory=list)
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time a service may take to accept.")] = 5.0

    def __post_init__(self) -> None:
        """Refuse a target that is none, or stands there twice."""
        for target in self.targets:
            split_target(target)
        refuse_twice("targets", self.targets)


class PortCollector:
    """Connects and hangs up."""

    def __init__(self, options: PortOptions, _: CollectorContext) -> None:
        self._options = options
        self._probes = SideBySide[str, float](2 * options.timeout, options.deadline or DEADLINE)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield for each target whether it accepts. Raises NotSupported when none is named."""
        if not self._options.targets:
            raise NotSupported("no target is named")
        questions = {target: partial(self._connect, target) for target in self._options.targets}
        for target, answer in self._probes.ask(questions):
            labels = {"target": target}
            if isinstance(answer, CollectorError) or (isinstance(answer, OSError) and is_ours(answer)):
                yield CouldNotCheck("port_open", labels, str(answer))
                continue
            if not isinstance(answer, float | NoSuchName | OSError):
                raise answer  # a mistake of ours is not a closed port
            yield Reading("port_open", float(isinstance(answer, float)), "boolean", labels, at)
            if isinstance(answer, float):
                yield Reading("port_connect_seconds", answer, "seconds", labels, at)

    def _connect(self, target: str) -> float:
        began = time.monotonic()
        connect(*split_target(target), self._options.timeout).close()
        return time.monotonic() - began


PLUGIN = CollectorPlugin(
    name="port",
    summary="TCP services that take connections.",
    options=PortOptions,
    build=PortCollector,
    readings=(
        DeclaredReading(
            "port_open",
            "boolean",
            ("target",),
            "It took a connection; 0 where it refused, did not answer in time, or its name does not exist.",
        ),
        DeclaredReading("port_connect_seconds", "seconds", ("target",), "Time to look up its name and connect."),
    ),
    deadline=DEADLINE,
    when_configured=True,
)
