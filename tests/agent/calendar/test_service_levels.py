"""What is due by a service level: per priority and tier, in the desk's hours, and in time to prevent the trouble."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.calendar.service_levels import Dues, ServicePolicy
from agent.configuration.settings import (
    DAY,
    HOUR,
    MINUTE,
    CustomerSettings,
    DeskHours,
    ServiceLevel,
    ServiceLevels,
    ServiceLevelsOfTier,
)
from agent.following.model import Promise

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 27, 16, tzinfo=BERLIN).timestamp()
OFFICE = [DeskHours(days=["mon", "tue", "wed", "thu", "fri"], start="09:00", duration=8 * HOUR)]


def policy(of="standard", **levels) -> ServicePolicy:
    return ServicePolicy(levels=ServiceLevels(**levels), customer=CustomerSettings(tier=of), zone=BERLIN)


@pytest.mark.parametrize(
    ("priority", "answer", "fix"),
    [
        ("P1", 30 * MINUTE, 4 * HOUR),
        ("P2", HOUR, 8 * HOUR),
        ("P3", 8 * HOUR, 3 * DAY),
        ("P4", DAY, 10 * DAY),
    ],
)
def test_the_levels_of_a_desk_that_is_always_there(priority, answer, fix):
    """What is promised unless something else is configured."""
    assert policy().dues(priority, FRIDAY) == Dues(answer=FRIDAY + answer, fix=FRIDAY + fix)


def test_p1_counts_round_the_clock_and_the_rest_in_the_desks_hours():
    """Friday at four: a P1 is answered the same day, a P2 by the end of it, settled on Monday."""
    office = policy(hours=OFFICE)
    assert office.dues("P1", FRIDAY).fix == FRIDAY + 4 * HOUR
    assert office.dues("P2", FRIDAY) == Dues(answer=FRIDAY + HOUR, fix=FRIDAY + 3 * DAY)


def test_a_tier_has_levels_of_its_own():
    """Where it says nothing of a priority, the common level holds."""
    own = {"premium": ServiceLevelsOfTier(P3=ServiceLevel(first_response=HOUR, fix=DAY))}
    assert policy("premium", tier=own).dues("P3", FRIDAY).fix == FRIDAY + DAY
    assert policy("premium", tier=own).dues("P4", FRIDAY).fix == FRIDAY + 10 * DAY
    assert policy("basic", tier=own).dues("P3", FRIDAY).fix == FRIDAY + 3 * DAY


def test_the_fix_is_due_in_time_and_not_before_the_window():
    """A deadline comes before the level; a window that is proposed may be later than it."""
    assert policy().dues("P3", FRIDAY, deadline=FRIDAY + HOUR) == Dues(answer=FRIDAY + HOUR, fix=FRIDAY + HOUR)
    assert policy().dues("P3", FRIDAY, not_before=FRIDAY + 5 * DAY).fix == FRIDAY + 5 * DAY
    assert policy().dues("P3", FRIDAY, deadline=FRIDAY - HOUR).fix == FRIDAY


def test_a_warning_comes_in_the_last_fifth_of_the_desks_own_time():
    """Not in a night in which nobody would read it."""
    office = policy(hours=OFFICE)
    made = office.promise("P2", FRIDAY, office.dues("P2", FRIDAY))
    assert made.answer_warning == FRIDAY + 48 * MINUTE
    assert datetime.fromtimestamp(made.fix_warning, BERLIN).isoformat() == "2026-11-30T14:24:00+01:00"


def test_what_was_promised_is_not_put_off_by_a_higher_priority():
    """Raised an hour before the fix is due, the ticket does not gain time."""
    before = Promise(
        priority="P3",
        since=FRIDAY - 3 * DAY,
        answer_due=FRIDAY - 2 * DAY,
        answer_warning=FRIDAY - 2.5 * DAY,
        fix_due=FRIDAY + HOUR,
        fix_warning=FRIDAY,
    )
    assert policy().dues("P2", FRIDAY, earlier=before).fix == FRIDAY + HOUR
