"""Measures how a cycle's time and memory grow with the host: mounts, services, series, history, queue, cases (root).

    make bench-growth

Every size is a process of its own, made as the daemon is, except that no courier is started. Each line's last column is the slope
between its two largest sizes on a double logarithmic scale: 1 is linear, 0 is no growth.
"""

from __future__ import annotations

import gc
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import bench_host
from agent.collecting import Collection
from agent.following.model import Case, Operation
from agent.resident import Resident
from agent.store import History, Store
from collectors import Labels, Reading
from dated_results import ROOT, put, table
from quiet_host import BEGAN, Minutes, cycle, quiet_host, readings

PAGE = ROOT / "docs" / "performance.md"
CYCLES = 10  # one flush of the history is among them
SETTLING = 12
DAY = 86400.0
Prepared = Callable[[Resident, Minutes, int], None]


def measure(what: str, size: int) -> dict[str, float]:
    """Return what a cycle of a host of this size takes: processor milliseconds, and MB of memory that are the process's own."""
    collectors, prepare, fill = GROWING[what]
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        state = Path(folder)
        fill(state, size)
        with quiet_host(state, *collectors) as (resident, clock):
            prepare(resident, clock, size)
            # What children take is measured elsewhere.
            with (
                patch.object(resident.dispatcher, "consider", return_value={}),
                patch.object(resident.catalogue, "consider"),
            ):
                for _ in range(SETTLING):
                    cycle(resident, clock)
                took = [_cpu(lambda: cycle(resident, clock)) for _ in range(CYCLES)]
            gc.collect()
            return {"ms": statistics.fmean(took), "mb": _own_mb()}


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _own_mb() -> float:
    match = re.search(r"Pss_Anon:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text())
    return int(match[1]) * 1024 / 1e6 if match else math.nan


def _nothing(*_: object) -> None:
    """Neither prepare nor fill anything."""


def _series(resident: Resident, _clock: Minutes, size: int) -> None:
    """Give a host that says `size` values a cycle, which nobody judges, every tenth of them a new one."""
    labels = [Labels({"number": str(one)}) for one in range(20)]

    def collect(at: float) -> Collection:
        moving = at - BEGAN
        return Collection(
            readings=tuple(
                Reading(f"value_{one // 20}", moving if one % 10 == 0 else 1.0, "count", labels[one % 20], at)
                for one in range(size)
            )
        )

    resident.pipeline.collect = collect


def _cases(resident: Resident, _clock: Minutes, size: int) -> None:
    """Give a host of which so many services have failed."""

    def collect(at: float) -> Collection:
        failed = (
            Reading("service_failed", 1.0, "boolean", Labels({"unit": f"broken-{one}.service"}), at)
            for one in range(size)
        )
        return Collection(readings=(*readings(at), *failed))

    resident.pipeline.collect = collect


def _queue(resident: Resident, clock: Minutes, size: int) -> None:
    """Put so many operations of a hundred cases into the outbox."""
    outbox = resident.pipeline.outbox
    store, now = resident.pipeline.store, clock.now()
    with store.transaction():
        for number in range(100):  # which the agent has not in memory: what grows here is the queue
            case = Case(key=f"{number:064x}", rule="", subject={}, first_seen=now, last_seen=now, changed_at=now)
            store.save_case(case, (), now)
        for number in range(size):
            key = f"{number % 100:064x}"
            operation = Operation(
                id=f"{key[-16:]}-{number}",
                case=key,
                kind="comment",
                topic="worse",
                desk="local",
                facts={"priority": "P3", "value": float(number)},
                created_at=now,
            )
            outbox.queue(operation)


def _history(state: Path, days: int) -> None:
    """Write so many days of a hundred series, read every ten minutes."""
    from agent.configuration.settings import HistorySettings  # noqa: PLC0415 - for this one

    begin = BEGAN - days * DAY
    with Store.open(state, begin) as store:
        history = History(store, HistorySettings())
        for hour in range(days * 24):
            for minute in range(0, 3600, 600):
                at = begin + hour * 3600 + minute
                history.remember(
                    [Reading("value", at % 977, "count", Labels({"number": str(one)}), at) for one in range(100)]
                )
            history.flush(at)


def _mounts(_state: Path, size: int) -> None:
    place = bench_host.folder()
    for number in range(size):
        disk = place / str(number)
        disk.mkdir()
        subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k", f"disk-{number}", str(disk)], check=True)


def _services(_state: Path, size: int) -> None:
    bench_host.SimulatedHost(bench_host.folder()).services(size)


GROWING: dict[str, tuple[tuple[str, ...], Prepared, Callable[[Path, int], None]]] = {
    "mounts": (("disk",), _nothing, _mounts),
    "services": (("services",), _nothing, _services),
    "series": ((), _series, _nothing),
    "days of history": ((), _nothing, _history),
    "queue": ((), _queue, _nothing),
    "cases": ((), _cases, _nothing),
}
SIZES = {
    "mounts": (5, 50, 500),
    "services": (10, 150, 2000),
    "series": (200, 2000, 20000),
    "days of history": (1, 40, 400),
    "queue": (0, 1000, 10000),
    "cases": (0, 100, 1000),
}


def _rows() -> Iterator[tuple[object, ...]]:
    for what, sizes in SIZES.items():
        found = []
        for size in sizes:
            # Every one in namespaces of its own, where its mounts end with it.
            environ = {name: text for name, text in os.environ.items() if name != bench_host.INSIDE}
            argv = [sys.executable, __file__, what, str(size)]
            done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True, env=environ)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(what, size, found[-1], file=sys.stderr)
        rise = math.log(sizes[2] / sizes[1])
        grown = math.log(found[2]["ms"] / found[1]["ms"]) / rise
        each = (found[2]["mb"] - found[1]["mb"]) / (sizes[2] - sizes[1]) * 1000
        shown = [f"{one['ms']:.1f} ms, {one['mb']:.1f} MB" for one in found]
        yield (f"{what} {' → '.join(f'{size:,}' for size in sizes)}", *shown, round(grown, 2), round(each, 2))


def main() -> None:
    """Measure everything, and write the table."""
    (ROOT / "build").mkdir(exist_ok=True)
    heads = ("what grows", "least", "middle", "most", "slope of the time", "kB of memory for each more")
    put("growth", "make bench-growth", table(heads, list(_rows())), PAGE)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        bench_host.enter()
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
