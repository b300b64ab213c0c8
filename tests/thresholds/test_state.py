"""State: what a value means, and how much milder old news is."""

import pytest

from thresholds import CouldNotJudge, Observation, Severity
from thresholds.state import PLUGIN, StateLimits

HOUR = 3600.0
NOW = 1_800_000_000.0
FAILED = StateLimits(critical=[1], stale_after=HOUR)


def judge(limits, *observations):
    """Judge the observations in turn; return the last answer."""
    threshold = PLUGIN.build(limits)
    memory = answer = None
    for observation in observations:
        answer, memory = threshold.evaluate(observation, memory)
    return answer


@pytest.mark.parametrize(
    ("value", "severity"),
    [(0, Severity.HEALTHY), (1, Severity.NOTICE), (2, Severity.WARNING), (3, Severity.CRITICAL)],
)
def test_each_value_means_what_the_rule_says(value, severity):
    """A monitoring plugin's exit status, for example."""
    limits = StateLimits(healthy=[0], notice=[1], warning=[2], critical=[3])

    assert judge(limits, Observation(NOW, value)).severity is severity


@pytest.mark.parametrize("value", [3, 7, float("nan"), float("inf")])
def test_a_value_without_a_meaning_is_never_healthy(value):
    """Neither is one by which the source says that it does not know, nor no number."""
    assert isinstance(judge(StateLimits(critical=[1], unknown=[3]), Observation(NOW, value)), CouldNotJudge)


def test_what_fails_while_we_watch_is_news():
    """It was healthy before, or it began after we came."""
    healthy, failed = Observation(NOW, 0), Observation(NOW + HOUR, 1, since=NOW + HOUR)

    assert judge(FAILED, healthy, failed).severity is Severity.CRITICAL
    assert judge(FAILED, Observation(NOW, 1, since=NOW - 60)).severity is Severity.CRITICAL


def test_what_failed_long_before_we_came_is_one_degree_milder():
    """People have lived with it; it goes into the first look and not into an alarm."""
    answer = judge(FAILED, Observation(NOW, 1, since=NOW - 2 * HOUR))

    assert (answer.severity, answer.since) == (Severity.WARNING, NOW - 2 * HOUR)


def test_old_news_stays_old_news_until_it_fails_again():
    """A day later it is still the same failure; after a restart that fails it is a new one."""
    old = Observation(NOW, 1, since=NOW - 2 * HOUR)
    later = Observation(NOW + 24 * HOUR, 1, since=NOW - 2 * HOUR)
    again = Observation(NOW + 25 * HOUR, 1, since=NOW + 25 * HOUR)

    assert judge(FAILED, old, later).severity is Severity.WARNING
    assert judge(FAILED, old, later, again).severity is Severity.CRITICAL


def test_what_fails_while_the_agent_is_off_is_news():
    """The subject was seen healthy before; two days without the agent make no old news of it."""
    seen, failed = Observation(NOW, 0), Observation(NOW + 48 * HOUR, 1, since=NOW + 10 * HOUR)

    assert judge(FAILED, seen, failed).severity is Severity.CRITICAL


def test_a_state_found_at_first_sight_with_an_unknown_beginning_is_old_news():
    """A disk that was read-only when we came is most likely meant to be; one that becomes so is not."""
    limits = StateLimits(critical=[1], stale_after=0, stale="notice")

    assert judge(limits, Observation(NOW, 1), Observation(NOW + 60, 1)).severity is Severity.NOTICE
    assert judge(limits, Observation(NOW, 1), Observation(NOW + 60, 0)).severity is Severity.HEALTHY
    assert judge(limits, Observation(NOW, 1), Observation(NOW + 60, 0), Observation(NOW + 120, 1)).severity == 3


def test_old_news_never_makes_a_state_worse():
    """`stale` is the most that it is."""
    limits = StateLimits(notice=[1], stale_after=0, stale="warning")

    assert judge(limits, Observation(NOW, 1)).severity is Severity.NOTICE


def test_a_beginning_in_the_future_is_no_beginning():
    """A clock that lies does not date a failure."""
    assert judge(FAILED, Observation(NOW, 0), Observation(NOW + 60, 1, since=NOW + HOUR)).since is None


@pytest.mark.parametrize("limits", [StateLimits(), StateLimits(healthy=[1], critical=[1])])
def test_meanings_that_contradict_each_other_are_refused(limits):
    """A rule for which nothing is bad, or one value both good and bad."""
    with pytest.raises(ValueError, match="value"):
        PLUGIN.build(limits)
