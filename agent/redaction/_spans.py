"""Which part of a line is replaced by what. Every rule looks at the line as it was written; their findings are joined at the end.

So no rule can hide a secret from the next one by cutting it in two, and the order of the rules decides only the wording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """The characters from `start` to before `end`, and what stands in their place."""

    start: int
    end: int
    instead: str


Find = Callable[[str], Iterable[Span]]
"""A rule: given a line, say what in it must be replaced. Takes time in proportion to the line's length, whatever is in it."""


def mask(rule: str) -> str:
    """Return what stands where the rule `rule` found something that must not leave."""
    return f"[masked:{rule}]"


def replaced(line: str, found: Iterable[tuple[str, Span]], counts: Counter[str]) -> str:
    """Return `line` with everything found replaced, and count each replacement under the name of its rule.

    `found` are rule and span in the order of the rules. Of spans that overlap, one that covers the others stands for all of
    them, of equals the first rule's; where none does, the whole stretch is masked under the first rule's name.
    """
    ranked = [
        (span.start, -span.end, rank, rule, span) for rank, (rule, span) in enumerate(found) if span.end > span.start
    ]
    parts: list[str] = []
    done = 0
    stretch: list[tuple[int, str, Span]] = []
    reach = 0
    for start, _, rank, rule, span in [*sorted(ranked), (len(line) + 1, 0, 0, "", None)]:
        if stretch and start >= reach:
            first = stretch[0][2].start
            name, instead = _joined(stretch, first, reach)
            parts += [line[done:first], instead]
            counts[name] += 1
            done, stretch = reach, []
        if span is not None:
            stretch.append((rank, rule, span))
            reach = max(reach, span.end)
    return "".join([*parts, line[done:]])


def _joined(stretch: list[tuple[int, str, Span]], start: int, end: int) -> tuple[str, str]:
    """Return the rule and the replacement for one stretch of overlapping spans."""
    covering = [one for one in stretch if one[2].start == start and one[2].end == end]
    _, rule, span = min(covering or stretch)
    return rule, span.instead if covering else mask(rule)
