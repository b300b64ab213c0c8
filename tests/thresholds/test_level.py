"""Level: beyond its limit it is bad, and it stays so until it is past its clear limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresholds import CouldNotJudge, Observation, Severity
from thresholds.level import PLUGIN, LevelLimits

HEALTHY, WARNING, CRITICAL = Severity.HEALTHY, Severity.WARNING, Severity.CRITICAL


def severities(limits, *values, whole=None):
    """Judge `values` one minute after another; return the severities."""
    threshold = PLUGIN.build(limits)
    memory, judged = None, []
    for minute, value in enumerate(values):
        answer, memory = threshold.evaluate(Observation(60.0 * minute, value, whole), memory)
        judged.append(answer.severity)
    return judged


def test_a_value_is_bad_from_its_limit_on():
    """The limit itself counts as reached, the worse limit goes first."""
    limits = LevelLimits(warning=80, critical=90)

    assert severities(limits, 79.9, 80, 89.9, 90) == [HEALTHY, WARNING, WARNING, CRITICAL]


def test_a_severity_falls_back_only_past_its_clear_limit():
    """A value that dances around its limit changes nothing."""
    limits = LevelLimits(warning=80, warning_clear=70, critical=90, critical_clear=85)

    assert severities(limits, 90, 88, 84, 79, 71, 69, 79) == [
        CRITICAL,
        CRITICAL,
        WARNING,
        WARNING,
        WARNING,
        HEALTHY,
        HEALTHY,
    ]


def test_the_clear_limit_is_a_tenth_back_when_left_out():
    """80 clears below 72."""
    assert severities(LevelLimits(warning=80), 80, 72, 71.9) == [WARNING, WARNING, HEALTHY]


def test_low_can_be_bad_and_be_a_share_of_a_whole():
    """Less than 5 % of what there is, cleared above 10 %."""
    limits = LevelLimits(direction="below", warning=0.05, warning_clear=0.10)

    assert severities(limits, 1000, 50, 99, 101, whole=1000) == [HEALTHY, WARNING, WARNING, HEALTHY]


def test_the_evidence_is_in_the_unit_of_the_reading():
    """A ticket says how many bytes are left of how many, not a share of something."""
    threshold = PLUGIN.build(LevelLimits(direction="below", warning=0.05))

    answer, _ = threshold.evaluate(Observation(0, 40.0, 1000.0), None)

    assert answer.evidence == pytest.approx(
        {"value": 40.0, "limit": 50.0, "clear": 55.0, "whole": 1000.0, "available": 40.0}
    )


@pytest.mark.parametrize("observation", [Observation(0, float("nan")), Observation(0, 1.0, 0.0), Observation(0, 1, 0)])
def test_no_number_is_no_verdict_and_changes_nothing(observation):
    """A bad severity that stood before still stands after a reading without a number."""
    threshold = PLUGIN.build(LevelLimits(warning=0.5))
    _, before = threshold.evaluate(Observation(0, 1.0), None)

    answer, after = threshold.evaluate(observation, before)

    assert isinstance(answer, CouldNotJudge)
    assert after == before


@pytest.mark.parametrize(
    "limits",
    [
        LevelLimits(),
        LevelLimits(warning=90, critical=80),
        LevelLimits(direction="below", warning=10, critical=20),
        LevelLimits(warning=80, warning_clear=85),
        LevelLimits(direction="below", critical=10, critical_clear=5),
    ],
)
def test_limits_that_contradict_each_other_are_refused(limits):
    """It says which limit is wrong."""
    with pytest.raises(ValueError, match="`"):
        PLUGIN.build(limits)


@given(
    st.lists(st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e3),
)
def test_the_unit_does_not_matter(values, scale):
    """The same values and limits in another unit are judged the same."""
    limits = LevelLimits(warning=100, critical=1000, warning_clear=50, critical_clear=500)
    edges = (50, 100, 500, 1000)
    values = [value for value in values if all(abs(value - edge) > 1e-6 for edge in edges)]
    scaled = LevelLimits(
        warning=100 * scale, critical=1000 * scale, warning_clear=50 * scale, critical_clear=500 * scale
    )

    assert severities(limits, *values) == severities(scaled, *(value * scale for value in values))
