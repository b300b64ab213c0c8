"""Memory: what programs can still get, swap, tasks that wait for memory, and programs the kernel killed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil

from collectors._kernel_files import kernel_text
from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._pressure import pressure_readings
from collectors._reading import CouldNotCheck, Reading


class MemoryOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the memory collector."""


_TOLD = frozenset({"MemTotal", "MemAvailable", "SwapTotal", "SwapFree"})
# A line break that is part of the pattern is searched for five times as fast as `^`.
_AMOUNTS = re.compile(r"\n(\S+): +(\d+) kB")
_COUNTS = re.compile(r"\n(oom_kill|pswpin|pswpout) (.*)")


def parse_meminfo(text: str) -> dict[str, int]:
    r"""Given `/proc/meminfo`, return its amounts in bytes.

    >>> parse_meminfo("AnonPages: 4 kB\nHugePages_Total: 3")
    {'AnonPages': 4096}
    """
    return {name: int(amount) * 1024 for name, amount in _AMOUNTS.findall("\n" + text)}


def parse_vmstat(text: str) -> dict[str, int]:
    """Given `/proc/vmstat`, return by name those counts since boot that are read. Raise ValueError when one is no number."""
    return {name: int(count) for name, count in _COUNTS.findall("\n" + text)}


class MemoryCollector:
    """Reads memory, swap, pressure and kills."""

    def __init__(self, _options: MemoryOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what this kernel keeps; pressure and kills are absent where it does not."""
        for name, amount in self._amounts().items():
            yield Reading(name, float(amount), "bytes", {}, at)
        yield from pressure_readings(self._context, "memory", "memory_pressure_ratio", at)
        if psutil.LINUX:
            yield from self._counted(at)

    def _amounts(self) -> dict[str, int]:
        """Return the amounts by the name of their reading.

        psutil knows every system. On Linux it reads one file twice, and a second one that is read here anyway: half of what a
        run takes. It is asked there only where a kernel (before 3.14, or in LXC) does not tell what programs can get.
        """
        try:
            told = parse_meminfo(kernel_text(self._context.path("/proc/meminfo")))
        except FileNotFoundError:
            told = {}  # not Linux
        if told.keys() >= _TOLD and 0 < told["MemAvailable"] <= told["MemTotal"]:
            available, total = told["MemAvailable"], told["MemTotal"]
            swap_used, swap_total = told["SwapTotal"] - told["SwapFree"], told["SwapTotal"]
        else:
            memory, swap = psutil.virtual_memory(), psutil.swap_memory()
            available, total, swap_used, swap_total = memory.available, memory.total, swap.used, swap.total
        return {
            "memory_available_bytes": available,
            "memory_total_bytes": total,
            "swap_used_bytes": swap_used,
            "swap_total_bytes": swap_total,
        }

    def _counted(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        try:
            counts = parse_vmstat(kernel_text(self._context.path("/proc/vmstat")))
        except (OSError, ValueError) as error:
            for name in ("oom_kills_total", "swapped_pages_total"):
                yield CouldNotCheck(name, {}, str(error))
            return
        if "oom_kill" in counts:  # since Linux 4.13
            yield Reading("oom_kills_total", float(counts["oom_kill"]), "count", {}, at)
        for key, direction in (("pswpin", "in"), ("pswpout", "out")):
            if key in counts:
                yield Reading("swapped_pages_total", float(counts[key]), "count", {"direction": direction}, at)


PLUGIN = CollectorPlugin(
    name="memory",
    summary="Memory that programs can still get, swap, waiting for memory, and kills for want of it.",
    options=MemoryOptions,
    build=MemoryCollector,
    readings=(
        DeclaredReading("memory_available_bytes", "bytes", (), "Memory programs can get without swapping."),
        DeclaredReading("memory_total_bytes", "bytes", (), "Memory the kernel manages."),
        DeclaredReading("swap_used_bytes", "bytes", (), "Swap in use."),
        DeclaredReading("swap_total_bytes", "bytes", (), "Swap there is; 0 without any."),
        DeclaredReading(
            "memory_pressure_ratio",
            "ratio",
            ("scope", "window"),
            "Share of time in which some or all (full) tasks waited for memory.",
        ),
        DeclaredReading("oom_kills_total", "count", (), "Processes the kernel killed for want of memory since boot."),
        DeclaredReading(
            "swapped_pages_total",
            "count",
            ("direction",),
            "Pages brought in from swap and put out to it since boot: memory is short while both grow.",
        ),
    ),
)
