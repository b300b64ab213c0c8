"""How urgent a case is: the ITIL matrix, P1 to P4 = impact x urgency. Pure; the time is an argument.

Impact comes from the rule, shifted by how much depends on the host and by the customer's tier. Urgency comes from the
time left. On a plain host with a rule of medium impact this reads: failing now P2, in days P3, in weeks P4.

The *expected* crossing decides, because a priority is a promise of people's time. The *earliest* one decides until when
work must be done, and that is the window planner's matter (`agent.calendar.windows`).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Literal

from agent.configuration.settings import Criticality, PrioritySettings, Tier
from thresholds import Forecast, Severity
from ticketing_clients import Priority

Grade = Literal["high", "medium", "low"]

_GRADES: tuple[Grade, ...] = ("low", "medium", "high")
# Their names sort by how urgent they are.
_PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")
_SHIFT = MappingProxyType({"high": 1, "premium": 1, "normal": 0, "standard": 0, "low": -1, "basic": -1})


def assess(impact: Grade, urgency: Grade, policy: PrioritySettings) -> Priority:
    """Return the priority of this impact and urgency.

    >>> assess("medium", "medium", PrioritySettings())
    'P3'
    """
    row = {"high": policy.high, "medium": policy.medium, "low": policy.low}[impact]
    return {"high": row.high, "medium": row.medium, "low": row.low}[urgency]


def impact(rule_impact: Grade, criticality: Criticality, tier: Tier, policy: PrioritySettings) -> Grade:
    """Return how much is affected: the rule's own impact, moved for the host and for the tier; it stays within the grades."""
    grade = _GRADES.index(rule_impact)
    grade += policy.criticality.get(criticality, _SHIFT[criticality]) + policy.tier.get(tier, _SHIFT[tier])
    return _GRADES[min(max(grade, 0), len(_GRADES) - 1)]


def urgency(severity: Severity, forecast: Forecast | None, now: float, policy: PrioritySettings) -> Grade:
    """Return how little time is left at `now` (unix seconds).

    | severity          | expected crossing         | urgency |
    |-------------------|---------------------------|---------|
    | warning, critical | past, or within `at_once` | high    |
    | warning, critical | within `planned`          | medium  |
    | warning, critical | later                     | low     |
    | critical          | none                      | high    |
    | warning           | none                      | low     |
    | notice, healthy   | any                       | low     |

    With a date the date decides; without one CRITICAL means that it failed already, and WARNING that there is time to
    plan and nothing is known to end it. A rule that is worth more says so by its impact.
    """
    if severity < Severity.WARNING:
        return "low"
    if forecast is None:
        return "high" if severity is Severity.CRITICAL else "low"
    left = forecast.expected - now
    if left <= policy.at_once:
        return "high"
    return "medium" if left <= policy.planned else "low"


def raised(priority: Priority) -> Priority:
    """Return the next more urgent priority; P1 stays. For a problem that no maintenance window comes in time for."""
    return _PRIORITIES[max(_PRIORITIES.index(priority) - 1, 0)]


def worse(a: Priority, b: Priority) -> bool:
    """Return whether `a` is more urgent than `b`."""
    return a < b


def highest(priorities: Iterable[Priority]) -> Priority:
    """Return the most urgent of `priorities`; P4 when there are none."""
    return min(priorities, default="P4")
