"""Which facts of a finding may leave the host: the ticket's closed core always, more of them by consent. Pure.

DESIGN's core names "measured value and limit" and dates: numbers, under keys known here. Text in evidence (a path, a name,
a line of a log) is never core, whatever its key; what the numbers are about is the subject, which is core. What a first
diagnosis finds says itself which level it needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.consent.levels import Level, lets_out
from thresholds import Fact

#: keys of numbers that a ticket may carry; the one place that decides it
CORE_NUMBERS = frozenset(
    {
        "value",
        "limit",
        "clear",
        "whole",
        "available",
        "usual",
        "busy_share",
        "growth_per_day",
        "growth_days",
        "last_clean_up",
        "deadline",
        "days_left",
        "count",
        "lasted",
    }
)
#: keys of numbers that say how a judgement came about; a ticket may carry them from consent `facts` on
FURTHER_NUMBERS = frozenset(
    {
        "days_observed",
        "jumps_ignored",
        "stale",
        "total",
        "used",
        "within",
    }
)
#: the units that `value` and `limit` may be in; any other is left out, it could be any text
CORE_UNITS = frozenset({"bytes", "ratio", "seconds", "timestamp", "celsius", "count", "boolean", "info"})


def core(evidence: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return what of `evidence` may leave at consent `none`: known numbers, and their unit (`count` when not known)."""
    kept: dict[str, Fact] = {
        key: value for key, value in evidence.items() if key in CORE_NUMBERS and isinstance(value, int | float)
    }
    unit = evidence.get("unit")
    kept["unit"] = unit if unit in CORE_UNITS else "count"
    return kept


def permitted(evidence: Mapping[str, Fact], level: Level) -> dict[str, Fact]:
    """Return what of `evidence` may leave at this level of consent: the core, and from `facts` on further known numbers."""
    kept = core(evidence)
    if lets_out(level, "measurement"):
        kept |= {
            key: value for key, value in evidence.items() if key in FURTHER_NUMBERS and isinstance(value, int | float)
        }
    return kept
