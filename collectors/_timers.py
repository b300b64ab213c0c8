"""Timers of systemd: whether each waits for its time, and how long ago what it starts last went well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from collectors._reading import Reading
from collectors._systemd import Unit, monotonic, parse_show

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(y|month|w|d|h|min|s|ms|us)\b")
# As systemd counts them (time-util.h).
_SECONDS = {
    "y": 31_557_600,
    "month": 2_629_800,
    "w": 604_800,
    "d": 86_400,
    "h": 3600,
    "min": 60,
    "s": 1,
    "ms": 1e-3,
    "us": 1e-6,
}


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """One timer as systemd holds it.

    triggers: the unit it starts. meant: it is enabled, and its own conditions did not keep it from starting.
    since: when it was started, seconds on the monotonic clock. period: seconds from its last time to its next, when known.
    """

    name: str
    triggers: str
    active: bool
    failed: bool
    meant: bool
    since: float
    period: float | None


class Remembered(msgspec.Struct):
    """What systemd forgets: when a timer was first seen, when its unit last went well (monotonic), its last known period."""

    seen: float
    well: float | None = None
    period: float | None = None


@lru_cache(maxsize=1)  # as that of `parse_units`, of the same output
def parse_timers(output: str) -> tuple[Timer, ...]:
    """Given the output of `systemctl show`, return the timers among its units. Raise ValueError when one is not understood."""
    told = parse_show("\n\n".join([block for block in output.split("\n\n") if ".timer\n" in f"{block}\n"]))
    return tuple(
        [
            _timer(one)
            for one in told
            if one.get("Id", ".timer").endswith(".timer") and one.get("LoadState") != "not-found"
        ]
    )


def _timer(properties: dict[str, str]) -> Timer:
    if "Id" not in properties or "ActiveState" not in properties:
        raise ValueError(f"systemctl said nothing of a timer's state: {properties}")
    kept = properties.get("ConditionResult") == "no" and monotonic(properties, "ConditionTimestampMonotonic") > 0
    return Timer(
        name=properties["Id"],
        triggers=properties.get("Unit", ""),
        active=properties["ActiveState"] == "active",
        failed=properties["ActiveState"] == "failed",
        meant=properties.get("UnitFileState") == "enabled" and not kept,
        since=monotonic(properties, "ActiveEnterTimestampMonotonic"),
        period=_period(properties),
    )


def _period(properties: Mapping[str, str]) -> float | None:
    """Return the seconds between the last time and the next, by either clock; both are told in one zone, so it matters not."""
    pairs = (
        (_moment(properties.get("LastTriggerUSec", "")), _moment(properties.get("NextElapseUSecRealtime", ""))),
        (span(properties.get("LastTriggerUSecMonotonic", "")), span(properties.get("NextElapseUSecMonotonic", ""))),
    )
    periods = [after - before for before, after in pairs if before and after and after > before]
    return min(periods, default=None)


def _moment(text: str) -> float | None:
    found = _MOMENT.search(text)
    return datetime.strptime(found[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() if found else None


def span(text: str) -> float | None:
    """Given a time span as systemctl writes it, return seconds; None for none and for "infinity".

    >>> span("3h 25min 18.5s"), span("infinity")
    (12318.5, None)
    """
    parts = _SPAN.findall(text)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts) if parts else None


def timer_readings(
    timers: Iterable[Timer], units: Mapping[str, Unit], memory: dict[str, Remembered], now: float, at: float
) -> Iterator[Reading]:
    """Yield what is known of each timer. `now`: the monotonic clock. `memory` is kept by the caller, and brought up to date."""
    timers = list(timers)
    for gone in memory.keys() - {timer.name for timer in timers}:
        del memory[gone]
    for timer in timers:
        labels = {"unit": timer.name}
        yield Reading("service_failed", float(timer.failed), "boolean", labels, at)
        if timer.meant:
            yield Reading("timer_waiting", float(timer.active), "boolean", dict(labels), at)
        unit = units.get(timer.triggers)
        if not timer.active or unit is None:
            continue
        remembered = memory.setdefault(timer.name, Remembered(now))
        remembered.period = timer.period or remembered.period
        if unit.active:
            remembered.well = now  # it is at work, and is not started a second time
        elif unit.ran and unit.well:
            remembered.well = unit.ran
        # Of one that went wrong before we came it is only known since when we have looked; of one that has not run yet, all.
        began = remembered.well or (remembered.seen if unit.ran else timer.since)
        if remembered.period:
            yield Reading("timer_success_age_seconds", max(0.0, now - began), "seconds", dict(labels), at)
            yield Reading("timer_period_seconds", remembered.period, "seconds", dict(labels), at)
