"""Rate: how much something changes within a time, whatever becomes of its counter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresholds import CouldNotJudge, Judgement, Observation, Severity
from thresholds.rate import PLUGIN, RateLimits

MINUTE, HOUR = 60.0, 3600.0
START = 1_795_600_800.0
KILLS = RateLimits(over=HOUR, warning=3, critical=10)


def judged(limits, *readings, whole=None):
    """Judge readings of (seconds since the start, value); return all answers."""
    threshold, memory, answers = PLUGIN.build(limits), None, []
    for seconds, value in readings:
        answer, memory = threshold.evaluate(Observation(START + seconds, value, whole), memory)
        answers.append(answer)
    return answers


def steadily(value, *, until, every=MINUTE, begin=0.0):
    """Make readings of `value` from `begin` to `until`."""
    return [(begin + step * every, value) for step in range(int((until - begin) / every) + 1)]


def test_growth_beyond_the_limit_is_bad_and_ends_when_its_time_is_over():
    """Three within the hour; an hour after the last it is well again."""
    readings = [*steadily(5, until=HOUR), *steadily(8, begin=HOUR + MINUTE, until=3 * HOUR)]

    severities = [one.severity for one in judged(KILLS, *readings)[60:]]

    assert severities[:2] == [Severity.HEALTHY, Severity.WARNING]
    assert severities.count(Severity.WARNING) == pytest.approx(60, abs=5)
    assert severities[-1] is Severity.HEALTHY


def test_what_was_counted_before_we_came_is_no_change():
    """A counter that stands at a thousand at first sight has not grown."""
    assert judged(KILLS, *steadily(1000, until=2 * HOUR))[-1].severity is Severity.HEALTHY


def test_it_is_not_called_healthy_before_it_was_seen_for_long_enough():
    """A breach is one at once, though."""
    half = judged(KILLS, *steadily(0, until=HOUR / 2))
    assert all(isinstance(answer, CouldNotJudge) for answer in half)

    assert judged(KILLS, (0, 0), (MINUTE, 4))[-1].severity is Severity.WARNING


def test_where_only_what_comes_is_asked_for_the_first_look_is_enough():
    """What happened before it is nobody's question; what happens afterwards is told at once."""
    limits = RateLimits(over=HOUR, warning=1, from_first_look=True)
    answers = judged(limits, (0, 7), (MINUTE, 7), (2 * MINUTE, 8))

    assert [one.severity for one in answers] == [Severity.HEALTHY, Severity.HEALTHY, Severity.WARNING]


def test_a_counter_that_begins_anew_has_not_fallen():
    """The host was restarted: what it has counted since is the change."""
    answers = judged(KILLS, *steadily(100, until=2 * HOUR), (2 * HOUR + MINUTE, 1), (2 * HOUR + 2 * MINUTE, 4))

    assert [one.severity for one in answers[-2:]] == [Severity.HEALTHY, Severity.WARNING]
    assert answers[-1].evidence["value"] == 4


def test_a_value_that_is_no_counter_falls_as_it_says():
    """Free space that goes by half a terabyte within an hour."""
    limits = RateLimits(counter=False, direction="below", warning=-5e11)

    answers = judged(limits, *steadily(2e12, until=HOUR), (HOUR + MINUTE, 1.4e12), (HOUR + 2 * MINUTE, 2e12))

    assert [one.severity for one in answers[-2:]] == [Severity.WARNING, Severity.HEALTHY]


def test_what_changed_while_nobody_looked_is_spread_over_that_time():
    """Twenty-four in a day are one an hour."""
    answers = judged(KILLS, *steadily(0, until=2 * HOUR), (26 * HOUR, 24))

    assert answers[-1].severity is Severity.HEALTHY
    assert answers[-1].evidence["value"] == pytest.approx(1)


def test_a_share_of_a_whole_can_be_the_limit():
    """A tenth of it within the hour."""
    limits = RateLimits(counter=False, warning=0.1)

    assert judged(limits, (0, 0), (MINUTE, 50), whole=1000)[-1].reason
    assert judged(limits, (0, 0), (MINUTE, 150), whole=1000)[-1].severity is Severity.WARNING


def test_the_evidence_says_how_much_within_what():
    """And the count itself."""
    evidence = judged(KILLS, (0, 10), (MINUTE, 14))[-1].evidence

    assert evidence == {"value": 4, "limit": 3, "clear": pytest.approx(2.7), "total": 14, "within": HOUR}


def test_a_clock_that_is_set_back_makes_no_change():
    """What was counted meanwhile was counted at no known time."""
    answers = judged(KILLS, *steadily(0, until=2 * HOUR), (-5 * HOUR, 50), (-5 * HOUR + MINUTE, 50))

    assert isinstance(answers[-1], CouldNotJudge)


@pytest.mark.parametrize(
    "limits",
    [RateLimits(), RateLimits(warning=1, over=0), RateLimits(warning=-1, direction="below")],
)
def test_limits_without_a_meaning_are_refused(limits):
    """No limit, no time, or a counter that is to fall."""
    with pytest.raises(ValueError, match="`"):
        PLUGIN.build(limits)


@given(st.lists(st.tuples(st.integers(1, 7200), st.integers(0, 5)), min_size=1, max_size=60))
def test_the_change_is_never_more_than_was_counted(steps):
    """Nothing is counted twice, and of the last hour all but a slot."""
    at, total, readings = 0, 0, [(0, 0)]
    for seconds, more in steps:
        at, total = at + seconds, total + more
        readings.append((at, total))

    for (seconds, value), answer in zip(readings, judged(RateLimits(warning=1e-9), *readings), strict=True):
        if isinstance(answer, Judgement):
            inside = [count for when, count in readings if seconds - HOUR + 300 <= when <= seconds]
            assert value - inside[0] - 1e-6 <= answer.evidence["value"] <= value + 1e-6
