"""Measures how many readings a second are replayed on one core, and in how much memory.

    make bench-replay

The history is made here: a host read every minute, with ten file systems, processor and memory, for a day, a week and a month.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.config import load
from agent.recording import RecordingFile
from agent.replay import Replay

DAYS = (1, 7, 30)
START = 1_772_668_800.0  # 2026-03-05 00:00 UTC


def write_history(path: Path, days: int) -> None:
    """Write what such a host reads, its disks filling slowly and unevenly."""
    chance = random.Random(1)  # noqa: S311 - the same history each time
    used = [chance.uniform(20e9, 60e9) for _ in range(10)]
    with path.open("w", encoding="utf-8") as file:
        file.write("timestamp,name,labels,value\n")
        for minute in range(days * 24 * 60):
            at = START + 60 * minute
            rows = [f"cpu_utilization_ratio,host=web01,{chance.random() / 2:.4f}"]
            rows += ["memory_available_bytes,host=web01,4e9", "memory_total_bytes,host=web01,8e9"]
            for number in range(10):
                used[number] += chance.uniform(-1e6, 1.1e6)
                labels = f"host=web01;mountpoint=/d{number};fstype=ext4"
                rows += [
                    f"filesystem_avail_bytes,{labels},{100e9 - used[number]:.0f}",
                    f"filesystem_size_bytes,{labels},100000000000",
                    f"filesystem_files_free,{labels},900000",
                    f"filesystem_files,{labels},1000000",
                    f"filesystem_readonly,{labels},0",
                ]
            file.writelines(f"{at},{row}\n" for row in rows)


def measure(path: str, days: str) -> str:
    """Return one row: days, readings, readings a second of processor time, and the peak of memory."""
    replay, began = Replay(load(Path("/dev/null"), parts={"collectors", "rules"})), time.process_time()
    replay.feed(RecordingFile(Path(path), {}).readings())
    outcome = replay.outcome()
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return f"| {days} | {outcome.readings:,} | {outcome.readings / took:,.0f} | {peak:.1f} |"


def main() -> int:
    """Measure each length in a process of its own, for the peak of memory never falls."""
    if len(sys.argv) > 1:
        print(measure(*sys.argv[1:]))
        return 0
    print("| days | readings | readings a second | peak memory, MB |\n| ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="foretell-bench-") as folder:
        for days in DAYS:
            path = Path(folder) / f"{days}.csv"
            write_history(path, days)
            command = [sys.executable, __file__, str(path), str(days)]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
