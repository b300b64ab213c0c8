"""A fleet's middle for each test: two Alertmanagers, two replicas of the relay, and a stand-in for the desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_desk import FleetDesk, desk_table
from fleet_parts import Fleet, a_fleet


@pytest.fixture
def desk() -> Iterator[FleetDesk]:
    """A desk that keeps its port when it is down for a while."""
    with FleetDesk().running() as running:
        assert isinstance(running, FleetDesk)
        yield running


@pytest.fixture
def fleet(tmp_path: Path, desk: FleetDesk) -> Iterator[Fleet]:
    """A fleet before that desk."""
    with a_fleet(tmp_path, desk_table(desk.url)) as parts:
        yield parts


@pytest.fixture
def patient_fleet(tmp_path: Path, desk: FleetDesk) -> Iterator[Fleet]:
    """A fleet whose second Alertmanager leaves the first its default of fifteen seconds.

    With less, both tell the same replicas the same after these were gone for a while: then two tickets and a duplicate closed are
    what is promised, and what a test of one replica's memory would not be about.
    """
    with a_fleet(tmp_path, desk_table(desk.url), peer_timeout="15s") as parts:
        yield parts
