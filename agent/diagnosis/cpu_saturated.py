"""The processors are busy: with what, for whom, and who waits or is held back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, detail
from agent.diagnosis._look import Look
from agent.diagnosis._pressure import pressure
from agent.diagnosis._programs import Process, Program, grouped, processes
from agent.diagnosis._ranking import View
from collectors import CollectorError
from collectors.cpu import mode_ratios, read_times

# Long enough to stand for what goes on, short beside the look's own time. Seconds.
WINDOW = 10.0
# A process that begins and ends between two of these moments is not seen; its time is in the total. Seconds.
RHYTHM = 1.0
NAMED, LISTED = 0.05, 0.002  # shares of the processors' time
MOST_NAMED, MOST_LISTED = 5, 40
WORTH_TELLING = 0.01
# What no program here did: rest, waiting for disks, and what the hypervisor took for others.
_NO_WORK = frozenset({"idle", "iowait", "steal"})
_CGROUPS = ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")  # of version 1, of version 2


def busy(look: Look) -> Iterator[Item]:
    """Watch for a while, and yield where the processors' time went."""
    window = min(WINDOW, look.left / 2)
    times, throttled, started = read_times(), throttled_seconds(look), processes_started(look)
    before, unseen = processes(look)
    last = {(one.pid, one.started): one for one in before}
    for _ in range(max(1, round(window / RHYTHM))):
        look.wait(min(RHYTHM, window))
        found, unseen = processes(look)
        last |= {(one.pid, one.started): one for one in found}
    after = read_times()
    ratios = mode_ratios(times, after)
    passed = sum(max(0.0, after[mode] - times[mode]) for mode in ratios)
    if not passed:
        raise CollectorError("the kernel's processor counters stand still")
    for mode, ratio in ratios.items():
        if ratio >= WORTH_TELLING:
            yield DiagnosisFact(name="cpu_mode_ratio", value=ratio, unit="ratio", labels={"mode": mode})
    work = sum(ratio for mode, ratio in ratios.items() if mode not in _NO_WORK)
    yield from unseen
    yield from _programs(look, grouped(used_since(before, last.values(), passed)), work, hidden=bool(unseen))
    seconds = passed / (psutil.cpu_count() or 1)
    yield from _rates(throttled, throttled_seconds(look), started, processes_started(look), seconds)


def _programs(look: Look, programs: list[Program], work: float, *, hidden: bool) -> Iterator[Item]:
    """Yield who did the work, in shares of all the processors' time."""
    view = View(total=work, seen=sum(one.amount for one in programs), hidden=hidden)
    yield DiagnosisFact(name="cpu_seen_ratio", value=view.ratio, unit="ratio", whole=view.whole)
    for one in programs[:MOST_NAMED]:
        if one.amount >= NAMED and one.amount > view.unseen:
            ratio = min(1.0, one.amount)
            yield DiagnosisFact(name="program_cpu_ratio", value=ratio, unit="ratio", labels=one.labels(look))
    lines = [
        f"Programs seen account for {view.ratio:.0%} of the work; the rest is hidden, or began and ended between two looks.",
        f"{'of all time':>11} {'processes':>9}  program, user, unit",
    ]
    for one in programs[:MOST_LISTED]:
        if one.amount >= LISTED:
            unit = one.labels(look).get("unit", "-")
            lines.append(f"{one.amount:>11.1%} {len(one.pids):>9}  {one.name}, {one.user}, {unit}")
    yield detail("processors.txt", lines)


def _rates(
    throttled: dict[str, float],
    throttled_now: dict[str, float],
    started: int | None,
    started_now: int | None,
    seconds: float,
) -> Iterator[Item]:
    """Yield how many processes were started each second, and which groups were held back for which share of the time."""
    if started is not None and started_now is not None:
        rate = (started_now - started) / seconds
        yield DiagnosisFact(name="processes_started_per_second", value=rate, unit="count")
    for group, held in throttled_now.items():
        ratio = (held - throttled.get(group, held)) / seconds
        if ratio >= WORTH_TELLING:
            yield DiagnosisFact(name="cpu_throttled_ratio", value=min(1.0, ratio), unit="ratio", labels={"unit": group})


def used_since(before: Iterable[Process], last: Iterable[Process], passed: float) -> Iterator[tuple[Process, float]]:
    """Yield each process, as it was last seen, with its share of the `passed` seconds; all it used if it is younger."""
    then = {(process.pid, process.started): process.cpu for process in before}
    for process in last:
        yield process, max(0.0, process.cpu - then.get((process.pid, process.started), 0.0)) / passed


def processes_started(look: Look) -> int | None:
    """Return how many processes were ever started; None where the kernel does not say."""
    try:
        lines = look.path("/proc/stat").read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("processes ")), None)


def throttled_seconds(look: Look) -> dict[str, float]:
    """Return for how long each control group with a limit was held back by it since it began; none without such groups."""
    top = next((folder for folder in map(look.path, _CGROUPS) if folder.is_dir()), None)
    found: dict[str, float] = {}
    for folder, _, files in os.walk(top) if top is not None else ():
        if "cpu.stat" in files and look.left > 0:
            with contextlib.suppress(OSError):  # a group ends as its programs do
                seconds = parse_throttled(Path(folder, "cpu.stat").read_text("ascii"))
                if seconds:
                    found[os.path.relpath(folder, top)] = seconds
    return found


def parse_throttled(text: str) -> float:
    r"""Given a control group's cpu.stat, of version 2 (microseconds) or 1 (nanoseconds), return the seconds it was throttled.

    >>> parse_throttled("usage_usec 9\nthrottled_usec 1500000"), parse_throttled("throttled_time 250000000")
    (1.5, 0.25)
    """
    fields = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    return int(fields.get("throttled_usec", 0)) / 1e6 + int(fields.get("throttled_time", 0)) / 1e9


def load(look: Look) -> Iterator[Item]:
    """Yield the load by processor, and the pressure on them."""
    cores = psutil.cpu_count() or 1
    yield DiagnosisFact(name="processors", value=float(cores), unit="count")
    if hasattr(psutil, "getloadavg") and not psutil.WINDOWS:
        for window, value in zip(("1m", "5m", "15m"), psutil.getloadavg(), strict=True):
            yield DiagnosisFact(name="load_per_core", value=value / cores, unit="count", labels={"window": window})
    yield from pressure(look, ("cpu", "io"))


STEPS = (load, busy)
