"""Deadline: the nearer a date, the worse."""

import pytest

from thresholds import CouldNotJudge, Forecast, Observation, Severity
from thresholds.deadline import PLUGIN, DeadlineLimits

DAY = 86400.0
END = 1_846_540_800.0  # 2028-07-07
LIMITS = DeadlineLimits(notice=180 * DAY, warning=90 * DAY, critical=30 * DAY, after="warning")


def judge(days_left, limits=LIMITS, date=END):
    """Judge `date` so many days before END."""
    answer, _ = PLUGIN.build(limits).evaluate(Observation(END - days_left * DAY, date), None)
    return answer


@pytest.mark.parametrize(
    ("days_left", "severity"),
    [
        (181, Severity.HEALTHY),
        (180, Severity.NOTICE),
        (90, Severity.WARNING),
        (30, Severity.CRITICAL),
        (0.001, Severity.CRITICAL),
        (0, Severity.WARNING),
        (-400, Severity.WARNING),
    ],
)
def test_the_severity_follows_the_lead_times(days_left, severity):
    """Past the date it is as bad as the rule says."""
    assert judge(days_left).severity is severity


def test_the_forecast_is_the_date_itself():
    """Earliest, expected and latest are one."""
    answer = judge(100)

    assert answer.forecast == Forecast(END, END, END)
    assert answer.evidence == {"value": END, "days_left": 100}


@pytest.mark.parametrize("date", [float("nan"), float("inf"), 0.0, -1.0])
def test_no_date_is_no_verdict(date):
    """Certificates and package databases do say 0 for "none"."""
    assert isinstance(judge(0, date=date), CouldNotJudge)


def test_a_rule_may_say_that_no_date_is_good():
    """A maker that has announced no end is no reason for a ticket, and ends the one about the release before."""
    limits = DeadlineLimits(warning=90 * DAY, no_date="healthy")

    assert judge(0, limits, date=float("nan")).severity is Severity.HEALTHY
    assert isinstance(judge(0, limits, date=0.0), CouldNotJudge)


def test_a_worse_severity_must_begin_later():
    """Lead times in the wrong order are refused, by name."""
    with pytest.raises(ValueError, match="`critical` begins before `warning`"):
        PLUGIN.build(DeadlineLimits(warning=DAY, critical=2 * DAY))
