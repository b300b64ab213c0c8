"""The clock: whether the host's own time service holds it, and how far it is off by time servers that are named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import msgspec

from collectors._chrony import CHRONYC, QUESTION, parse_tracking
from collectors._network import NoSuchName, refuse_twice, split_target
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
from collectors._sntp import Offset, ask

DEADLINE = 30.0
TIMEDATECTL = "/usr/bin/timedatectl"
ANSWER_WITHIN = 8.0  # seconds
_NTP = 123


class NtpOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the ntp collector."""

    servers: Annotated[
        list[str],
        msgspec.Meta(
            description="Time servers to compare the clock with, each HOST or HOST:PORT. None is asked by default.",
            examples=[["ntp.example"]],
        ),
    ] = msgspec.field(default_factory=list)
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time a server may take to answer.")] = 5.0

    def __post_init__(self) -> None:
        """Refuse a server that is none, or stands there twice."""
        for server in self.servers:
            _split(server)
        refuse_twice("servers", self.servers)


class NtpCollector:
    """Asks chronyd, or else systemd, and then the servers."""

    def __init__(self, options: NtpOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context
        # Each may take its time twice: for the look-up of its name, and to answer.
        self._probes = SideBySide[str, Offset](2 * options.timeout, (options.deadline or DEADLINE) - ANSWER_WITHIN)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what is known of the clock. Raises NotSupported when there is nobody to ask."""
        yield from self._own(at)
        questions = {server: partial(ask, *_split(server), self._options.timeout) for server in self._options.servers}
        for server, answer in self._probes.ask(questions):
            if isinstance(answer, Offset):
                yield from _offset_readings(server, answer.ahead, at)
            elif isinstance(answer, CollectorError | NoSuchName | OSError):
                for name in ("ntp_offset_seconds", "ntp_deviation_seconds"):
                    yield CouldNotCheck(name, {"source": server}, f"{server}: {answer}")
            else:
                raise answer  # a mistake of ours

    def _own(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        if self._context.path(CHRONYC).exists() and self._context.path("/run/chrony").is_dir():
            yield from self._chrony(at)
        elif self._context.path("/run/systemd/system").is_dir():
            yield from self._systemd(at)
        elif not self._options.servers:
            raise NotSupported("neither chronyd nor systemd keeps the time here, and no server is named")

    def _chrony(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        try:
            tracking = parse_tracking(self._context.run(QUESTION, timeout=ANSWER_WITHIN).output)
        except (CollectorError, ValueError) as error:
            for name in ("ntp_synchronized", "ntp_offset_seconds", "ntp_deviation_seconds"):
                yield CouldNotCheck(name, {"source": "chronyd"}, str(error))
            return
        yield Reading("ntp_synchronized", float(tracking.synchronised), "boolean", {"source": "chronyd"}, at)
        if tracking.synchronised:
            yield from _offset_readings("chronyd", tracking.ahead, at)

    def _systemd(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what the kernel was told by whoever keeps the time; systemd only passes it on."""
        labels = {"source": "kernel"}
        try:
            done = self._context.run([TIMEDATECTL, "show", "--property=NTPSynchronized"], timeout=ANSWER_WITHIN)
        except CollectorError as error:
            yield CouldNotCheck("ntp_synchronized", labels, str(error))
            return
        answer = done.output.strip().removeprefix("NTPSynchronized=")
        if done.status == 0 and answer in {"yes", "no"}:
            yield Reading("ntp_synchronized", float(answer == "yes"), "boolean", labels, at)
        else:
            yield CouldNotCheck(
                "ntp_synchronized", labels, done.errors.strip() or "timedatectl said neither yes nor no"
            )


def _offset_readings(source: str, ahead: float, at: float) -> Iterator[Reading]:
    yield Reading("ntp_offset_seconds", ahead, "seconds", {"source": source}, at)
    yield Reading("ntp_deviation_seconds", abs(ahead), "seconds", {"source": source}, at)


def _split(server: str) -> tuple[str, int]:
    if server.startswith("[") or server.count(":") == 1:
        return split_target(server)
    return split_target(f"[{server}]:{_NTP}" if ":" in server else f"{server}:{_NTP}")


PLUGIN = CollectorPlugin(
    name="ntp",
    summary="Whether the clock is kept by a time service, and how far it is off.",
    options=NtpOptions,
    build=NtpCollector,
    readings=(
        DeclaredReading(
            "ntp_synchronized",
            "boolean",
            ("source",),
            "The time service (chronyd, or what the kernel was told) holds the clock.",
        ),
        DeclaredReading(
            "ntp_offset_seconds",
            "seconds",
            ("source",),
            "How far the clock is ahead by this source; negative when behind.",
        ),
        DeclaredReading("ntp_deviation_seconds", "seconds", ("source",), "How far the clock is off, either way."),
    ),
    interval=900.0,  # a clock drifts by seconds a day
    deadline=DEADLINE,
)
