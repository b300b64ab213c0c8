"""Measures what a health report of many days takes: time, and peak memory of the process that makes it.

    make bench-report

The state folder is made here: a host with ten file systems that is read every hour, and tickets of every ending
(`tests/support/recorded_year.py`). The result is written into docs/report.md.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.configuration.config import load
from agent.configuration.settings import DAY
from agent.report.making import Wanted, make_report
from agent.report.schedule import Period
from agent.store import History, Store
from dated_results import ROOT, put, table
from recorded_year import HOST, NOW, write_year

PAGE = ROOT / "docs" / "report.md"
DAYS = (90, 400)
DISKS = ("/", "/backup", "/srv", "/var", *(f"/data/{number}" for number in range(1, 7)))
HEAD = ("days of history", "series", "seconds", "peak memory, MB", "file, kB")


def measure(folder: Path, days: int) -> None:
    """Print what one report takes, as numbers: series, seconds, megabytes, kilobytes."""
    configuration, began = load(Path("/dev/null"), parts={"collectors", "rules"}), time.perf_counter()
    with Store.open(folder) as store:
        wanted = Wanted(period=Period(NOW - days * DAY, NOW), now=NOW)
        page = make_report(wanted, configuration, folder, store, HOST)
        series = len(History(store, configuration.settings.history).series())
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(series, f"{took:.1f}", f"{peak:.0f}", len(page.encode()) // 1000)


def main() -> int:
    """Measure each in a process of its own, for the peak of memory never falls."""
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]), int(sys.argv[2]))
        return 0
    rows = []
    for days in DAYS:
        with tempfile.TemporaryDirectory(prefix="foretell-bench-") as folder:
            write_year(Path(folder), days, DISKS)
            command = [sys.executable, __file__, folder, str(days)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            series, seconds, memory, size = done.stdout.split()
            rows.append((days, int(series), float(seconds), int(memory), int(size)))
    put("bench", "make bench-report", table(HEAD, rows), PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
