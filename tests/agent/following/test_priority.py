"""The priority matrix and what feeds it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration.settings import DAY, HOUR, ByUrgency, PrioritySettings
from agent.following.priority import assess, highest, impact, raised, urgency, worse
from thresholds import Forecast, Severity

NOW = 1_795_000_000.0
POLICY = PrioritySettings()
GRADES = ("low", "medium", "high")
PRIORITIES = ("P1", "P2", "P3", "P4")


def crossing(after: float) -> Forecast:
    """Return a forecast whose expected crossing is `after` seconds from now, and whose earliest is half of that."""
    return Forecast(NOW + after / 2, NOW + after, None)


def test_the_matrix_never_falls_when_impact_or_urgency_rises():
    """One grade more of either is never a less urgent priority."""
    for impact_, urgency_ in itertools.product(GRADES, GRADES):
        for higher in GRADES[GRADES.index(impact_) :]:
            assert assess(higher, urgency_, POLICY) <= assess(impact_, urgency_, POLICY)
        for higher in GRADES[GRADES.index(urgency_) :]:
            assert assess(impact_, higher, POLICY) <= assess(impact_, urgency_, POLICY)


def test_every_limit_and_every_pair_can_be_set_otherwise():
    """For a desk whose days are longer, and a tier that counts twice."""
    policy = PrioritySettings(at_once=HOUR, low=ByUrgency(high="P2", medium="P2", low="P3"), tier={"premium": 2})
    assert urgency(Severity.WARNING, crossing(2 * HOUR), NOW, policy) == "medium"
    assert assess("low", "medium", policy) == "P2"
    assert impact("low", "normal", "premium", policy) == "high"
    assert impact("low", "high", "standard", policy) == "medium"


@pytest.mark.parametrize(
    ("severity", "forecast", "expected"),
    [
        (Severity.CRITICAL, None, "P2"),
        (Severity.WARNING, crossing(-HOUR), "P2"),
        (Severity.WARNING, crossing(24 * HOUR), "P2"),
        (Severity.WARNING, crossing(24 * HOUR + 1), "P3"),
        (Severity.CRITICAL, crossing(3 * DAY), "P3"),
        (Severity.WARNING, crossing(7 * DAY), "P3"),
        (Severity.WARNING, crossing(7 * DAY + 1), "P4"),
        (Severity.WARNING, None, "P4"),
        (Severity.NOTICE, crossing(HOUR), "P4"),
        (Severity.HEALTHY, None, "P4"),
    ],
)
def test_a_plain_host_reads_failing_now_days_weeks(severity, forecast, expected):
    """With medium impact: failing now is P2, in days P3, in weeks P4."""
    assert assess("medium", urgency(severity, forecast, NOW, POLICY), POLICY) == expected


@pytest.mark.parametrize(
    ("rule", "criticality", "tier", "expected"),
    [
        ("medium", "normal", "standard", "medium"),
        ("low", "normal", "standard", "low"),
        ("medium", "high", "standard", "high"),
        ("medium", "normal", "premium", "high"),
        ("medium", "low", "premium", "medium"),
        ("low", "high", "premium", "high"),
        ("high", "high", "premium", "high"),
        ("high", "low", "basic", "low"),
        ("low", "low", "basic", "low"),
    ],
)
def test_host_and_tier_shift_the_impact_by_one_each(rule, criticality, tier, expected):
    """Criticality and tier each move the rule's impact one grade, and it stays within the grades."""
    assert impact(rule, criticality, tier, POLICY) == expected


def test_less_time_left_is_never_less_urgent():
    """Urgency only rises as an expected crossing comes nearer."""
    grades = [
        GRADES.index(urgency(Severity.WARNING, crossing(hours * HOUR), NOW, POLICY)) for hours in range(400, -48, -1)
    ]
    assert grades == sorted(grades)
    assert set(grades) == {0, 1, 2}


def test_raising_stops_at_the_top():
    """Every priority is raised by one; P1 stays P1."""
    assert [raised(priority) for priority in PRIORITIES] == ["P1", "P1", "P2", "P3"]


@given(st.lists(st.sampled_from(PRIORITIES)))
def test_the_highest_is_worse_than_none_of_the_others(priorities):
    """Nothing in a list is more urgent than its highest; an empty list is P4."""
    top = highest(priorities)
    assert not any(worse(priority, top) for priority in priorities)
    assert top in (priorities or ["P4"])


def test_worse_is_strict():
    """A priority is not worse than itself, and P1 is worse than P2."""
    assert worse("P1", "P2")
    assert not worse("P2", "P1")
    assert not worse("P2", "P2")
