"""Measures what the agent costs on this host, beside node_exporter in the same run where one is installed.

    make bench            two minutes
    tools/bench.py 600    ten

Only ratios of one run are worth quoting: another host, or the same one at another hour, gives other figures.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec
import psutil

SCRAPES = 500
READY_WITHIN = 30.0
SETTLE = 15.0  # seconds after the start that are not counted: imports, first page, first flush
DEFAULT_SECONDS = 120.0


class Cost(msgspec.Struct, frozen=True):
    """What one program cost. MB are 10^6 bytes."""

    start_ms: float
    pss_mb: float
    growth_mb: float
    cpu_s_per_hour: float
    wakeups_per_s: float
    written_mb_per_hour: float
    scrape_p50_ms: float
    scrape_p99_ms: float


class Peer:
    """A program that serves /metrics, started for the measurement and stopped after it."""

    def __init__(self, name: str, argv: Sequence[str], url: str) -> None:
        self.name, self.url = name, url
        started = time.perf_counter()
        self.process = psutil.Popen([*argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self._answers():
            if self.process.poll() is not None or time.perf_counter() - started > READY_WITHIN:
                sys.exit(
                    f"{name} does not answer on {url}; cure: start it by hand and read what it says: {' '.join(argv)}"
                )
            time.sleep(0.005)
        self.start_ms = (time.perf_counter() - started) * 1000

    def scrape(self) -> float:
        """Return how many milliseconds one scrape took."""
        started = time.perf_counter()
        with urllib.request.urlopen(self.url, timeout=READY_WITHIN) as answer:  # noqa: S310 - loopback, ours
            answer.read()
        return (time.perf_counter() - started) * 1000

    def _answers(self) -> bool:
        try:
            self.scrape()
        except OSError:
            return False
        return True

    def pss(self) -> float:
        """Return the proportional memory of the process and its children, MB."""
        return sum(map(_pss, [self.process.pid, *(child.pid for child in self.process.children(recursive=True))]))

    def counters(self) -> tuple[float, int, int]:
        """Return CPU seconds (ended children included), voluntary switches of all threads, bytes written; since the start."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/status")
        switches = sum(
            int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", one.read_text(), re.MULTILINE)[0]) for one in threads
        )
        return sum(self.process.cpu_times()[:4]), switches, self.process.io_counters().write_bytes

    def stop(self) -> None:
        """End it, and by force if it does not."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except psutil.TimeoutExpired:
            self.process.kill()


def _pss(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # a child that ended between being listed and being read holds nothing
    match = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def measure(peers: Sequence[Peer], seconds: float) -> dict[str, Cost]:
    """Let all peers run side by side for `seconds`, then scrape them in turn."""
    time.sleep(SETTLE)
    before = {peer.name: (peer.counters(), peer.pss()) for peer in peers}
    time.sleep(seconds)
    after = {peer.name: peer.counters() for peer in peers}
    scrapes = [[peer.scrape() for peer in peers] for _ in range(SCRAPES)]
    costs = {}
    for peer, times in zip(peers, zip(*scrapes, strict=True), strict=True):
        (cpu, switches, written), pss = before[peer.name]
        cpu_after, switches_after, written_after = after[peer.name]
        centiles = statistics.quantiles(times, n=100)
        costs[peer.name] = Cost(
            start_ms=peer.start_ms,
            pss_mb=pss,
            growth_mb=peer.pss() - pss,
            cpu_s_per_hour=(cpu_after - cpu) / seconds * 3600,
            wakeups_per_s=(switches_after - switches) / seconds,
            written_mb_per_hour=(written_after - written) / seconds * 3600 / 1e6,
            scrape_p50_ms=centiles[49],
            scrape_p99_ms=centiles[98],
        )
    return costs


def installed_mb(name: str = "foretell") -> float:
    """Return the size of a distribution's files and of all that it needs here, compiled files included, MB."""
    seen: set[str] = set()
    waiting = [name]
    total = 0
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            found = distribution(one)
        except PackageNotFoundError:
            continue  # for another system or another Python
        waiting += [
            re.split(r"[^\w.-]", need, maxsplit=1)[0].lower() for need in found.requires or [] if "extra ==" not in need
        ]
        paths = (Path(str(file.locate())) for file in found.files or [])
        total += sum(path.stat().st_size for path in paths if path.exists())
    return total / 1e6


def free_address() -> str:
    """Return a loopback address nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def main(seconds: float) -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as state:
        ours, theirs = free_address(), free_address()
        foretell = [str(Path(sys.executable).with_name("foretell")), "run", "--state-dir", state, "--listen", ours]
        peers = [Peer("foretell", foretell, f"http://{ours}/metrics")]
        try:
            exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
            if exporter:
                peers.append(
                    Peer("node_exporter", [exporter, f"--web.listen-address={theirs}"], f"http://{theirs}/metrics")
                )
            print(
                f"measuring {' beside '.join(peer.name for peer in peers)} for {seconds:g} s on {os.cpu_count()} processors"
            )
            costs = measure(peers, seconds)
        finally:
            for peer in peers:
                peer.stop()
    print(f"{'':24}" + "".join(f"{name:>16}" for name in costs) + ("           ratio" if len(costs) > 1 else ""))
    for figure in Cost.__struct_fields__:
        values = [getattr(cost, figure) for cost in costs.values()]
        ratio = f"{values[0] / values[1]:16.2f}" if len(values) > 1 and values[1] else ""
        print(f"{figure:24}" + "".join(f"{value:16.2f}" for value in values) + ratio)
    print(f"{'installed_mb':24}{installed_mb():16.1f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS)
