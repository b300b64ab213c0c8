"""What a desk's values mean: as configured before as delivered, and never more urgent than the desk has it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ticketing_clients import FoundTicket, TicketRef
from ticketing_clients._understanding import absent, first_moment, meanings, most_urgent, need_falling, still_open

DELIVERED = {"open": [2], "resolved": [3], "closed": [5]}


def test_what_is_configured_counts_before_what_is_delivered():
    """A status may be said to mean something else; the others keep what they mean."""
    assert meanings(DELIVERED, {"rejected": [5, 6]}) == {2: "open", 3: "resolved", 5: "rejected", 6: "rejected"}


def test_statuses_that_a_desk_has_not_are_named_with_what_they_were_to_mean():
    """And nothing is said of the others."""
    assert absent(DELIVERED, {2}) == "no 3 for resolved, no 5 for closed"
    assert absent(DELIVERED, {2, 3, 5}) == ""


@pytest.mark.parametrize(("present", "ours"), [(5, "P1"), (4, "P2"), (3, "P3"), (2, "P3"), (1, "P4")])
def test_a_priority_between_ours_counts_as_the_lower_one(present, ours):
    """So that raising it is never left undone; below all of ours it is the least urgent."""
    assert most_urgent({"P1": 5, "P2": 4, "P3": 2, "P4": 2}, not_above=range(present + 1)) == ours


def test_priorities_that_rise_from_p1_to_p4_are_told():
    """Two of ours may be one at the desk."""
    need_falling({"P1": 4, "P2": 4, "P3": 2, "P4": 1})
    with pytest.raises(ValueError, match=r"priorities: \[1, 4, 2, 1\]"):
        need_falling({"P4": 1, "P3": 2, "P2": 4, "P1": 1})


def test_a_day_begins_at_midnight_in_utc():
    """No day is no time."""
    assert first_moment(date(2026, 12, 4)) == datetime(2026, 12, 4, tzinfo=UTC)
    assert first_moment(None) is None


def test_a_ticket_with_a_hosts_marker_and_no_key_is_not_ours():
    """Nor is a closed one open."""
    ours, closed, somebodys = (
        FoundTicket(TicketRef("desk", "1"), "key", open=True),
        FoundTicket(TicketRef("desk", "2"), "key", open=False),
        FoundTicket(TicketRef("desk", "3"), "", open=True),
    )
    assert still_open([ours, closed, somebodys]) == [ours]
