"""The whole way with nothing faked but the clock.

A real disk fills, one ticket opens in a real Request Tracker and is seen to its verified end; when the disk fills again the
ticket is reopened, not doubled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import load
from agent.daemon import make_resident
from agent.folder import StateFolder
from agent.store import Store

MIB = 1 << 20
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC).timestamp()
DISK = 256 * MIB
PRIORITIES = {"P1": 100, "P2": 80, "P3": 50, "P4": 20}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("losetup"), reason="needs root to mount a loop device"),
]


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


@pytest.fixture
def disk(tmp_path: Path):
    """A small ext4 of its own, loop-mounted."""
    image, mount = tmp_path / "disk.img", tmp_path / "srv"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.fixture
def config(tmp_path: Path, disk: Path, request_tracker) -> Path:
    """One customer, one disk to watch, one desk."""
    token = tmp_path / "token"
    token.write_text(request_tracker.token)
    token.chmod(0o600)
    path = tmp_path / "foretell.toml"
    path.write_text(f"""
        [host]
        id = "{host_of(disk)}"
        name = "web01"
        [customer]
        id = "acme"
        name = "ACME"
        contact = "customer@client.test"
        zone = "Europe/Berlin"
        [windows]
        weekly = [{{days = ["mon", "tue", "wed", "thu", "fri"], start = "22:00", duration = "4h"}}]
        [delivery]
        desk = "helpdesk"
        [secrets]
        rt = "{token}"
        [desks.helpdesk]
        client = "request_tracker"
        url = "{request_tracker.url}"
        queue = "{request_tracker.queue}"
        token_secret = "rt"
        urgency_field = "Urgency"
        window_field = "Window"
        [collectors]
        cpu.enabled = false
        memory.enabled = false
        services.enabled = false
        software.enabled = false
        [rules]
        disk_space.select.where.mountpoint = ["{disk}"]
        disk_inodes.enabled = false
        disk_readonly.enabled = false
        tmpfs_full.enabled = false
    """)
    return path


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


def test_a_filling_disk_becomes_one_ticket_and_is_seen_to_its_end(config, disk, tmp_path, request_tracker):
    """Forecast, one ticket, rising priority, verified recovery, a person's close, the report; then the same again: reopened."""
    world = World(config, tmp_path / "state", disk)
    per_hour = MIB  # 256 MiB are full after about ten days

    # A disk that fills steadily opens exactly one ticket, days before it is full.
    world.write(20 * MIB)
    for _ in range(9 * 24):
        world.fill(1, per_hour)
        if tickets(request_tracker, disk):
            break
    [ticket] = tickets(request_tracker, disk)
    opened_at = world.clock.now()
    forecast = world.case.forecast
    full_at = opened_at + (shutil.disk_usage(disk).free / per_hour) * HOUR
    assert field(ticket, "ForetellKey") == world.case.key
    assert field(ticket, "Device") == host_of(disk)
    assert "web01" in ticket["Subject"]
    assert int(ticket["Priority"]) == PRIORITIES[world.case.priority]
    assert opened_at < forecast.earliest <= full_at
    assert abs(forecast.expected - full_at) < DAY
    window = datetime.fromisoformat(field(ticket, "Window")).timestamp()
    assert opened_at < window < forecast.earliest
    first_priority = int(ticket["Priority"])

    # As time runs out the priority rises, in the same ticket.
    while shutil.disk_usage(disk).free > 16 * per_hour:
        world.fill(1, per_hour)
    [ticket] = tickets(request_tracker, disk)
    assert int(ticket["Priority"]) > first_priority

    # Space is freed: the recovery is verified, and told to the customer.
    world.free()
    for _ in range(30):
        world.cycle(10 * MINUTE)
    assert world.case.state == "awaiting_confirmation"
    _, said = request_tracker.sees(world.case.ticket)
    assert "confirm" in said

    # A person resolves it, and the case closes with the report.
    request_tracker.set(world.case.ticket, Status="resolved")
    for _ in range(4):
        world.cycle(10 * MINUTE)
    assert (world.case.state, world.case.closed_by) == ("closed", "person")
    [ticket] = tickets(request_tracker, disk)
    assert ticket["Status"] == "resolved"
    _, said = request_tracker.sees(world.case.ticket)
    assert "So that it does not come back" in said

    # The same mount fills again within the week: the ticket is reopened, not doubled.
    for _ in range(4 * 24):
        world.fill(1, 2 * per_hour)
        if world.case.state == "open" and tickets(request_tracker, disk)[0]["Status"] == "open":
            break
    [ticket] = tickets(request_tracker, disk)
    assert ticket["Status"] == "open"
    assert world.case.key == field(ticket, "ForetellKey")


def test_lost_records_are_rebuilt_from_the_desk(config, disk, tmp_path, request_tracker):
    """The agent's state folder is gone: it finds its open ticket again, opens no second one, and claims no recovery."""
    world = World(config, tmp_path / "state", disk)
    world.write(20 * MIB)
    while not (found := tickets(request_tracker, disk)):
        world.fill(1, MIB)
    key = world.case.key
    world.resident.stop()
    world.folder.close()

    again = World(config, tmp_path / "another state", disk, clock=world.clock)
    for _ in range(6):
        again.fill(1, MIB)
    [ticket] = tickets(request_tracker, disk)
    case = again.resident.pipeline.cases[key]
    assert str(ticket["id"]) == str(found[0]["id"]) == case.ticket.id
    assert case.state in {"open", "recovering"}
    _, said = request_tracker.sees(case.ticket)
    assert "confirm" not in said.split("For the engineer")[-1]
