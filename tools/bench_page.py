"""Measures how long a reader waits for a large page, and what it weighs: 500 cases, 5,000 readings, a month of history.

    make bench-page          writes the result down
    tools/bench_page.py 50   another number of cases (PYTHONPATH=tests/support)

The whole way: a browser's request over loopback, the child that renders, the answer. The first to ask after a cycle waits for the
child; whoever comes after within the cycle does not.
"""

from __future__ import annotations

import gzip
import http.client
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.configuration.address import split_address
from agent.web.app import make_app
from agent.web.server import WebServer
from collectors import Reading
from dated_results import ROOT, put, table
from page_scenes import AT, Source, busy

CASES, READINGS = 500, 5_000
TIMES = 9
PAGES = {"the customer's overview": "/", "a case": "/cases/{key}", "the engineer's view": "/engineer"}
HEAD = (
    "page",
    "first byte for the first reader, ms",
    "first byte for the next, ms",
    "on the wire, kB",
    "HTML, kB",
    "CPU of the child, ms",
)


class Answer(NamedTuple):
    """One answer: seconds to its first byte, and its body as it came."""

    waited: float
    body: bytes


def host(folder: Path, cases: int, readings: int) -> Source:
    """Return a host with so many open cases, and so many readings."""
    source = busy(folder)
    first = source.snapshot
    if first is None:
        raise ValueError("the scene has no snapshot")
    many = [
        msgspec.structs.replace(first.cases[number % len(first.cases)], key=f"{number:064x}") for number in range(cases)
    ]
    labels = ({"mountpoint": f"/srv/{number % 50}", "device": f"sd{number}"} for number in range(readings))
    read = [
        Reading(f"reading_{number % 100}_bytes", 1e9 + number, "bytes", one, AT) for number, one in enumerate(labels)
    ]
    source.snapshot = msgspec.structs.replace(first, cases=many, readings=read)
    return source


def ask(server: WebServer, path: str) -> Answer:
    """Return what a browser gets."""
    connection = http.client.HTTPConnection(*split_address(server.address), timeout=60)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    waited, body = time.perf_counter() - began, answer.read()
    connection.close()
    if answer.status != http.client.OK:
        sys.exit(f"{path} was answered with {answer.status}: {body[:200]!r}")
    return Answer(waited, body)


def measure(server: WebServer, source: Source, name: str, path: str) -> list[object]:
    """Return the row of one page: the medians of TIMES snapshots."""
    first, next_, cpu = [], [], []
    answer = Answer(0.0, b"")
    for _ in range(TIMES):
        if source.snapshot is None:
            raise ValueError("the scene has no snapshot")
        source.snapshot = msgspec.structs.replace(source.snapshot)  # another object is another cycle
        before = _cpu_of_children()
        answer = ask(server, path)
        cpu.append(_cpu_of_children() - before)
        first.append(answer.waited)
        next_.append(ask(server, path).waited)
    return [
        name,
        round(statistics.median(first) * 1000),
        round(statistics.median(next_) * 1000, 1),
        round(len(answer.body) / 1000, 1),
        round(len(gzip.decompress(answer.body)) / 1000, 1),
        round(statistics.median(cpu) * 1000),
    ]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(cases: int, readings: int) -> None:
    """Measure, print, and write the table down if it is of the numbers that are spoken of."""
    with tempfile.TemporaryDirectory() as folder:
        source = host(Path(folder), cases, readings)
        listen = "127.0.0.1:0"
        server = WebServer(listen, make_app(source, listen))
        server.start()
        key = "a1" * 8
        rows = [measure(server, source, name, path.format(key=key)) for name, path in PAGES.items()]
        server.stop()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    for row in rows:
        print(dict(zip(HEAD, row, strict=True)), flush=True)
    print(f"peak memory of the child: {peak:.0f} MB")
    if (cases, readings) == (CASES, READINGS):
        told = f"{table(HEAD, rows)}\n\nPeak memory of the child, which is gone when the page is there: {peak:.0f} MB."
        put("page benchmark", "make bench-page", told, ROOT / "docs" / "status-page.md")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else CASES, READINGS)
