"""Every built-in kind of threshold keeps the contract that third parties' kinds are held to."""

from agent.configuration.plugins import THRESHOLDS
from thresholds import baseline, deadline, forecast, level, rate, state
from thresholds.contract import ThresholdContract


class TestBaseline(ThresholdContract):
    """What is usual at this hour."""

    plugin = baseline.PLUGIN
    limits = baseline.BaselineLimits(warning=0.8)


class TestDeadline(ThresholdContract):
    """A date that comes nearer."""

    plugin = deadline.PLUGIN
    limits = deadline.DeadlineLimits(warning=90 * 86400.0)


class TestForecast(ThresholdContract):
    """What fills up."""

    plugin = forecast.PLUGIN
    limits = forecast.ForecastLimits()


class TestLevel(ThresholdContract):
    """A number beyond a limit."""

    plugin = level.PLUGIN
    limits = level.LevelLimits(warning=0.8, critical=0.9)


class TestRate(ThresholdContract):
    """What changes fast."""

    plugin = rate.PLUGIN
    limits = rate.RateLimits(warning=0.5, counter=False)


class TestRateOfACounter(ThresholdContract):
    """What counts fast."""

    plugin = rate.PLUGIN
    limits = rate.RateLimits(warning=3, critical=10)


class TestState(ThresholdContract):
    """What each value means."""

    plugin = state.PLUGIN
    limits = state.StateLimits(critical=[1], stale_after=3600)


def test_every_built_in_kind_is_held_to_the_contract():
    """One that is forgotten here would not be."""
    held = {contract.plugin.name for contract in ThresholdContract.__subclasses__()}

    assert held == set(THRESHOLDS.built_in())
