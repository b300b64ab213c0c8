"""The courier is killed at its system calls while it delivers to a real desk: one ticket each time, and nothing lost.

Tests take a sample, the same each time; `make fault-runs` takes every call of every run.
"""

from __future__ import annotations

import os
import shutil

import pytest

from census import Tally, configure, count, wait_until_idle
from deliveries import Deliveries
from kills import TELLING, calls_of, every, kill, sample

EVERY = os.environ.get("FORETELL_EVERY_KILL") == "1"
SEED = 20261124

# What has to be at the desk before an operation can be tried.
BEFORE = {
    "open": (),
    "comment": ("open",),
    "attach": ("open",),
    "raise_priority": ("open",),
    "resolve": ("open",),
    "reopen": ("open", "resolve"),
}

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which kills at a chosen system call"),
]


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("name", ["rt", "at_redmine"])
def test_a_courier_killed_anywhere_does_it_once(request, tmp_path, tell, name, kind):
    """At any call to the desk or to our own records: the next couriers find out what was done, and do the rest."""
    desk = request.getfixturevalue(name)
    config = configure(desk, tmp_path)

    def prepared(folder):
        deliveries = Deliveries(tmp_path / folder, config)
        key = deliveries.add_case(*BEFORE[kind])
        if BEFORE[kind]:
            deliveries.deliver_here()
        deliveries.queue(key, kind)
        return deliveries

    calls = calls_of(prepared("undisturbed"), tmp_path / "calls")
    assert TELLING.keys() <= calls.keys()
    tally, killed = Tally(), 0
    for call, numbers in (every(calls) if EVERY else sample(calls, f"{SEED} {name} {kind}")).items():
        for number in numbers:
            deliveries = prepared(f"{call}-{number}")
            died = kill(deliveries, call, number)
            if EVERY and not died:
                break
            killed += died
            wait_until_idle(desk)
            deliveries.settle()
            found = count(desk, deliveries)
            assert (found.tickets, found.lost, found.duplicates) == (1, 0, 0), f"killed at {call} number {number}"
            tally.add(found)
            shutil.rmtree(deliveries.folder)
    # A run may make a call less than the one that was counted; hardly any does.
    assert killed > 0.7 * tally.cases
    tell(desk, f"kill -9, {kind}", tally)
