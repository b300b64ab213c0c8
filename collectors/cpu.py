"""How busy the processors are: utilisation by mode since the previous run, load per core, and tasks that wait.

Utilisation needs two looks at the kernel's counters, in the first run over `first_measurement`; every later run covers the
whole time since the run before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import msgspec
import psutil

from collectors._kernel_files import kernel_text
from collectors._plugin import CollectorContext, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._pressure import pressure_readings
from collectors._reading import CouldNotCheck, Reading
from collectors._two_looks import Between, FirstMeasurement, TwoLooks

Times = Mapping[str, float]  # seconds by mode, since boot, summed over all processors

# As Linux has them, in this order (proc_stat(5)); the first kernels had four, and later ones may have more.
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
_COUNTED_ELSEWHERE = frozenset({"guest", "guest_nice"})  # Linux counts them in user and nice as well
_AT_REST = frozenset({"idle", "iowait"})


class CpuOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the cpu collector."""

    first_measurement: FirstMeasurement = 0.1


def mode_ratios(before: Times, after: Times) -> dict[str, float]:
    """Given the counters at two moments, return the share of time (0 to 1) spent in each mode; empty when none passed.

    A counter that went back (idle and iowait do so on Linux, proc_stat(5)) counts as no time.
    """
    spent = {mode: max(0.0, after[mode] - before[mode]) for mode in after if mode not in _COUNTED_ELSEWHERE}
    total = sum(spent.values())
    return {mode: seconds / total for mode, seconds in spent.items()} if total > 0 else {}


class RunQueue(msgspec.Struct, frozen=True):
    """Tasks of this moment: those that run or want to, and those that wait for a disk and cannot be interrupted."""

    running: int
    blocked: int


def parse_times(stat: str) -> Times:
    """Given `/proc/stat`, return the counters of all processors together. Raise ValueError when it does not have them."""
    name, *ticks = stat.partition("\n")[0].split(" ")
    if name != "cpu":
        raise ValueError("/proc/stat does not tell what the processors have done")
    each = os.sysconf("SC_CLK_TCK")
    return {mode: int(count) / each for mode, count in zip(_MODES, filter(None, ticks), strict=False)}


def parse_run_queue(stat: str) -> RunQueue:
    r"""Given `/proc/stat`, return the queue (proc_stat(5)). Raise ValueError when it does not have it.

    >>> parse_run_queue("cpu 1 2\nprocs_running 3\nprocs_blocked 1\n")
    RunQueue(running=3, blocked=1)
    """
    found = dict(line.split()[:2] for line in stat.splitlines() if line.startswith("procs_"))
    if not {"procs_running", "procs_blocked"} <= found.keys():
        raise ValueError("/proc/stat does not tell how many tasks run and are blocked")
    return RunQueue(int(found["procs_running"]), int(found["procs_blocked"]))


class Look(msgspec.Struct, frozen=True):
    """What is counted at one moment. stat: `/proc/stat`, empty where there is none."""

    times: Times
    stat: str = ""


def read_times() -> Times:
    """Return the system's counters of now, of whatever system."""
    times: dict[str, float] = psutil.cpu_times()._asdict()
    return times


class CpuCollector:
    """Reads how busy the processors are. `read` and `looks` are the counters elsewhere than on Linux and the clock, for tests."""

    def __init__(
        self,
        options: CpuOptions,
        context: CollectorContext,
        read: Callable[[], Times] = read_times,
        looks: TwoLooks[Look] | None = None,
    ) -> None:
        self._context = context
        self._read_elsewhere = read
        self._looks = looks or TwoLooks(options.first_measurement)

    def look_ahead(self) -> None:
        """Read the counters, so that the first run has an earlier look."""
        self._looks.ahead(self._read)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield utilisation, load and pressure; what this kernel does not keep is absent."""
        between = self._looks.take(self._read)
        yield from _utilization(between, at)
        cores = psutil.cpu_count() or 1
        if hasattr(os, "getloadavg"):  # Windows has none, and an imitation starts at a made-up 0
            for window, load in zip(("1m", "5m", "15m"), os.getloadavg(), strict=True):
                yield Reading("load_per_core", load / cores, "count", {"window": window}, at)
        if between.after.stat:
            yield from _run_queue(between.after.stat, cores, at)
        yield from pressure_readings(self._context, "cpu", "cpu_pressure_ratio", at)

    def _read(self) -> Look:
        try:
            stat = kernel_text(self._context.path("/proc/stat"))
        except FileNotFoundError:  # not Linux
            return Look(self._read_elsewhere())
        # Not by psutil, which reads the file once more: where there are many processors, the kernel takes long to write it.
        try:
            return Look(parse_times(stat), stat)
        except ValueError as error:
            raise CollectorError(str(error)) from error


def _run_queue(stat: str, cores: int, at: float) -> Iterator[Reading | CouldNotCheck]:
    try:
        queue = parse_run_queue(stat)
    except ValueError as error:
        yield CouldNotCheck("runnable_per_core", {}, str(error))
        return
    # One of them is the agent, which is running while it looks.
    yield Reading("runnable_per_core", max(0, queue.running - 1) / cores, "count", {}, at)
    yield Reading("tasks_blocked", float(queue.blocked), "count", {}, at)


def _utilization(between: Between[Look], at: float) -> Iterator[Reading | CouldNotCheck]:
    ratios = mode_ratios(between.before.times, between.after.times)
    if not ratios:
        yield CouldNotCheck("cpu_utilization_ratio", {}, "the kernel's processor counters stand still")
        return
    at_rest = sum(ratio for mode, ratio in ratios.items() if mode in _AT_REST)
    yield Reading("cpu_utilization_ratio", min(1.0, max(0.0, 1.0 - at_rest)), "ratio", {}, at)
    for mode, ratio in ratios.items():
        yield Reading("cpu_mode_ratio", ratio, "ratio", {"mode": mode}, at)


PLUGIN = CollectorPlugin(
    name="cpu",
    summary="How busy the processors are, and whether tasks wait for them.",
    options=CpuOptions,
    build=CpuCollector,
    readings=(
        DeclaredReading(
            "cpu_utilization_ratio", "ratio", (), "Share of processor time not idle since the previous run."
        ),
        DeclaredReading(
            "cpu_mode_ratio", "ratio", ("mode",), "Share of processor time by mode since the previous run."
        ),
        DeclaredReading(
            "load_per_core", "count", ("window",), "Load average of 1m, 5m, 15m divided by logical processors."
        ),
        DeclaredReading(
            "runnable_per_core",
            "count",
            (),
            "Tasks that run or want to, at this moment, divided by logical processors.",
        ),
        DeclaredReading("tasks_blocked", "count", (), "Tasks that wait for a disk at this moment."),
        DeclaredReading(
            "cpu_pressure_ratio",
            "ratio",
            ("scope", "window"),
            "Share of time in which some task waited for a processor.",
        ),
    ),
)
