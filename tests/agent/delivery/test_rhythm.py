"""For how long a ticket is left alone between two looks."""

import msgspec
import pytest

from agent.calendar.windows import MaintenanceWindow
from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.delivery.rhythm import rest
from agent.following.model import Agreement, Care, Case, Promise
from thresholds import Severity

NOW = 1_790_000_000.0
POLL = 15 * MINUTE
QUIET = Case(
    key="a" * 64,
    rule="disk_space",
    subject={},
    state="open",
    severity=Severity.WARNING,
    priority="P4",
    first_seen=NOW,
    last_seen=NOW,
    changed_at=NOW,
)
IN_DAYS = Promise(
    priority="P4",
    since=NOW,
    answer_due=NOW + DAY,
    answer_warning=NOW + 20 * HOUR,
    fix_due=NOW + 10 * DAY,
    fix_warning=NOW + 8 * DAY,
)


def rested(**values):
    """Return for how many times `poll` the ticket of such a case is left alone."""
    return rest(msgspec.structs.replace(QUIET, **values), NOW, POLL) / POLL


def window(start, end):
    """Return a window so many seconds from now."""
    return MaintenanceWindow(start=NOW + start, end=NOW + end, zone="UTC")


@pytest.mark.parametrize(("priority", "times"), [("P1", 0.2), ("P2", 1), ("P3", 2), ("P4", 4)])
def test_the_less_urgent_the_longer(priority, times):
    """Whichever is more urgent: what we reckoned, or what a person made of it at the desk."""
    assert rested(priority=priority) == times
    assert rested(ticket_priority=priority) == times


@pytest.mark.parametrize("state", ["recovering", "awaiting_confirmation"])
def test_no_longer_than_the_rhythm_while_we_wait_for_a_persons_word(state):
    """They are asked whether all is well again. Whoever works on a P1 is still heard of sooner."""
    assert rested(state=state) == 1
    assert rested(state=state, priority="P1") == 0.2


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [(2 * HOUR, 3 * HOUR, 4), (HOUR, 2 * HOUR, 1), (-MINUTE, HOUR, 1), (-2 * HOUR, -HOUR, 4)],
    ids=["later", "within an hour", "running", "past"],
)
def test_a_window_that_is_offered_is_answered_in_time(start, end, times):
    """Who accepts it just before it begins is heard of in the desk's own rhythm."""
    assert rested(proposed=(window(DAY, 2 * DAY), window(start, end))) == times


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [(2 * HOUR, 3 * HOUR, 4), (HOUR, 2 * HOUR, 1), (-HOUR, HOUR, 1), (-2 * HOUR, -HOUR, 1)],
    ids=["later", "within an hour", "running", "not yet told to be over"],
)
def test_from_an_agreed_window_on_the_work_may_be_reported_as_done(start, end, times):
    """Until it has been told to be over."""
    assert rested(agreed=Agreement(window=window(start, end), by="jo", at=NOW)) == times


@pytest.mark.parametrize("name", ["answer_due", "answer_warning", "fix_due", "fix_warning"])
def test_before_a_promise_is_called_missed_it_is_looked_whether_it_was_kept(name):
    """And before it is warned of; once somebody has answered, an answer is not due any more."""
    assert rested(care=Care(promise=IN_DAYS)) == 4
    due = msgspec.structs.replace(IN_DAYS, **{name: NOW + HOUR})
    assert rested(care=Care(promise=due)) == 1
    assert rested(care=Care(promise=due, answered_at=NOW)) == (4 if name.startswith("answer") else 1)
    past = msgspec.structs.replace(IN_DAYS, **{name: NOW - 1})
    assert rested(care=Care(promise=past)) == 4
