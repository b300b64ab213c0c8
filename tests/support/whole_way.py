"""The agent on a real disk and a real Request Tracker, with nothing faked but the clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from agent.configuration.config import load
from agent.daemon import make_resident
from agent.store import Store
from agent.system.folder import StateFolder

MIB = 1 << 20
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC).timestamp()
DISK = 256 * MIB
PRIORITIES = {"P1": 100, "P2": 80, "P3": 50, "P4": 20}


class Hours:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.wall = START
        self.steady = 0.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class World:
    """The agent on its state folder, the disk it watches, and the time."""

    def __init__(self, config: Path, state: Path, disk: Path, clock: Hours | None = None) -> None:
        self.clock = clock or Hours()
        self.disk = disk
        self.folder = StateFolder(state)
        self.resident = make_resident(load(config), self.folder, Store.open(state, now=START), self.clock)
        self.written = len(list(disk.glob("data-*")))

    def write(self, size: int) -> None:
        """Put that many more bytes on the disk."""
        self.written += 1
        (self.disk / f"data-{self.written}").write_bytes(os.urandom(size))

    def free(self) -> None:
        """Take everything off the disk."""
        for file in self.disk.glob("data-*"):
            file.unlink()

    def cycle(self, after: float = HOUR) -> None:
        """Let time pass, run one tick, and let the courier finish."""
        self.clock.advance(after)
        self.resident.tick()
        self.resident.dispatcher.wait(120)

    def fill(self, hours: int, per_hour: int) -> None:
        """Fill the disk at a steady rate."""
        for _ in range(hours):
            self.write(per_hour)
            self.cycle()

    @property
    def case(self):
        """The only case there is."""
        [case] = [one for one in self.resident.pipeline.cases.values() if one.rule == "disk_space"]
        return case


def host_of(disk: Path) -> str:
    """The host's id: each test has a host of its own."""
    return disk.parent.name


def tickets(desk, disk: Path) -> list[dict]:
    """All tickets of the host, open or not, as RT has them."""
    query = {
        "query": f"Queue='{desk.queue}' AND 'CF.{{Device}}'='{host_of(disk)}'",
        "fields": "Subject,Status,Priority,Due,CustomFields",
    }
    return desk.ask("GET", "tickets", params=query)["items"]


def field(ticket: dict, name: str) -> str:
    """The value of a custom field."""
    [values] = [one["values"] for one in ticket["CustomFields"] if one["name"] == name]
    return values[0] if values else ""
