"""Which measured facts belong to the ticket's closed core, and so leave the host without anybody's consent. Pure.

DESIGN's core names "measured value and limit" and dates: numbers, under keys known here. Text in evidence (a path, a name,
a line of a log) is never core, whatever its key; what the numbers are about is the subject, which is core.
"""

from __future__ import annotations

from collections.abc import Mapping

from thresholds import Fact

#: keys of numbers that a ticket may carry; the one place that decides it
CORE_NUMBERS = frozenset(
    {"value", "limit", "clear", "whole", "available", "growth_per_day", "deadline", "days_left", "count", "lasted"}
)
#: the units that `value` and `limit` may be in; any other is left out, it could be any text
CORE_UNITS = frozenset({"bytes", "ratio", "seconds", "timestamp", "count", "boolean", "info"})


def core(evidence: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return what of `evidence` may leave at consent `none`: known numbers, and their unit (`count` when not known)."""
    kept: dict[str, Fact] = {
        key: value for key, value in evidence.items() if key in CORE_NUMBERS and isinstance(value, int | float)
    }
    unit = evidence.get("unit")
    kept["unit"] = unit if unit in CORE_UNITS else "count"
    return kept
