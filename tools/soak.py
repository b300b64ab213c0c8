"""Watches the real daemon for hours: whether its memory, descriptors, threads or records grow, and how fast.

    make soak                     one hour of the host's own time
    make soak HOURS=24 SPEED=100  a day at a hundred times the speed, in a quarter of an hour

The daemon runs as installed: its default cycle and collectors, and the local desk, on which a service that fails and recovers
keeps tickets coming. It is scraped every 15 seconds, as Prometheus would. The first tenth of the time is not counted: caches
fill, and the first spans of history are not compacted yet. A slope is that of the straight line that fits best (least squares):
over all of the time, and over its last third, in which whatever is to stop growing has stopped.
"""

from __future__ import annotations

import argparse
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

from agent.delivery.outbox import Outbox
from agent.store import Store
from dated_results import put, table

SCRAPE_EVERY = 15.0  # seconds of the host's own time
LOOK_EVERY = 60.0  # seconds as the daemon counts them
COMES_AND_GOES = 20 * 60.0  # seconds as the daemon counts them: so long the service is well, and so long it has failed
READY_WITHIN, STOP_WITHIN = 30.0, 20.0
WARMING_UP = 0.1
HEAD = ("", "at the end of warming up", "at the end", "most", "slope an hour", "in the last third")
METRIC = """# TYPE soak_failed gauge
soak_failed {value}
"""
CONFIGURATION = """
host = {{ id = "0123456789abcdef0123456789abcdef", name = "soak" }}
customer = {{ id = "soak" }}
collectors.textfile.folder = "{folder}"
[rules.soak_failed]
summary = "The service of the soak has failed"
kind = "state"
type = "software"
for = "2m"
verify = "5m"
select = {{ reading = "soak_failed" }}
limits = {{ healthy = [0], critical = [1] }}
"""


class Look(msgspec.Struct, frozen=True):
    """The daemon at one moment. hours: since its start, as it counts them. Memory and records in kB."""

    hours: float
    memory: float
    descriptors: int
    threads: int
    records: float


class Soak:
    """A daemon in a folder of its own, and what changes around it. speed: how many of its seconds pass in one of ours."""

    def __init__(self, folder: Path, speed: float) -> None:
        """Start it."""
        self.speed = speed
        self._state = folder / "state"
        self._metrics = folder / "metrics"
        self._metrics.mkdir()
        self._tell(failed=False)
        config = folder / "foretell.toml"
        config.write_text(CONFIGURATION.format(folder=self._metrics))
        address = _free_address()
        program = str(Path(sys.executable).with_name("foretell"))
        argv = [program, "run", "--config", str(config), "--state-dir", str(self._state), "--listen", address]
        if speed != 1.0:
            fast = Path(__file__).with_name("fast_daemon.py")
            argv = [sys.executable, str(fast), str(config), str(self._state), address, str(speed)]
        self._metrics_page = f"http://{address}/metrics"
        self._process = psutil.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait_until_it_answers()
        self._began = time.monotonic()
        self.scrapes = 0

    def looks(self, hours: float) -> Iterator[Look]:
        """Yield a look a minute for so many hours as the daemon counts them; the service comes and goes meanwhile."""
        failed = False
        next_look = next_scrape = next_turn = 0.0
        while (passed := (time.monotonic() - self._began) * self.speed) < hours * 3600.0:
            real = passed / self.speed
            if real >= next_scrape:
                self._scrape()
                self.scrapes += 1
                next_scrape += SCRAPE_EVERY
            if passed >= next_turn:
                self._tell(failed=failed)
                failed, next_turn = not failed, next_turn + COMES_AND_GOES
            if passed >= next_look:
                yield self._look(passed)
                next_look += max(LOOK_EVERY, self.speed)
            time.sleep(max(0.05, min(next_scrape - real, (min(next_look, next_turn) - passed) / self.speed)))

    def stop(self) -> float:
        """Stop the daemon as the service manager does; return how many seconds it took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN)
        except psutil.TimeoutExpired:
            self._process.kill()
        return time.monotonic() - began

    def said(self) -> str:
        """Return in a sentence what the agent had to do meanwhile; it must have been stopped."""
        with Store.open(self._state) as store:
            delivered = len(Outbox(store).all({"done"}))
            waiting = len(Outbox(store).all({"queued", "sending", "rejected"}))
            episodes = sum(len(case.opened) for case in store.cases(include_closed=True))
        done = f"problems opened {episodes:,} times, {delivered:,} operations delivered, {waiting} waiting"
        return f"{self.scrapes:,} scrapes; {done}"

    def _scrape(self) -> None:
        with urllib.request.urlopen(self._metrics_page, timeout=READY_WITHIN) as answer:  # noqa: S310 - loopback, ours
            answer.read()

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                self._scrape()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self._process.kill()
                    raise
                time.sleep(0.1)
            else:
                return

    def _tell(self, *, failed: bool) -> None:
        fresh = self._metrics / "soak.prom.new"
        fresh.write_text(METRIC.format(value=int(failed)))
        fresh.replace(self._metrics / "soak.prom")

    def _look(self, passed: float) -> Look:
        process = self._process
        return Look(
            hours=passed / 3600.0,
            memory=_pss_of(process.pid),
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            records=sum(map(_size_of, self._state.glob("*.sqlite*"))) / 1e3,
        )


def _free_address() -> str:
    """Return a loopback address nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _size_of(file: Path) -> int:
    """Return the size of a file in bytes; SQLite's logs come and go, and one that has just gone has none."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _pss_of(pid: int) -> float:
    """Return the proportional memory of the daemon itself, kB; its children come and go."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1]) * 1.024
    return 0.0


def rows(looks: Sequence[Look]) -> list[list[object]]:
    """Return a row for each figure of `looks`, which are those after the warming up."""
    hours = [look.hours for look in looks]
    found = []
    for name, figure in (
        ("memory, kB", "memory"),
        ("descriptors", "descriptors"),
        ("threads", "threads"),
        ("records, kB", "records"),
    ):
        values = [float(getattr(look, figure)) for look in looks]
        late = 2 * len(looks) // 3
        slopes = [statistics.linear_regression(hours[begin:], values[begin:]).slope for begin in (0, late)]
        figures = [round(one) for one in (values[0], values[-1], max(values))]
        found.append([name, *figures, *(f"{slope:+.2f}" for slope in slopes)])
    return found


def main() -> None:
    """Soak, and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hours", type=float, nargs="?", default=1.0)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--try", action="store_true", dest="trial", help="write nothing down")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foretell-soak-") as folder:
        soak = Soak(Path(folder), asked.speed)
        try:
            looks = []
            for look in soak.looks(asked.hours):
                looks.append(look)
                print(look, flush=True)
        finally:
            stopped = soak.stop()
        said = soak.said()
    counted = [look for look in looks if look.hours >= WARMING_UP * asked.hours]
    after = f"\n\n{said}; stopped in {stopped:.1f} s."
    text = table(HEAD, rows(counted)) + after
    if asked.trial:
        print(text)
        return
    speed = f" SPEED={asked.speed:g}" if asked.speed != 1.0 else ""
    section = f"soak of {asked.hours:g} h at speed {asked.speed:g}"
    put(section, f"make soak HOURS={asked.hours:g}{speed}", text)


if __name__ == "__main__":
    main()
