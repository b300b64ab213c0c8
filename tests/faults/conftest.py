"""The real desks with people who count, and where the result of a fault run is told."""

from __future__ import annotations

import msgspec
import pytest

from census import AtRedmine, AtRequestTracker

#: the property under which a test hands its row to `tools/fault_runs.py`
ROW = "fault run"


@pytest.fixture(scope="session")
def rt(request_tracker):
    """The real Request Tracker, to be counted."""
    return AtRequestTracker(request_tracker)


@pytest.fixture(scope="session")
def at_redmine(redmine):
    """The real Redmine, to be counted."""
    return AtRedmine(redmine)


@pytest.fixture
def tell(record_property):
    """Return a function that tells what a fault did, and fails unless each case has one ticket with all of its operations."""

    def tell(desk, fault, tally):
        record_property(ROW, {"desk": desk.name, "fault": fault, **msgspec.to_builtins(tally)})
        assert (tally.tickets, tally.lost, tally.duplicates) == (tally.cases, 0, 0), tally

    return tell
