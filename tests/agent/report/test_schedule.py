"""A report is due once, when its period is over where the customer is, and there is something to tell."""

from __future__ import annotations

import doctest
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agent.report import schedule
from agent.report.schedule import due, finished

BERLIN = ZoneInfo("Europe/Berlin")


def at(text, zone=BERLIN):
    """Return unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("every", "now", "name", "since", "until"),
    [
        ("monthly", "2026-11-29", "2026-10", "2026-10-01", "2026-11-01"),
        ("monthly", "2026-01-01", "2025-12", "2025-12-01", "2026-01-01"),
        ("quarterly", "2026-11-29", "2026-Q3", "2026-07-01", "2026-10-01"),
        ("quarterly", "2026-02-01", "2025-Q4", "2025-10-01", "2026-01-01"),
        ("yearly", "2026-11-29", "2025", "2025-01-01", "2026-01-01"),
    ],
)
def test_the_last_period_that_is_over_is_reported(every, now, name, since, until):
    """From its first midnight to the one after it, by the customer's clock."""
    found = finished(every, at(now), BERLIN)
    assert (found.name, tuple(found.period)) == (name, (at(since), at(until)))


def test_a_quarter_is_over_when_it_is_where_the_customer_is():
    """In Auckland earlier than in Berlin."""
    now = at("2026-10-01T00:30", ZoneInfo("Pacific/Auckland"))
    names = [finished("quarterly", now, zone).name for zone in (ZoneInfo("Pacific/Auckland"), BERLIN)]
    assert names == ["2026-Q3", "2026-Q2"]


@pytest.mark.parametrize(
    ("every", "known_since", "reported"),
    [("never", "2026-01-01", ""), ("quarterly", "2026-01-01", "2026-Q3"), ("quarterly", "2026-09-28", "")],
    ids=["not wanted", "made already", "of three days nothing is known"],
)
def test_no_report_is_due(every, known_since, reported):
    """There is none to make."""
    now = at("2026-11-29")
    assert due(every, now, BERLIN, known_since=at(known_since), reported=reported) is None


def test_one_is_due_when_the_last_was_of_an_earlier_period():
    """What was reported in summer is not what is over now."""
    found = due("quarterly", at("2026-11-29"), BERLIN, known_since=at("2026-01-01"), reported="2026-Q2")
    assert found.name == "2026-Q3"


def test_the_examples_in_the_docstrings_are_true():
    """They are part of the documentation."""
    assert doctest.testmod(schedule).failed == 0
