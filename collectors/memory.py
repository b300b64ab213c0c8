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


_COUNTS = re.compile(r"^(oom_kill|pswpin|pswpout) (.*)$", re.MULTILINE)  # of nearly two hundred


def parse_vmstat(text: str) -> dict[str, int]:
    """Given `/proc/vmstat`, return by name those counts since boot that are read. Raise ValueError when one is no number."""
    return {name: int(count) for name, count in _COUNTS.findall(text)}


class MemoryCollector:
    """Reads memory, swap, pressure and kills."""

    def __init__(self, _options: MemoryOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what this kernel keeps; pressure and kills are absent where it does not."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        yield Reading("memory_available_bytes", float(memory.available), "bytes", {}, at)
        yield Reading("memory_total_bytes", float(memory.total), "bytes", {}, at)
        yield Reading("swap_used_bytes", float(swap.used), "bytes", {}, at)
        yield Reading("swap_total_bytes", float(swap.total), "bytes", {}, at)
        yield from pressure_readings(self._context, "memory", "memory_pressure_ratio", at)
        if psutil.LINUX:
            yield from self._counted(at)

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
