"""Measures how fast a courier empties a long outbox, and what memory that takes, at a desk whose every answer takes 20 ms.

    make bench-delivery            100, 1,000 and 10,000 operations: a quarter of an hour; writes the result down
    tools/bench_delivery.py 500    other numbers (PYTHONPATH=tests/support)

The desk is a stand-in on loopback, in this process. Speeds depend on the machine; memory must not depend on the queue.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from dated_results import put, table
from deliveries import COURIER, DESK, Deliveries
from fake_redmine import FakeRedmine, configure

LATENCY = 0.020  # seconds
QUEUED = (100, 1_000, 10_000)
LOOK_EVERY = 0.05  # seconds between two looks at the courier's high-water mark
HEAD = (
    "operations queued",
    "seconds",
    "operations per second",
    "requests per operation",
    "CPU per operation, ms",
    "peak memory, MB",
)


class Cost(msgspec.Struct, frozen=True):
    """What one outbox took. MB are 10^6 bytes."""

    operations: int
    seconds: float
    requests: int
    cpu_seconds: float
    peak_mb: float


def measure(folder: Path, operations: int) -> Cost:
    """Let one courier deliver so many operations, an opening and a comment for each case."""
    with FakeRedmine(LATENCY).running() as desk:
        deliveries = Deliveries(folder / f"{operations}", configure(folder, DESK, desk.url))
        deliveries.add_cases(operations // 2, "open", "comment")
        cpu, began = _cpu_of_children(), time.monotonic()
        courier = subprocess.Popen([*COURIER], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/")
        with courier.stdin as pipe:  # type: ignore[union-attr]  # it was asked for
            pipe.write(msgspec.json.encode(deliveries.job()))
        peak = 0.0
        while courier.poll() is None:
            peak = _high_water(courier.pid) or peak
            time.sleep(LOOK_EVERY)
        seconds = time.monotonic() - began
        left = deliveries.waiting()
        if courier.returncode or left:
            sys.exit(
                f"the courier ended with {courier.returncode}, and {len(left)} of {operations} operations are left"
            )
        return Cost(operations, seconds, len(desk.seen), _cpu_of_children() - cpu, peak)


def _high_water(pid: int) -> float:
    """Return the most memory that the process had resident so far, MB; 0 when it has ended."""
    try:
        match = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(queued: tuple[int, ...]) -> None:
    """Measure, and write the table down if all of it was measured."""
    rows: list[list[object]] = []
    for operations in queued:
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(Path(folder), operations)
        rows.append(
            [
                operations,
                round(cost.seconds, 1),
                round(operations / cost.seconds, 1),
                round(cost.requests / operations, 2),
                round(cost.cpu_seconds / operations * 1000, 1),
                round(cost.peak_mb, 1),
            ]
        )
        print(dict(zip(HEAD, rows[-1], strict=True)), flush=True)
    if queued == QUEUED:
        put("delivery benchmark", "make bench-delivery", table(HEAD, rows))


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or QUEUED)
