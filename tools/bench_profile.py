"""Measures where the daemon's memory and a cycle's processor time go, and what they could not go below.

    make bench-profile

Memory is that of a fresh Python that imports more and more (PSS, MB; run it where no other Python shares its pages, or read only
the differences). Time is that of a quiet host's cycle, by hand: what collectors take is in the reference, collector by collector.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dated_results import ROOT, put, table
from quiet_host import cycle, quiet_host

PAGE = ROOT / "docs" / "performance.md"
# What `make bench` has installed: for a Python that nobody else runs.
SHIPPED = ROOT / "build/bench/opt/foretell/bin/python3"
CYCLES = 60
LIBRARIES = """
import psutil, sqlite3, msgspec, structlog, prometheus_client
import apscheduler.schedulers.background, wsgiref.simple_server
"""
FIRST = """
from contextlib import suppress
from agent.system.light_imports import leaving_out
with suppress(ImportError), leaving_out({}, absent=("_hashlib", "typing_extensions")):
    import hashlib, hmac, msgspec
"""
STAGES = {
    "msgspec and digests, as the daemon imports them from here on": FIRST,
    "psutil and SQLite": "import psutil, sqlite3",
    "structlog": "import agent.logs; agent.logs.configure(at_once=True)",
    "prometheus-client": "import agent.metric_family",
    "the rest of the daemon, APScheduler and the web server": "import agent.daemon_process, agent.daemon",
    "the configuration: collectors, rules, desks' options": "from agent.startup import load_all; load_all(None)",
}


def memory() -> str:
    """Return the table of what each stage adds."""
    bare = _pss("pass")
    rows: list[tuple[object, ...]] = [("Python itself", round(bare, 1), "")]
    plain = _pss(LIBRARIES)
    rows.append(("what its libraries would take, imported as they are", round(plain, 1), round(plain - bare, 1)))
    done, before = "", bare
    for stage, code in STAGES.items():
        done += f"{code}\n"
        now = _pss(done)
        rows.append((stage, round(now, 1), round(now - before, 1)))
        before = now
    return table(("a Python that has imported", "MB", "more"), rows)


def _pss(code: str) -> float:
    show = "\nprint(open('/proc/self/smaps_rollup').read())"
    environ = os.environ | {"MALLOC_ARENA_MAX": "1"}
    python = SHIPPED if SHIPPED.exists() else Path(sys.executable)
    argv = [str(python), "-P", "-c", code + show]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, env=environ).stdout
    match = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def processor() -> str:
    """Return the table of what a cycle's parts take."""
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, quiet_host(Path(folder)) as (resident, clock):
        pipeline = resident.pipeline
        parts: list[tuple[str, object, str]] = [
            ("collect", pipeline, "collect"),
            ("remember: the young history", pipeline.history, "remember"),
            ("judge", pipeline.judge, "judge"),
            ("follow, queue, write down", pipeline, "_follow"),
            ("flush, once in ten cycles", pipeline, "flush"),
            ("the page for Prometheus", resident._metrics, "update"),  # noqa: SLF001 - to look inside is what this is for
        ]
        with (
            patch.object(resident.dispatcher, "consider", return_value={}),
            patch.object(resident.catalogue, "consider"),
        ):
            for _ in range(20):
                cycle(resident, clock)
            for name, owner, method in parts:
                setattr(owner, method, _timed(spent, name, getattr(owner, method)))
            whole = time.thread_time()
            for _ in range(CYCLES):
                cycle(resident, clock)
            whole = time.thread_time() - whole
        readings = len(resident.snapshot.readings) if resident.snapshot else 0
    spent["all else: the summary, desks' health, the tick itself"] = whole - sum(spent.values())
    by_size = sorted(spent.items(), key=lambda one: -one[1])
    rows = [(name, round(seconds / CYCLES * 1000, 2), round(100 * seconds / whole)) for name, seconds in by_size]
    return table(
        (f"part of a cycle with {readings} readings", "ms", "%"), [*rows, ("all", round(whole / CYCLES * 1000, 2), 100)]
    )


def _timed(spent: dict[str, float], name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        began = time.thread_time()
        try:
            return work(*arguments)
        finally:
            spent[name] += time.thread_time() - began

    return timed


if __name__ == "__main__":
    put("profile", "make bench-profile", f"{memory()}\n\n{processor()}", PAGE)
