"""Nagios and Icinga plugins that IT already has: what each says by its exit status, and the values it measured.

Each is started by its absolute path, without a shell, in a clean environment and a process group of its own, which is ended
with it. What its text says is nobody's to believe and is left where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import PurePath
from typing import Annotated

import msgspec

from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    Completed,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._plugin_output import Performance, parse_output
from collectors._reading import CouldNotCheck, Reading
from collectors._side_by_side import SideBySide

DEADLINE = 60.0
AT_ONCE = 4  # programs
TO_END_IT = 2.0  # seconds that the runner may need beyond the timeout to end a program
UNKNOWN = 3  # the highest status that the guidelines give a meaning: 0 ok, 1 warning, 2 critical, 3 unknown
_NAMES = {  # by quantity: reading and unit
    "count": ("nagios_performance", "count"),
    "total": ("nagios_performance_total", "count"),
    "ratio": ("nagios_performance_ratio", "ratio"),
    "seconds": ("nagios_performance_seconds", "seconds"),
    "bytes": ("nagios_performance_bytes", "bytes"),
}
_LARGEST = {"count": "nagios_maximum", "seconds": "nagios_maximum_seconds", "bytes": "nagios_maximum_bytes"}


class NagiosCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plugin with its arguments."""

    command: Annotated[
        list[str],
        msgspec.Meta(
            min_length=1,
            description="The plugin's absolute path and its arguments, one by one; there is no shell. No secrets: "
            "everybody on the host sees arguments.",
            examples=[["/usr/lib/nagios/plugins/check_swap", "-w", "20%"]],
        ),
    ]
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time it may take.")] = 10.0

    def __post_init__(self) -> None:
        """Refuse a program that would be looked up, and what no program can be given."""
        if not PurePath(self.command[0]).is_absolute():
            raise ValueError(f"command: {self.command[0]!r} is no absolute path")
        if any("\0" in part for part in self.command) or self.timeout <= 0:
            raise ValueError("command: an argument has a zero byte" if self.timeout > 0 else "timeout: must be above 0")


class NagiosOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the nagios collector."""

    checks: Annotated[
        dict[str, NagiosCheck],
        msgspec.Meta(
            description="Plugins to run, by a name of your choice.",
            examples=[{"swap": {"command": ["/usr/lib/nagios/plugins/check_swap", "-w", "20%"]}}],
        ),
    ] = msgspec.field(default_factory=dict)


class NagiosCollector:
    """Runs the plugins, a few at once."""

    def __init__(self, options: NagiosOptions, context: CollectorContext) -> None:
        self._checks = options.checks
        self._context = context
        longest = max((check.timeout for check in options.checks.values()), default=0.0) + TO_END_IT
        self._probes = SideBySide[str, Completed](longest, options.deadline or DEADLINE, AT_ONCE)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield status and values of each check. Raises NotSupported when none is named."""
        if not self._checks:
            raise NotSupported("no check is named")
        runs = {
            name: partial(self._context.run, check.command, timeout=check.timeout)
            for name, check in self._checks.items()
        }
        for name, done in self._probes.ask(runs):
            if isinstance(done, CollectorError):
                yield CouldNotCheck("nagios_status", {"check": name}, str(done))
            elif isinstance(done, Exception):
                raise done  # a mistake of ours
            else:
                yield from check_readings(name, done, at)


def check_readings(check: str, done: Completed, at: float) -> Iterator[Reading | CouldNotCheck]:
    """Given a plugin that has ended, yield its status and values."""
    labels = {"check": check}
    if not 0 <= done.status <= UNKNOWN:
        how = f"was ended by signal {-done.status}" if done.status < 0 else f"ended with status {done.status}"
        said = (done.errors.strip() or done.output.strip()).partition("\n")[0]
        yield CouldNotCheck("nagios_status", labels, f"{how}, which no plugin should" + (f": {said}" if said else ""))
        return
    yield Reading("nagios_status", float(done.status), "count", labels, at)
    _, values, malformed = parse_output(done.output)
    told = set()
    for value in values:
        if value.label in told:
            malformed.append(f"{value.label} stands there twice")
            continue
        told.add(value.label)
        yield from _value_readings(check, value, at)
    if malformed:
        reason = f"{len(malformed)} parts of its performance data cannot be read, the first is {malformed[0]}"
        yield CouldNotCheck("nagios_performance", labels, reason)
    if done.truncated:
        yield CouldNotCheck("nagios_performance", labels, "it printed too much; the rest is left out")


def _value_readings(check: str, value: Performance, at: float) -> Iterator[Reading | CouldNotCheck]:
    labels = {"check": check, "metric": value.label}
    if value.value is None:
        yield CouldNotCheck("nagios_performance", labels, "the plugin could not tell")
        return
    name, unit = _NAMES[value.quantity]
    yield Reading(name, value.value, unit, labels, at)
    if value.largest is not None and value.quantity in _LARGEST:
        yield Reading(_LARGEST[value.quantity], value.largest, unit, dict(labels), at)
    for range_name, limits in (("warning", value.warning), ("critical", value.critical)):
        if limits is not None:
            beyond = limits.warns(value.value)
            yield Reading("nagios_beyond_range", float(beyond), "boolean", {**labels, "range": range_name}, at)


_VALUE = ("check", "metric")
PLUGIN = CollectorPlugin(
    name="nagios",
    summary="Nagios and Icinga plugins: their status and the values they measure.",
    options=NagiosOptions,
    build=NagiosCollector,
    readings=(
        DeclaredReading("nagios_status", "count", ("check",), "What it says: 0 ok, 1 warning, 2 critical, 3 unknown."),
        DeclaredReading("nagios_performance", "count", _VALUE, "A value without a unit, or with one not named here."),
        DeclaredReading("nagios_performance_total", "count", _VALUE, "A counter (unit `c`)."),
        DeclaredReading("nagios_performance_ratio", "ratio", _VALUE, "A percentage, as a share: 0.8 is 80 %."),
        DeclaredReading("nagios_performance_seconds", "seconds", _VALUE, "A time (units `s`, `ms`, `us`, `ns`)."),
        DeclaredReading(
            "nagios_performance_bytes", "bytes", _VALUE, "A size (units `B`, `KB` to `PB`; powers of 1024)."
        ),
        DeclaredReading(
            "nagios_maximum", "count", _VALUE, "The most that a value without a unit can be, where it says so."
        ),
        DeclaredReading("nagios_maximum_seconds", "seconds", _VALUE, "The most that a time can be."),
        DeclaredReading(
            "nagios_maximum_bytes", "bytes", _VALUE, "The most that a size can be: the whole it is part of."
        ),
        DeclaredReading(
            "nagios_beyond_range",
            "boolean",
            (*_VALUE, "range"),
            "The value is where the plugin's own range (`warning`, `critical`) has it warn.",
        ),
    ),
    interval=300.0,  # as Nagios does; a plugin costs 2 to 30 ms of processor time, one in Perl or Python ten times that
    deadline=DEADLINE,
    when_configured=True,
)
