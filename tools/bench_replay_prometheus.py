"""Measures `foretell replay --prometheus`: a fleet's fortnight, made into a real Prometheus by promtool, read back and replayed.

    make bench-replay-prometheus            200 hosts, 14 days; writes the result down
    tools/bench_replay_prometheus.py HOSTS DAYS     other numbers (PYTHONPATH=tests/support)

Each host is what node_exporter tells of two file systems, memory and one processor, every five minutes (the processor's seconds
every minute, for a rate needs two of them). One host in twenty fills its disk.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_fleet import memory
from dated_results import ROOT, put, table
from prometheus_parts import prometheus

HOSTS, DAYS = 200, 14
STEP, DAY, BLOCK = (
    300,
    86_400,
    7_200,
)  # seconds; promtool reads its whole input for each block, so each has a file of its own
FILLING = 20  # one host in so many
WHOLE = 100e9
HEAD = ("what", "figure")


def families(host: int, chance: random.Random, at: int, begin: int) -> Iterator[tuple[str, str, str]]:
    """Yield metric, labels and value of what a host tells at a time (unix seconds)."""
    instance = f'instance="web{host:04}:9100",job="node"'
    grown = (at - begin) / (DAYS * DAY) * 60e9 if host % FILLING == 0 else 0.0
    for mount in ("/", "/srv"):
        labels = f'{instance},mountpoint="{mount}",fstype="ext4",device="/dev/sda{len(mount)}"'
        used = 35e9 + chance.uniform(0, 1e7) + (grown if mount == "/srv" else 0.0)
        yield "node_filesystem_avail_bytes", labels, f"{WHOLE - used:.0f}"
        yield "node_filesystem_size_bytes", labels, f"{WHOLE:.0f}"
        yield "node_filesystem_files", labels, "1000000"
        yield "node_filesystem_files_free", labels, "900000"
        yield "node_filesystem_readonly", labels, "0"
    yield "node_memory_MemAvailable_bytes", instance, f"{chance.uniform(3.9e9, 4.1e9):.0f}"
    yield "node_memory_MemTotal_bytes", instance, "8000000000"


def write_block(path: Path, hosts: int, start: int, begin: int, chance: random.Random) -> int:
    """Write what all hosts told in the two hours from `start`, as OpenMetrics; return how many samples that is."""
    told: dict[str, list[str]] = {}
    for at in range(start, start + BLOCK, STEP):
        for host in range(hosts):
            for metric, labels, value in families(host, chance, at, begin):
                told.setdefault(metric, []).append(f"{metric}{{{labels}}} {value} {at}\n")
    idle = told.setdefault("node_cpu_seconds_total", [])
    for at in range(start, start + BLOCK, 60):
        for host in range(hosts):
            labels = f'instance="web{host:04}:9100",job="node",cpu="0",mode="idle"'
            idle.append(f"node_cpu_seconds_total{{{labels}}} {(at - begin) * 0.8:.1f} {at}\n")
    with path.open("w", encoding="utf-8") as file:
        for metric, lines in told.items():
            kind = "counter" if metric.endswith("_total") else "gauge"
            file.write(f"# TYPE {metric.removesuffix('_total')} {kind}\n")
            file.writelines(lines)
        file.write("# EOF\n")
    return sum(map(len, told.values()))


def write_history(folder: Path, hosts: int, begin: int, end: int) -> int:
    """Make Prometheus's blocks of the whole time; return how many samples there are."""
    chance, samples, text = random.Random(1), 0, folder / "block.txt"  # noqa: S311 - nothing secret
    for start in range(begin, end, BLOCK):
        samples += write_block(text, hosts, start, begin, chance)
        blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
        subprocess.run(blocks, check=True, capture_output=True)
    text.unlink()
    return samples


def replayed(url: str, begin: int, end: int) -> tuple[Any, float, float]:
    """Run the command as people do; return what it tells, for how long it ran, and the most memory it had (MB of 10^6 bytes)."""
    span = [
        f"--{name}={time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}"
        for name, at in (("start", begin), ("end", end))
    ]
    began = time.monotonic()
    command = [
        sys.executable,
        "-P",
        "-c",
        "from agent.cli import main; main()",
        "replay",
        "--prometheus",
        url,
        *span,
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the replay failed")
    return json.loads(told), time.monotonic() - began, usage.ru_maxrss * 1024 / 1e6


def measure(hosts: int, days: int) -> list[list[str]]:
    """Return the rows of the result."""
    end = int(time.time()) // BLOCK * BLOCK
    begin = end - days * DAY
    with tempfile.TemporaryDirectory(prefix="foretell-bench-") as folder:
        began = time.monotonic()
        samples = write_history(Path(folder), hosts, begin, end)
        print(f"{samples:,} samples written in {time.monotonic() - began:.0f} s", flush=True)
        with prometheus(Path(folder), "", "--storage.tsdb.retention.time=100y") as server:
            told, took, peak = replayed(server.url, begin, end - STEP)
            server_memory = memory(server._process.pid) if server._process else 0.0  # noqa: SLF001 - of our own tests' support
    warned = {one["subject"]["host"] for one in told["tickets"]}
    filling = len(range(0, hosts, FILLING))
    return [
        ["hosts, days, samples at Prometheus", f"{hosts}; {days}; {samples:,}"],
        ["readings replayed", f"{told['readings']:,}"],
        ["time, and readings a second, the asking in it", f"{took:.0f} s, {told['readings'] / took:,.0f}"],
        ["memory of the command, at most", f"{peak:.0f} MB"],
        ["memory of Prometheus, at most", f"{server_memory:.0f} MB"],
        ["hosts that fill their disk; hosts with a ticket", f"{filling}; {len(warned)}"],
    ]


def main(arguments: list[str]) -> None:
    """Measure, and write the table down if it was the whole fleet."""
    hosts, days = map(int, arguments) if arguments else (HOSTS, DAYS)
    result = table(HEAD, measure(hosts, days))
    if (hosts, days) == (HOSTS, DAYS):
        put("replay from prometheus", "make bench-replay-prometheus", result, ROOT / "docs" / "replay.md")
    else:
        print(result)


if __name__ == "__main__":
    main(sys.argv[1:])
