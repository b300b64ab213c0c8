"""The limits of the container that the agent runs in, and what is used of them: inside, the host's figures are not what counts.

Read is the control group at the root of what can be seen (`/sys/fs/cgroup`): in a container that is the container itself. On a
host it is the host, which has no limit; the agent's own unit is not meant. Both versions of the kernel's interface are
read (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

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
from collectors._reading import CouldNotCheck, Reading
from collectors._two_looks import FirstMeasurement, TwoLooks

ROOT = "/sys/fs/cgroup"
# Version 1 says "no limit" as the largest multiple of a page that fits into 63 bits.
_UNLIMITED = 1 << 60


class CgroupOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the cgroup collector."""

    first_measurement: FirstMeasurement = 0.1


class Processors(msgspec.Struct, frozen=True):
    """What a group may take of the processors, and has taken so far.

    limit: processors, 0.5 is half of one. used: seconds. periods, throttled: of how many it used up its share and had to wait.
    """

    limit: float
    used: float
    periods: int
    throttled: int


class Memory(msgspec.Struct, frozen=True):
    """What a group may take of memory, and takes: bytes, without the file cache that is dropped first."""

    limit: int
    used: int
    kills: int


def parse_counts(text: str) -> dict[str, int]:
    r"""Given a flat keyed file (`cpu.stat`, `memory.stat`, `memory.events`), return its counts.

    >>> parse_counts("nr_periods 5\nnr_throttled 2\n")
    {'nr_periods': 5, 'nr_throttled': 2}
    """
    return {key: int(count) for key, count in (line.split() for line in text.splitlines())}


Read = Callable[[str], str]


def read_processors(read: Read, *, unified: bool) -> Processors | None:
    """Return the group's processors through `read` (a file's text by name); None where it has no limit."""
    if unified:
        quota, period = read("cpu.max").split()
        if quota == "max":
            return None
        counts = parse_counts(read("cpu.stat"))
        used = counts["usage_usec"] / 1e6
    else:
        quota, period = read("cpu/cpu.cfs_quota_us"), read("cpu/cpu.cfs_period_us")
        if int(quota) < 0:
            return None
        counts = parse_counts(read("cpu/cpu.stat"))
        used = int(read("cpuacct/cpuacct.usage")) / 1e9
    return Processors(int(quota) / int(period), used, counts["nr_periods"], counts["nr_throttled"])


def read_memory(read: Read, *, unified: bool) -> Memory | None:
    """Return the group's memory through `read` (a file's text by name); None where it has no limit."""
    if unified:
        limit = read("memory.max").strip()
        if limit == "max":
            return None
        cache, kills = parse_counts(read("memory.stat"))["inactive_file"], parse_counts(read("memory.events"))
        used = read("memory.current")
    else:
        limit = read("memory/memory.limit_in_bytes")
        if int(limit) > _UNLIMITED:
            return None
        cache = parse_counts(read("memory/memory.stat"))["total_inactive_file"]
        kills, used = parse_counts(read("memory/memory.oom_control")), read("memory/memory.usage_in_bytes")
    return Memory(int(limit), max(0, int(used) - cache), kills.get("oom_kill", 0))


class CgroupCollector:
    """Reads the group's limits. Raises NotSupported where there are none."""

    def __init__(
        self, options: CgroupOptions, context: CollectorContext, looks: TwoLooks[Processors | None] | None = None
    ) -> None:
        self._context = context
        self._looks = looks or TwoLooks(options.first_measurement)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what of its limits the container uses, and how often it had to wait for its share."""
        unified = self._context.path(f"{ROOT}/cgroup.controllers").exists()
        unlimited = 0
        parts: Mapping[str, Callable[[], Iterator[Reading]]] = {
            "cgroup_memory_limit_bytes": lambda: self._memory(at, unified=unified),
            "cgroup_cpu_limit": lambda: self._processors(at, unified=unified),
        }
        for name, part in parts.items():
            try:
                readings = list(part())
            except FileNotFoundError:
                readings = []  # the root of a host has no such file
            except (OSError, ValueError, KeyError) as error:
                yield CouldNotCheck(name, {}, f"{ROOT} is not understood: {error}")
                continue
            unlimited += not readings
            yield from readings
        if unlimited == len(parts):
            raise NotSupported("not in a container with a limit of its own")

    def _read(self, name: str) -> str:
        return kernel_text(self._context.path(f"{ROOT}/{name}"))

    def _memory(self, at: float, *, unified: bool) -> Iterator[Reading]:
        memory = read_memory(self._read, unified=unified)
        if memory:
            yield Reading("cgroup_memory_limit_bytes", float(memory.limit), "bytes", {}, at)
            available = float(max(0, memory.limit - memory.used))
            yield Reading("cgroup_memory_available_bytes", available, "bytes", {}, at)
            yield Reading("cgroup_oom_kills_total", float(memory.kills), "count", {}, at)

    def _processors(self, at: float, *, unified: bool) -> Iterator[Reading]:
        if read_processors(self._read, unified=unified) is None:
            return
        look = self._looks.take(lambda: read_processors(self._read, unified=unified))
        before, after = look.before, look.after
        if before is None or after is None:
            raise CollectorError("its limit was set or taken away just now")
        used = max(0.0, after.used - before.used) / look.seconds / after.limit
        periods, throttled = after.periods - before.periods, after.throttled - before.throttled
        share = throttled / periods if periods > 0 else 0.0
        yield Reading("cgroup_cpu_limit", after.limit, "count", {}, at)
        yield Reading("cgroup_cpu_utilization_ratio", min(1.0, used), "ratio", {}, at)
        yield Reading("cgroup_cpu_throttled_ratio", min(1.0, max(0.0, share)), "ratio", {}, at)


PLUGIN = CollectorPlugin(
    name="cgroup",
    summary="In a container: its own limits of memory and processors, and what is used of them.",
    options=CgroupOptions,
    build=CgroupCollector,
    readings=(
        DeclaredReading("cgroup_memory_limit_bytes", "bytes", (), "Memory the container may use."),
        DeclaredReading(
            "cgroup_memory_available_bytes",
            "bytes",
            (),
            "What is left of it; file cache that can be dropped counts as left.",
        ),
        DeclaredReading("cgroup_oom_kills_total", "count", (), "Processes of the container killed at its limit."),
        DeclaredReading("cgroup_cpu_limit", "count", (), "Processors the container may use; 0.5 is half of one."),
        DeclaredReading(
            "cgroup_cpu_utilization_ratio", "ratio", (), "Share of that limit in use since the previous run."
        ),
        DeclaredReading(
            "cgroup_cpu_throttled_ratio",
            "ratio",
            (),
            "Share of the scheduler's periods in which the container used up its share and had to wait.",
        ),
    ),
)
