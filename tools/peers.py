"""Programs that watch a host, run side by side and measured: what they take while nothing happens, and what a scrape takes.

Processor time is a control group's, so that children that came and went are counted. Only ratios of one run say something:
another machine, or the same one at another hour, gives other figures.
"""

from __future__ import annotations

import http.client
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

READY_WITHIN = 90.0  # seconds
STARTS = 5
_GROUPS = ((Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage"), (Path("/sys/fs/cgroup"), "cpu.stat"))


class Cost(msgspec.Struct, frozen=True):
    """What one program cost. MB are 10^6 bytes; None: not measured."""

    start_ms: float
    pss_mb: float
    growth_mb: float
    cpu_s_per_hour: float
    wakeups_per_s: float
    written_mb_per_hour: float
    scrape_p50_ms: float
    scrape_p99_ms: float
    cpu_ms_per_scrape: float
    page_kb: float


class Peer:
    """A program that serves something over HTTP, begun for the measurement and ended after it."""

    def __init__(
        self, name: str, argv: Sequence[str], url: str, *, expect: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        """`expect`: what stands on the page when it is complete. What it prints goes to a file in /tmp."""
        self.name = name
        self._argv = [*argv]
        self._expect = expect.encode()
        self._address, _, path = url.removeprefix("http://").partition("/")
        self._path = f"/{path}"
        self._environ = {**os.environ, **(environ or {})}
        self._group = _Group(name)
        self._process: subprocess.Popen[bytes] | None = None
        self.page_bytes = 0

    def start(self, times: int = STARTS) -> float:
        """Start it so many times, leave it running, and return the median time to its first page, milliseconds."""
        took = []
        for number in range(times):
            if number:
                self.stop()
            took.append(self._start())
        return statistics.median(took)

    def _start(self) -> float:
        began = time.perf_counter()
        with Path(f"/tmp/foretell-bench-{self.name}.log").open("ab") as log:  # noqa: S108 - where who is told to look finds it
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                preexec_fn=self._group.enter,  # noqa: PLW1509 - there is one thread
            )
        while True:
            try:
                self.scrape()
            except (OSError, http.client.HTTPException) as error:
                if self._process.poll() is not None or time.perf_counter() - began > READY_WITHIN:
                    self.stop()
                    raise PeerFailed(f"{self.name} does not answer ({error}); see {log.name}") from error
                time.sleep(0.01)  # asked more often it would answer rather than start
            else:
                return (time.perf_counter() - began) * 1000

    def scrape(self) -> float:
        """Return how many milliseconds one scrape took. Raises OSError or HTTPException."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection(self._address, timeout=READY_WITHIN)
        try:
            connection.request("GET", self._path)
            answer = connection.getresponse()
            page = answer.read()
        finally:
            connection.close()
        took = (time.perf_counter() - began) * 1000
        if answer.status != http.client.OK or self._expect not in page:
            raise ConnectionError(f"status {answer.status}, or its page is not complete")
        self.page_bytes = len(page)
        return took

    def pss(self) -> float:
        """Return the proportional memory of all its processes, MB."""
        return sum(_number(f"/proc/{pid}/smaps_rollup", r"^Pss:\s+(\d+)") for pid in self._group.pids()) * 1024 / 1e6

    def counters(self) -> tuple[float, float, float]:
        """Return processor seconds since its group was made, and of the living: times that a thread woke, bytes written."""
        woken = written = 0.0
        for pid in self._group.pids():
            written += _number(f"/proc/{pid}/io", r"^write_bytes: (\d+)")
            for task in Path(f"/proc/{pid}/task").glob("*/status"):
                woken += _number(str(task), r"^voluntary_ctxt_switches:\s+(\d+)")
        return self._group.cpu(), woken, written

    def stop(self) -> None:
        """End all its processes, and by force those that do not."""
        if self._process is None:
            return
        for signal, patience in ((15, 15.0), (9, 5.0)):
            end = time.monotonic() + patience
            while (pids := self._group.pids()) and time.monotonic() < end:
                for pid in pids:
                    try:
                        os.kill(pid, signal)
                    except ProcessLookupError:
                        continue
                self._process.poll()
                time.sleep(0.1)
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """End it for good."""
        self.stop()
        self._group.close()


class PeerFailed(Exception):
    """A program cannot be measured; the text says why."""


class _Group:
    """A control group for one program: its processes, and the processor time of all that ever were in it."""

    def __init__(self, name: str) -> None:
        for base, file in _GROUPS:
            folder = base / f"foretell-bench-{os.getpid()}-{name}"
            if not os.access(base, os.W_OK) or not (base / file).exists():
                continue
            folder.mkdir()
            self._folder, self._file = folder, folder / file
            return
        sys.exit(
            "foretell: no control groups can be made here, by which processor time is measured; cure: run it as root"
        )

    def enter(self) -> None:
        (self._folder / "cgroup.procs").write_text("0")

    def pids(self) -> list[int]:
        return [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split() if pid != "0"]

    def cpu(self) -> float:
        text = self._file.read_text()
        return int(text) / 1e9 if self._file.name == "cpuacct.usage" else _find(text, r"usage_usec (\d+)") / 1e6

    def close(self) -> None:
        self._folder.rmdir()


def _number(path: str, pattern: str) -> float:
    try:
        return _find(Path(path).read_text(), pattern)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it ended between being listed and being read: it holds nothing


def _find(text: str, pattern: str) -> float:
    match = re.search(pattern, text, re.MULTILINE)
    return float(match[1]) if match else 0.0


def measure(
    peers: Mapping[Peer, float], *, settle: float, seconds: float, rhythm: float, scrapes: int
) -> dict[str, Cost]:
    """Let `peers` (with the time that each took to start) run side by side, each scraped once in `rhythm` seconds, then in turn.

    settle: seconds before anything is counted: first pages, first looks.
    """
    _scraped_for(peers, settle, rhythm)
    before = {peer: (peer.counters(), peer.pss()) for peer in peers}
    began = time.monotonic()
    _scraped_for(peers, seconds, rhythm)
    passed = time.monotonic() - began
    after = {peer: (peer.counters(), peer.pss()) for peer in peers}
    times: dict[Peer, list[float]] = {peer: [] for peer in peers}
    for _ in range(scrapes):
        for peer, took in times.items():
            took.append(peer.scrape())
    costs = {}
    for peer, start_ms in peers.items():
        (cpu, woken, written), _ = before[peer]
        (cpu_after, woken_after, written_after), pss = after[peer]
        centiles = statistics.quantiles(times[peer], n=100)
        costs[peer.name] = Cost(
            start_ms=start_ms,
            pss_mb=pss,
            growth_mb=peer.pss() - pss,
            cpu_s_per_hour=(cpu_after - cpu) / passed * 3600,
            wakeups_per_s=(woken_after - woken) / passed,
            written_mb_per_hour=(written_after - written) / passed * 3600 / 1e6,
            scrape_p50_ms=centiles[49],
            scrape_p99_ms=centiles[98],
            cpu_ms_per_scrape=(peer.counters()[0] - cpu_after) / scrapes * 1000,
            page_kb=peer.page_bytes / 1e3,
        )
    return costs


def _scraped_for(peers: Mapping[Peer, float], seconds: float, rhythm: float) -> None:
    """Scrape each once in `rhythm` seconds, spread evenly, for `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for peer in peers:
            peer.scrape()
            time.sleep(min(rhythm / len(peers), max(0.0, end - time.monotonic())))
