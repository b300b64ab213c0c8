"""How much of a period could not be checked, by what is missing in its history. Pure."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence

from agent.configuration.settings import DAY, HOUR
from agent.report.model import Gap

# What is read once a day lacks nothing in between: only where it is away for so many times as long as usual is it missing.
LONGER_THAN_USUAL = 3.0
# What was not read for so long is not there any more, a disk that was taken away: that is no gap.
GONE = 2 * DAY


def gap(name: str, hours: Sequence[float], since: float, until: float) -> Gap | None:
    """Return what a series lacks in [since, until), given the beginnings of the hours in which it was read, in order.

    `hours` may begin before `since`; what it lacked before is not counted. None when it was not there in the period.
    """
    if not hours or hours[-1] < since - HOUR:
        return None
    usual = statistics.median([later - at for at, later in itertools.pairwise(hours)]) if len(hours) > 1 else HOUR
    end = until if until - hours[-1] < GONE + usual else hours[-1] + HOUR
    missing = 0.0
    for at, later in itertools.pairwise([*hours, end]):
        begin, over = max(at + usual, since), min(later, end)
        if later - at > LONGER_THAN_USUAL * usual and over > begin:
            missing += over - begin
    expected = end - max(hours[0], since)
    return Gap(name=name, expected=max(expected, 0.0), missing=missing)


def together(gaps: Iterable[Gap]) -> list[Gap]:
    """Return one for each sort of reading, the ones that lack most of their time first."""
    by_name: dict[str, list[Gap]] = defaultdict(list)
    for one in gaps:
        by_name[one.name].append(one)
    added = [
        Gap(name=name, expected=sum(one.expected for one in all_), missing=sum(one.missing for one in all_))
        for name, all_ in by_name.items()
    ]
    return sorted(added, key=lambda one: (-one.missing / one.expected if one.expected else 0.0, one.name))
