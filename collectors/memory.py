"""Memory: what programs can still get, swap, tasks that wait for memory, and programs the kernel killed for it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._pressure import pressure_readings
from collectors._reading import CouldNotCheck, Reading


class MemoryOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the memory collector."""


def parse_oom_kills(vmstat: str) -> int | None:
    """Given `/proc/vmstat`, return how many processes were killed for want of memory since boot; None before Linux 4.13."""
    for line in vmstat.splitlines():
        key, _, count = line.partition(" ")
        if key == "oom_kill":
            return int(count)
    return None


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
            yield from self._kills(at)

    def _kills(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        try:
            kills = parse_oom_kills(self._context.path("/proc/vmstat").read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            yield CouldNotCheck("oom_kills_total", {}, str(error))
            return
        if kills is not None:
            yield Reading("oom_kills_total", float(kills), "count", {}, at)


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
    ),
)
