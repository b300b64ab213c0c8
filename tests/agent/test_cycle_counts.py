"""What a quiet cycle and a scrape take, counted, not timed: it may not grow unnoticed.

Where it has to, `make golden` records the new figures in cycle_counts.json, and the commit says what they pay for.
"""

import gc
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from agent.status import SUMMARY_NAME
from agent.web.app import make_app
from agent.web.server import WebServer
from quiet_host import cycle, quiet_host

RECORD = Path(__file__).with_name("cycle_counts.json")
SUPPORT = Path(__file__).parent.parent / "support"
IO = Path("/proc/self/io")
CYCLES = 20  # two flushes of the history among them
# Versions of Python differ a little in what they call, and readings of a real host in number.
LEEWAY = 1.1
# What threads wait and memory comes by, which depends on who was first.
BY_CHANCE = re.compile(
    r"futex|clock_|sched_yield|m(un)?map|mprotect|madvise|brk|rt_sig|exit|clone|set_robust_list|rseq|restart"
)


def held_to_record(figure, count):
    """Fail when `count` is more than what is on record; `make golden` records it."""
    recorded = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    if os.environ.get("RENEW_GOLDEN"):
        RECORD.write_text(json.dumps({**recorded, figure: count}, indent=2, sort_keys=True) + "\n", "utf-8")
        return
    most = recorded[figure] * LEEWAY
    assert count <= most, f"{figure}: {count}, on record are {recorded[figure]}; renew with `make golden` and say why"


@pytest.fixture
def host(tmp_path):
    """A quiet host that has settled: everything was seen, learnt and asked for once."""
    with quiet_host(tmp_path) as (resident, clock):
        for _ in range(2 * CYCLES):
            cycle(resident, clock)
        yield resident, clock


def test_statements_of_sql(host):
    """One transaction a cycle, and nothing asked again that is known."""
    resident, clock = host
    statements = Counter()
    for database in (resident.pipeline.store.database, resident.pipeline.history._database):
        database._connection.set_trace_callback(lambda sql: statements.update([sql.split()[0]]))
    for _ in range(CYCLES):
        cycle(resident, clock)
    held_to_record("statements in 20 cycles", statements.total())
    held_to_record("writing statements in 20 cycles", sum(statements[verb] for verb in ("INSERT", "UPDATE", "DELETE")))
    assert statements["BEGIN"] <= CYCLES + 4 * 2  # and what the two flushes write


def test_calls_of_functions(host):
    """By them the interpreter's work is counted, whatever machine it runs on."""
    resident, clock = host
    calls = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        for _ in range(CYCLES):
            cycle(resident, clock)
    finally:
        sys.setprofile(before)
    held_to_record("calls in 20 cycles", calls["call"] + calls["c_call"])


def test_calls_of_functions_in_a_scrape(host):
    """From the connection to the end of the page, in the threads that serve; what asks is not counted."""
    resident, _ = host
    calls = Counter()
    before = threading.getprofile()
    threading.setprofile(lambda _frame, event, _argument: calls.update([event]))
    server = WebServer("127.0.0.1:0", make_app(resident, "127.0.0.1:0"))
    try:
        server.start()
        for scrape in range(22):
            if scrape == 2:  # each of the two threads that take turns has served one
                calls.clear()
            with urllib.request.urlopen(f"http://{server.address}/metrics") as answer:
                assert b"foretell_cycles_total" in answer.read()
    finally:
        threading.setprofile(before)
        server.stop()
    held_to_record("calls in 20 scrapes", calls["call"] + calls["c_call"])


@pytest.mark.skipif(not IO.exists(), reason="only Linux counts them")
def test_bytes_written(host):
    """To the disk, by system calls: all but what goes into memory for `foretell status`, which once was nearly all."""
    resident, clock = host
    before, into_memory = bytes_written(), 0
    for _ in range(CYCLES):
        cycle(resident, clock)
        into_memory += (resident.runtime / SUMMARY_NAME).stat().st_size
    held_to_record("bytes into memory in 20 cycles", into_memory)
    held_to_record("bytes to the disk in 20 cycles", bytes_written() - before - into_memory)


def bytes_written():
    """Return how many bytes this process has written until now, wherever to."""
    return int(re.search(r"^wchar: (\d+)", IO.read_text(), re.MULTILINE)[1])


def test_memory_does_not_grow(host):
    """Blocks that stay after an hour of cycles are few, and are no more after the next."""
    resident, clock = host
    kept = []
    for _ in range(3):
        for _ in range(3 * CYCLES):
            cycle(resident, clock)
        gc.collect()
        kept.append(sys.getallocatedblocks())
    held_to_record("blocks of memory kept after an hour", max(0, kept[2] - kept[1]))


@pytest.mark.collect
def test_system_calls(tmp_path):
    """Of a process with the collectors `cpu` and `memory`; the difference of two runs leaves its start and end out."""
    if not shutil.which("strace"):
        pytest.skip("needs strace (apt-get install strace)")
    counts = []
    for cycles in (5, 25):
        folder = tmp_path / str(cycles)
        folder.mkdir()
        summary = tmp_path / f"{cycles}.strace"
        program = [sys.executable, str(SUPPORT / "quiet_host.py"), str(folder), str(cycles)]
        environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
        subprocess.run(["strace", "-f", "-c", "-o", str(summary), *program], check=True, env=environment)
        lines = (line.split() for line in summary.read_text().splitlines()[2:-2])
        counts.append(sum(int(line[3]) for line in lines if not BY_CHANCE.search(line[-1])))
    held_to_record("system calls in 20 cycles with cpu and memory", counts[1] - counts[0])
