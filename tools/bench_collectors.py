"""Measures what a run of each collector costs on this host: processor time, children included, and system calls (strace).

    make bench-collectors
    tools/bench_collectors.py disk services     measures these anew, and leaves the figures of the others

The figures go, with their day and machine, into tools/data/collector_costs.json, from which `make docs` puts them into the
reference. A collector that looks at nothing unless told at what costs what it is told: it is not measured.
"""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from agent.collecting import HostAccess
from agent.configuration.plugins import COLLECTORS
from agent.recorder import built, default_plugins
from collectors import CollectorError, NotSupported

COSTS = Path(__file__).resolve().parent / "data" / "collector_costs.json"
ONE = "--one"  # how a child is told what to measure
RUNS = 20  # after the first
FEW_RUNS = 5  # where a run takes seconds
_TOTAL = re.compile(r"(?m)^\s*(\d+)\s+total$")


def measure_here(name: str, runs: int) -> dict[str, object]:
    """Run a collector in this process, first once and then `runs` times, and return what that took; milliseconds a run."""
    plugin = COLLECTORS.load(name)
    collector = built(plugin, HostAccess()).collector
    readings, took, nothing = 0, [], False
    for number in range(1 + runs):
        began = _cpu_ms()
        try:
            readings = len(list(collector.collect(1e9 + 60.0 * number)))
        except NotSupported:
            nothing = True  # to find that out has a cost, too
        except (CollectorError, OSError) as error:
            return {"failed": str(error)}
        took.append(_cpu_ms() - began)
    further = sum(took[1:]) / runs
    return {"readings": readings, "first_ms": took[0], "further_ms": further, "not_supported": nothing}


def _cpu_ms() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return 1000 * sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def in_child(name: str, runs: int) -> dict[str, object]:
    """Return `measure_here` of a process of its own: what one collector imports or keeps is not another's."""
    argv = [sys.executable, __file__, ONE, name, str(runs)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def system_calls(name: str, runs: int) -> int:
    """Return how many system calls the process makes, children included, that runs the collector 1 + `runs` times."""
    with tempfile.NamedTemporaryFile("r") as counted:
        argv = [
            "strace",
            "-f",
            "-c",
            "-U",
            "calls,name",
            "-o",
            counted.name,
            sys.executable,
            __file__,
            ONE,
            name,
            str(runs),
        ]
        subprocess.run(argv, capture_output=True, check=True)
        text = counted.read()
    found = _TOTAL.search(text)
    if found is None:
        sys.exit(f"strace's summary is not understood: {text[-300:]!r}")
    return int(found[1])


def measured(name: str) -> dict[str, object]:
    """Return the cost of a collector: milliseconds of its first and of each further run, system calls of a further run."""
    began = time.monotonic()
    once = in_child(name, 1)
    if "first_ms" not in once:
        return once
    runs = RUNS if time.monotonic() - began < 2 else FEW_RUNS  # noqa: PLR2004 - seconds
    calls = system_calls(name, 1 + runs) - system_calls(name, 1)
    cost = in_child(name, runs)
    figures = {key: round(value, 2) if isinstance(value, float) else value for key, value in cost.items()}
    return {**figures, "calls": round(calls / runs)}


def main() -> None:
    """Measure every collector, or those that are named, and write the figures."""
    if sys.argv[1:2] == [ONE]:
        print(json.dumps(measure_here(sys.argv[2], int(sys.argv[3]))))
        return
    if sys.platform != "linux" or shutil.which("strace") is None:
        sys.exit("system calls are counted by strace, on Linux; cure: apt-get install strace")
    names = [plugin.name for plugin in default_plugins()]
    wanted = sys.argv[1:] or names
    if unknown := set(wanted) - set(names):
        sys.exit(f"there is no collector {', '.join(sorted(unknown))} to measure; there are: {', '.join(names)}")
    known = json.loads(COSTS.read_text("utf-8")) if COSTS.exists() else {}
    machine = f"{platform.system()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    for name in wanted:
        known[name] = {"day": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, **measured(name)}
        print(f"{name}: {known[name]}", flush=True)
    kept = {name: cost for name, cost in known.items() if name in names}
    COSTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    print(f"written to {COSTS}; `make docs` puts them into the reference")


if __name__ == "__main__":
    main()
