"""What disks are asked to do and how long that takes them: time for one request, share of time busy, requests that wait.

Every disk is read that is hardware, or is to a virtual machine: what is made of others (partitions, LVM, RAID, loop devices)
is busy when they are. The kernel's counters are those of its `Documentation/admin-guide/iostats.rst`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import Annotated

import msgspec

from collectors._kernel_files import kernel_text
from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
)
from collectors._pressure import pressure_readings
from collectors._reading import CouldNotCheck, Labels, Reading
from collectors._two_looks import FirstMeasurement, TwoLooks

SOURCE = "/proc/diskstats"
MOST_DISKS = 64


class DiskIoOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the disk_io collector."""

    exclude_devices: Annotated[
        list[str], msgspec.Meta(description="Disks to leave out, as shell patterns of their kernel names (`sr*`).")
    ] = msgspec.field(default_factory=lambda: ["sr*", "fd*"])
    first_measurement: FirstMeasurement = 0.1


class Counters(msgspec.Struct, frozen=True):
    """One disk's counters since boot: finished requests, and milliseconds spent.

    busy: in which at least one request was under way. waited: summed over all requests.
    """

    reads: int
    reading: int
    writes: int
    writing: int
    busy: int
    waited: int


def split_diskstats(text: str) -> dict[str, str]:
    """Given `/proc/diskstats`, return what it counts of each device, as it stands there, by kernel name.

    Raise ValueError when a line is not one. Most devices are no disks: to read the counters of all takes 0.1 ms a cycle.
    """
    found = {}
    for line in text.splitlines():
        fields = line.split(maxsplit=3)
        if len(fields) < 4:  # noqa: PLR2004 - two numbers of the device, its name, and the counters
            raise ValueError(f"not a line of diskstats: {line[:80]!r}")
        found[fields[2]] = fields[3]
    return found


def parse_counters(text: str) -> Counters:
    """Given what `/proc/diskstats` counts of a device, return that. Raise ValueError when it is not understood."""
    counts = text.split()
    if len(counts) < 11:  # noqa: PLR2004 - as many as since Linux 2.6.25; later ones stand behind them
        raise ValueError(f"not the counters of a disk: {text[:80]!r}")
    reads, _, _, reading, writes, _, _, writing, _, busy, waited, *_ = counts
    return Counters(int(reads), int(reading), int(writes), int(writing), int(busy), int(waited))


class DiskIoCollector:
    """Reads what disks did since the run before. Raises NotSupported where the kernel keeps no such counters."""

    def __init__(
        self, options: DiskIoOptions, context: CollectorContext, looks: TwoLooks[dict[str, str]] | None = None
    ) -> None:
        self._excluded = options.exclude_devices
        self._context = context
        self._looks = looks or TwoLooks(options.first_measurement)
        self._names: frozenset[str] = frozenset()
        self._disks: dict[str, Labels] = {}

    def look_ahead(self) -> None:
        """Read the counters, so that the first run has an earlier look."""
        self._looks.ahead(self._read)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield time, use and queue of each disk, and how long tasks waited for any."""
        between = self._looks.take(self._read)
        if between.after.keys() != self._names:  # seldom: hosts have dozens of devices that are no disks
            self._names = frozenset(between.after)
            self._disks = {name: Labels({"device": name}) for name in sorted(self._names) if self._is_a_disk(name)}
        for name, labels in islice(self._disks.items(), MOST_DISKS):
            try:
                before = parse_counters(between.before[name]) if name in between.before else None
                after = parse_counters(between.after[name])
            except ValueError as error:
                yield CouldNotCheck("disk_busy_ratio", labels, f"{SOURCE} is not understood: {error}")
                continue
            yield from _readings(labels, before, after, between.seconds, at)
        if len(self._disks) > MOST_DISKS:
            reason = f"{len(self._disks)} disks, of which {MOST_DISKS} are read; leave some out with `exclude_devices`"
            yield CouldNotCheck("disk_busy_ratio", {}, reason)
        yield from pressure_readings(self._context, "io", "io_pressure_ratio", at)

    def _read(self) -> dict[str, str]:
        try:
            return split_diskstats(kernel_text(self._context.path(SOURCE)))
        except FileNotFoundError:
            raise NotSupported(f"this system has no {SOURCE}") from None
        except ValueError as error:
            raise CollectorError(f"{SOURCE} is not understood: {error}") from error

    def _is_a_disk(self, name: str) -> bool:
        # The kernel writes a slash in a name as an exclamation mark (cciss!c0d0).
        device = self._context.path(f"/sys/block/{name.replace('/', '!')}/device")
        return device.exists() and not any(fnmatchcase(name, pattern) for pattern in self._excluded)


def _readings(
    labels: Labels, before: Counters | None, now: Counters, seconds: float, at: float
) -> Iterator[Reading | CouldNotCheck]:
    if before is None or any(getattr(now, field) < getattr(before, field) for field in Counters.__struct_fields__):
        yield CouldNotCheck("disk_busy_ratio", labels, "it has just come, or counts anew; known from the next run on")
        return
    yield Reading("disk_busy_ratio", min(1.0, (now.busy - before.busy) / 1000 / seconds), "ratio", labels, at)
    yield Reading("disk_queue_length", (now.waited - before.waited) / 1000 / seconds, "count", labels, at)
    if reads := now.reads - before.reads:
        yield Reading("disk_read_seconds", (now.reading - before.reading) / 1000 / reads, "seconds", labels, at)
    if writes := now.writes - before.writes:
        yield Reading("disk_write_seconds", (now.writing - before.writing) / 1000 / writes, "seconds", labels, at)


_LABELS = ("device",)
PLUGIN = CollectorPlugin(
    name="disk_io",
    summary="What disks are asked to do: time for one request, share of time busy, requests that wait.",
    options=DiskIoOptions,
    build=DiskIoCollector,
    readings=(
        DeclaredReading("disk_busy_ratio", "ratio", _LABELS, "Share of time with a request under way."),
        DeclaredReading(
            "disk_queue_length", "count", _LABELS, "Requests under way or waiting, on average since the previous run."
        ),
        DeclaredReading("disk_read_seconds", "seconds", _LABELS, "Time for one read; absent when nothing was read."),
        DeclaredReading(
            "disk_write_seconds", "seconds", _LABELS, "Time for one write; absent when nothing was written."
        ),
        DeclaredReading(
            "io_pressure_ratio",
            "ratio",
            ("scope", "window"),
            "Share of time in which some or all (full) tasks waited for a disk.",
        ),
    ),
)
