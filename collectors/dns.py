"""Names: whether the host's own resolver finds them, and how fast. What programs on this host would get is what counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import msgspec

from collectors._network import NoSuchName, lookup, refuse_twice
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
from collectors._side_by_side import Late, SideBySide

DEADLINE = 45.0

HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[^\s/@\x00-\x1f]+$")]


class DnsOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the dns collector."""

    names: Annotated[
        list[HostName],
        msgspec.Meta(description="Host names that the host's resolver has to find.", examples=[["db.example"]]),
    ] = msgspec.field(default_factory=list)
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time a look-up may take.")] = 10.0

    def __post_init__(self) -> None:
        """Refuse a name that stands there twice."""
        refuse_twice("names", self.names)


class DnsCollector:
    """Looks each name up as any program would: hosts file, cache and all."""

    def __init__(self, options: DnsOptions, _: CollectorContext) -> None:
        self._names = options.names
        self._probes = SideBySide[str, float](options.timeout, options.deadline or DEADLINE)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield for each name whether it was found. Raises NotSupported when none is named."""
        if not self._names:
            raise NotSupported("no name is given")
        for name, answer in self._probes.ask({name: partial(_look_up, name) for name in self._names}):
            labels = {"name": name}
            if isinstance(answer, float):
                yield Reading("dns_lookup_seconds", answer, "seconds", labels, at)
            elif not isinstance(answer, NoSuchName | ResolverFailed | Late):
                yield CouldNotCheck("dns_resolved", labels, str(answer))
                continue
            yield Reading("dns_resolved", float(isinstance(answer, float)), "boolean", labels, at)


class ResolverFailed(Exception):
    """The resolver could not say; for those who ask whether it works, that is an answer."""


def _look_up(name: str) -> float:
    began = time.monotonic()
    try:
        lookup(name)
    except CollectorError as error:
        raise ResolverFailed(str(error)) from error
    return time.monotonic() - began


PLUGIN = CollectorPlugin(
    name="dns",
    summary="Host names that the host's resolver finds.",
    options=DnsOptions,
    build=DnsCollector,
    readings=(
        DeclaredReading(
            "dns_resolved",
            "boolean",
            ("name",),
            "It was found; 0 where it does not exist or no resolver answered in time.",
        ),
        DeclaredReading("dns_lookup_seconds", "seconds", ("name",), "Time the look-up took."),
    ),
    deadline=DEADLINE,
    when_configured=True,
)
