"""Thresholds: kinds of judgement, pure, and the rules that use them, as data in `rules/`.

A kind is one public module of this package that ends in `PLUGIN = ThresholdPlugin(...)`; its name is its file name.
"""

from thresholds._finding import CouldNotJudge, Fact, Finding, Forecast, Judgement, Severity, Unjudged
from thresholds._judge import Judge
from thresholds._match import allows, selects, subject_of
from thresholds._plugin import Memory, Observation, Threshold, ThresholdPlugin
from thresholds._rule import Rule, Selector

__all__ = [
    "CouldNotJudge",
    "Fact",
    "Finding",
    "Forecast",
    "Judge",
    "Judgement",
    "Memory",
    "Observation",
    "Rule",
    "Selector",
    "Severity",
    "Threshold",
    "ThresholdPlugin",
    "Unjudged",
    "allows",
    "selects",
    "subject_of",
]
