"""`foretell maintenance`: declared by hand, agreed on tickets, listed and ended."""

from __future__ import annotations

import time

import msgspec
import pytest

from agent.calendar.windows import MaintenanceWindow
from agent.following.model import Agreement, MaintenanceEnded

HOUR = 3600.0


def agree(store, case, begins: float) -> None:
    """Have a window of an hour agreed that begins in so many seconds."""
    now = time.time()
    window = MaintenanceWindow(start=now + begins, end=now + begins + HOUR, zone="UTC")
    store.save_case(msgspec.structs.replace(case, agreed=Agreement(window=window, by="sue", at=now)), (), now)


@pytest.mark.usefixtures("store")
def test_without_any_it_says_so(foretell):
    """In words, and as an empty list."""
    assert foretell("maintenance").out == "No maintenance is on, and none is agreed.\n"
    assert foretell("maintenance", "--json").json == []
    ended = foretell("maintenance", "end")
    assert (ended.status, ended.out) == (2, "")


def test_it_is_declared_listed_and_ended(foretell, store):
    """With its reason and who declared it; the daemon reads it with each cycle."""
    assert foretell("maintenance", "start", "--for", "2h", "--reason", "new disks").status == 0
    assert 1.9 * HOUR < store.maintenance.until - time.time() <= 2 * HOUR
    [listed] = foretell("maintenance", "list", "--json").json
    assert (listed["on"], listed["reason"], listed["case"]) == (True, "new disks", "")
    assert "new disks" in foretell("maintenance").out
    assert foretell("maintenance", "end").status == 0
    assert store.maintenance.until <= time.time()
    assert foretell("maintenance", "--json").json == []


@pytest.mark.parametrize("lasts", ["soon", "0s", "31d"])
@pytest.mark.usefixtures("store")
def test_a_time_that_is_none_is_a_usage_error(foretell, lasts):
    """No time, nothing, too much."""
    ended = foretell("maintenance", "start", "--for", lasts)
    assert ended.status == 2
    assert "--for" in ended.err


def test_what_is_agreed_is_listed_with_its_case(foretell, store, snapshot):
    """A window to come is no maintenance yet, and cannot be ended."""
    agree(store, snapshot.cases[0], begins=HOUR)
    [listed] = foretell("maintenance", "--json").json
    assert (listed["on"], listed["by"], listed["case"]) == (False, "sue", snapshot.cases[0].key)
    assert foretell("maintenance", "end").status == 2


def test_an_agreed_window_that_is_on_can_be_ended(foretell, store, snapshot):
    """The daemon is told, which alone changes cases."""
    agree(store, snapshot.cases[0], begins=-60.0)
    assert foretell("maintenance", "end").status == 0
    [event] = store.take_events()
    assert isinstance(event, MaintenanceEnded)
    assert event.case == snapshot.cases[0].key
