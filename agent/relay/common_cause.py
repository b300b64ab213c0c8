"""What the members of a group have in common: labels that nearly all of them share, and a start at nearly the same time. Pure.

A candidate is a hint for the engineer and no verdict: what is the same everywhere, such as the one customer of a fleet, is no
cause, so that only labels that name a place or a part count (`relay.cause_labels`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from thresholds import allows

MOST = 5  # candidates that are worth reading
SHARE = 0.8  # of the members
TOGETHER = 600.0  # seconds; alerts are raised after a rule's own `for`, collectors look at their own times
FEWEST = 3  # members of which it says something that they have a thing in common


class Candidate(msgspec.Struct, frozen=True):
    """A label that `count` members carry with this value."""

    label: str
    value: str
    count: int


class CommonCause(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for one cause. of: how many members were looked at; together: how many began between `first` and `last`."""

    of: int
    candidates: tuple[Candidate, ...] = ()
    together: int = 0
    first: float = 0.0
    last: float = 0.0

    def __bool__(self) -> bool:
        """Say whether anything speaks for it."""
        return bool(self.candidates or self.together)


def common_cause(
    labels: Sequence[Mapping[str, str]], began: Iterable[float], grouped_by: Iterable[str], cause_labels: Sequence[str]
) -> CommonCause:
    """Return what members with these `labels` that `began` at these times (unix seconds) have in common.

    grouped_by: labels that are the same by the grouping itself, which come first, for they are why this is one ticket.
    cause_labels: shell patterns of the labels that count.

    >>> members = [{"host": "a", "rack": "r7"}, {"host": "b", "rack": "r7"}, {"host": "c", "rack": "r7"}]
    >>> common_cause(members, [0.0, 60.0, 90.0], [], ["rack"])
    CommonCause(of=3, candidates=(Candidate('rack', 'r7', 3),), together=3, first=0.0, last=90.0)
    """
    of = len(labels)
    if of < FEWEST:
        return CommonCause(of=of)
    counted = Counter(
        (name, value) for one in labels for name, value in one.items() if value and allows(cause_labels, name)
    )
    first = frozenset(grouped_by)
    found = [Candidate(name, value, count) for (name, value), count in counted.items() if count >= SHARE * of]
    found.sort(key=lambda one: (one.label not in first, -one.count, one.label))
    start, end, together = _densest(sorted(began))
    if together < SHARE * of:
        start, end, together = 0.0, 0.0, 0
    return CommonCause(of=of, candidates=tuple(found[:MOST]), together=together, first=start, last=end)


def _densest(moments: Sequence[float]) -> tuple[float, float, int]:
    """Return the stretch of at most TOGETHER seconds in which most of `moments` (sorted) lie, and how many those are."""
    best, begin = (0.0, 0.0, 0), 0
    for end, moment in enumerate(moments):
        while moment - moments[begin] > TOGETHER:
            begin += 1
        if end - begin + 1 > best[2]:
            best = (moments[begin], moment, end - begin + 1)
    return best
