"""What many lives came to, added up; and one that broke a promise made as small as it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.life import STEPS, Told, live

YEAR = 365.25 * 86400.0


class Report:
    """Adds up lives."""

    def __init__(self) -> None:
        """Nothing was lived yet."""
        self.lives = self.cycles = self.requests = self.tickets = 0
        self.seconds = self.longest_settled = 0.0
        self.met: Counter[str] = Counter()
        self.broken: list[Told] = []

    def add(self, lives: Iterable[Told]) -> None:
        """Take these lives in."""
        for told in lives:
            self.lives += 1
            self.seconds += told.seconds
            self.cycles += told.cycles
            self.requests += told.requests
            self.tickets += told.tickets
            self.met.update(told.met)
            if told.violation:
                self.broken.append(told)
            else:
                self.longest_settled = max(self.longest_settled, told.settled)

    @property
    def figures(self) -> list[Sequence[object]]:
        """Rows of what and how much: the lives first, then the faults by kind, and what was broken by them."""
        stuck = sum(told.violation.startswith("stuck") for told in self.broken)
        return [
            ["seeds", self.lives],
            ["simulated years", round(self.seconds / YEAR)],
            ["cycles of the agent", self.cycles],
            ["requests to desks", self.requests],
            ["tickets", self.tickets],
            *([kind, self.met[kind]] for kind in sorted(self.met) if self.met[kind]),
            ["most days until all was at its end", round(self.longest_settled / 86400.0)],
            ["**promises broken**", len(self.broken) - stuck],
            ["**cases or tickets stuck**", stuck],
        ]


def smallest(told: Told) -> tuple[int, list[str]]:
    """Return how few steps, and which kinds of faults, are enough for the seed of `told` to break the same promise."""
    subject = told.violation.split(" ")[0]

    def still(steps: int, without: list[str]) -> bool:
        return live(told.seed, steps=steps, without=without).violation.split(" ")[0] == subject

    steps = next((one for one in range(1, STEPS) if still(one, [])), STEPS)
    without: list[str] = []
    for kind in sorted(told.met):
        if still(steps, [*without, kind]):
            without.append(kind)
    return steps, sorted(set(told.met) - set(without))
