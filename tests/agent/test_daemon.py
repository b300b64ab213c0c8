"""The daemon as a process, and its loop with a clock that lies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agent.configuration.plugins import COLLECTORS
from agent.daemon import Daemon
from agent.store import StoreDamaged
from agent.system.orders import Orders

FORETELL = [str(Path(sys.executable).with_name("foretell")), "run"]
DAY = 86_400.0
NO_COLLECTORS = "\n".join(f"collectors.{name}.enabled = false" for name in COLLECTORS.built_in())


class Hours:
    """A clock whose wall time is set by hand."""

    def __init__(self) -> None:
        self.wall = 1_790_000_000.0

    def now(self) -> float:
        return self.wall + time.monotonic()

    def monotonic(self) -> float:
        return time.monotonic()


class Resident:
    """Counts its ticks, and may break."""

    def __init__(self) -> None:
        self.fatal: StoreDamaged | None = None
        self.ticks = threading.Semaphore(0)
        self.damage: StoreDamaged | None = None
        self.stopped = False
        self.silent = 0.0

    def seconds_since_cycle(self) -> float:
        return self.silent

    def tick(self) -> None:
        self.fatal = self.damage
        self.ticks.release()

    def hurry(self) -> None:
        """There are none."""

    def stop(self) -> None:
        self.stopped = True


class Server:
    """Notes that it was started and stopped."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


@pytest.fixture
def resident(monkeypatch) -> Iterator[Resident]:
    """Return a resident for a daemon whose main thread looks at the clock all the time; signals are left as they were."""
    monkeypatch.setattr("agent.daemon.WATCH_SECONDS", 0.01)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield Resident()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def meanwhile(act) -> threading.Thread:
    """Do this in another thread while the daemon has the main one, and end the daemon in any case."""

    def run() -> None:
        try:
            act()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("step", [-DAY, DAY])
def test_a_clock_moved_by_a_day_neither_stops_the_cycles_nor_floods_them(resident, step):
    """A cycle an hour: one at the start, and one when the clock was moved, not in a day and not twenty-four."""
    clock, server, seen = Hours(), Server(), []

    def move() -> None:
        seen.append(resident.ticks.acquire(timeout=5))
        clock.wall += step
        seen.append(resident.ticks.acquire(timeout=5))
        seen.append(resident.ticks.acquire(timeout=0.1))

    thread = meanwhile(move)
    Daemon(resident, server, clock, cycle=3600, orders=Orders()).run()  # type: ignore[arg-type]
    thread.join()
    assert seen == [True, True, False]
    assert server.calls == ["start", "stop"]
    assert resident.stopped


def test_damaged_records_end_it_with_an_error(resident):
    """After everything else was brought to an orderly end; the service manager starts it anew."""
    resident.damage = StoreDamaged(Path("/state"), "it is damaged", "restart the agent, which sets it aside")
    server = Server()
    with pytest.raises(StoreDamaged, match="is damaged"):
        Daemon(resident, server, Hours(), cycle=3600, orders=Orders()).run()  # type: ignore[arg-type]
    assert resident.stopped
    assert server.calls == ["start", "stop"]


@pytest.mark.parametrize(("silent", "told"), [(0.0, True), (3 * 3600.0, False)])
def test_the_service_manager_hears_of_it_only_while_cycles_finish(resident, tmp_path, monkeypatch, silent, told):
    """Ready at the start, alive while the cycle has its pulse: of one that hangs it hears nothing, and starts the agent anew."""
    resident.silent = silent
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        manager.settimeout(0.2)
        heard = []

        def listen() -> None:
            resident.ticks.acquire(timeout=5)
            with suppress(TimeoutError):
                while len(heard) < 3:
                    heard.append(manager.recv(1000).decode())

        thread = meanwhile(listen)
        Daemon(resident, Server(), Hours(), cycle=3600, orders=Orders()).run()  # type: ignore[arg-type]
        thread.join()
    assert heard == (["READY=1", "WATCHDOG=1", "WATCHDOG=1"] if told else ["READY=1"])


@pytest.fixture
def daemon(tmp_path) -> Iterator[subprocess.Popen[str]]:
    """Start `foretell run` on a host with nothing to read, and wait for its first cycle's summary."""
    config = tmp_path / "foretell.toml"
    config.write_text(NO_COLLECTORS)
    argv = [*FORETELL, "--config", str(config), "--state-dir", str(tmp_path / "state"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()  # type: ignore[union-attr]  # it was asked for


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing_behind(daemon, number):
    """Ended within seconds, with status 0, its port free and no child left."""
    printed = []
    for line in daemon.stdout:
        printed.append(line)
        if "http://" in line:
            break
    [address] = [word for word in "".join(printed).split() if word.startswith("http://")]
    port = int(address.strip("/.,").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(12).startswith(b"HTTP/1.0 200")
    children = psutil.Process(daemon.pid).children(recursive=True)
    daemon.send_signal(number)
    assert daemon.wait(10) == 0
    # One that nobody has waited for yet is gone all the same.
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
