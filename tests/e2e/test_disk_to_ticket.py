"""The whole way with nothing faked but the clock.

A real disk fills, one ticket opens in a real Request Tracker and is seen to its verified end; when the disk fills again the
ticket is reopened, not doubled.
"""

from __future__ import annotations

import os
import shutil
from datetime import datetime

import pytest

from whole_way import DAY, HOUR, MIB, MINUTE, PRIORITIES, World, field, host_of, tickets

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("losetup"), reason="needs root to mount a loop device"),
]


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
