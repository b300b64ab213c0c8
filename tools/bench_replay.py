"""Measures how many readings a second are replayed on one core, and in how much memory.

    make bench-replay

The histories are made here: a host that is read every minute, with ten file systems, processor and memory; the processors of
many hosts, every five minutes; a disk of each of many hosts, every hour. The rows of all hosts stand in the order of time.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.replay.recording import RecordingFile
from agent.replay.replay import Replay

START = 1_772_668_800.0  # 2026-03-05 00:00 UTC
WHOLE = 100e9


class Host:
    """One host of a history: its disks fill slowly and unevenly."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.chance = chance
        self.used = [chance.uniform(20e9, 60e9) for _ in range(10)]

    def everything(self) -> Iterator[str]:
        """Yield the rows of one time without the time: 53 series."""
        yield from self.processor()
        yield from (f"memory_available_bytes,host={self.name},4e9", f"memory_total_bytes,host={self.name},8e9")
        for number in range(len(self.used)):
            yield from self.disk(number)
            labels = f"host={self.name};mountpoint=/d{number};fstype=ext4"
            yield from (f"filesystem_files_free,{labels},900000", f"filesystem_files,{labels},1000000")
            yield f"filesystem_readonly,{labels},0"

    def processor(self) -> Iterator[str]:
        """Yield one row: a load that is no news."""
        yield f"cpu_utilization_ratio,host={self.name},{self.chance.random() / 2:.4f}"

    def disk(self, number: int = 0) -> Iterator[str]:
        """Yield two rows: what is left of how much."""
        self.used[number] += self.chance.uniform(-1e6, 1.1e6)
        labels = f"host={self.name};mountpoint=/d{number};fstype=ext4"
        yield f"filesystem_avail_bytes,{labels},{WHOLE - self.used[number]:.0f}"
        yield f"filesystem_size_bytes,{labels},{WHOLE:.0f}"


class Shape(NamedTuple):
    """A history: how many hosts, over how many days, read how often (seconds), and what of them."""

    hosts: int
    days: int
    step: float
    read: Callable[[Host], Iterator[str]]


SHAPES = {
    "1 host, 53 series, every minute, 1 day": Shape(1, 1, MINUTE, Host.everything),
    "1 host, 53 series, every minute, 7 days": Shape(1, 7, MINUTE, Host.everything),
    "1 host, 53 series, every minute, 30 days": Shape(1, 30, MINUTE, Host.everything),
    "40 hosts, 1 series each, every 5 minutes, 30 days": Shape(40, 30, 5 * MINUTE, Host.processor),
    "70 hosts, 2 series each, every hour, 120 days": Shape(70, 120, HOUR, Host.disk),
    "2,000 hosts, 1 series each, every 5 minutes, 1 day": Shape(2000, 1, 5 * MINUTE, Host.processor),
    "2,000 hosts, 1 series each, every 5 minutes, 3 days": Shape(2000, 3, 5 * MINUTE, Host.processor),
}


def write_history(path: Path, shape: Shape) -> None:
    """Write what is read of such hosts; it is the same each time."""
    chance = random.Random(1)  # noqa: S311 - nothing secret
    hosts = [Host(f"web{number:04}", chance) for number in range(shape.hosts)]
    with path.open("w", encoding="utf-8") as file:
        file.write("timestamp,name,labels,value\n")
        for number in range(int(shape.days * DAY / shape.step)):
            at = START + number * shape.step
            file.writelines(f"{at:.0f},{row}\n" for host in hosts for row in shape.read(host))


def measure(path: str, name: str) -> str:
    """Return one row: what was read, readings, readings a second of processor time, and the peak of memory."""
    replay, began = Replay(load(Path("/dev/null"), parts={"collectors", "rules"})), time.process_time()
    replay.feed(RecordingFile(Path(path), {}).readings())
    outcome = replay.outcome()
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return f"| {name} | {outcome.readings:,} | {outcome.readings / took:,.0f} | {peak:.1f} |"


def main() -> int:
    """Measure each history in a process of its own, for the peak of memory never falls."""
    if len(sys.argv) > 1:
        print(measure(*sys.argv[1:]))
        return 0
    print("| history | readings | readings a second | peak memory, MB |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="foretell-bench-") as folder:
        path = Path(folder) / "history.csv"
        for name, shape in SHAPES.items():
            write_history(path, shape)
            command = [sys.executable, __file__, str(path), name]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
