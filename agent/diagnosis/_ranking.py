"""Who takes the most, and whether that can be said when only a part was seen. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a whole was seen.

    total: what the kernel says there is. seen: what the parts that were seen add up to. hidden: some were not.
    The rule for all diagnoses: something is named only when it is more than `unseen`, so that nothing hidden can be more.
    """

    total: float
    seen: float
    hidden: bool

    @property
    def ratio(self) -> float:
        """The share that was seen, 0 to 1."""
        return min(1.0, self.seen / self.total) if self.total > 0 else 1.0

    @property
    def whole(self) -> bool:
        """Whether nothing was hidden."""
        return not self.hidden

    @property
    def unseen(self) -> float:
        """The most that one hidden part can be.

        Where the parts seen are more than the whole (shared blocks, shared memory), the difference says nothing of
        what is hidden: then it may be anything.
        """
        if self.hidden and self.seen >= self.total:
            return math.inf
        return max(0.0, self.total - self.seen)


def heaviest(amounts: Mapping[str, float], least: float) -> list[tuple[str, float]]:
    """Given what each path holds in all below it, return the paths that account for `least` or more, most first.

    A path counts without what was already named below it: so that it is /var/lib/mysql that is named, and neither /var nor
    each of its files; and the amounts of all named add up to no more than the whole. (Hierarchical heavy hitters:
    Cormode, Korn, Muthukrishnan, Srivastava, "Finding hierarchical heavy hitters in data streams", VLDB 2003.)

    >>> heaviest({"/": 100, "/var": 90, "/var/lib": 60, "/var/log": 25, "/home": 6}, 20)
    [('/var/lib', 60), ('/var/log', 25)]
    """
    own = dict(amounts)
    named = []
    for path in sorted(amounts, key=_depth, reverse=True):
        if own[path] >= least:
            named.append((path, own[path]))
            for above in _above(path):
                if above in own:
                    own[above] -= own[path]
    return sorted(named, key=lambda one: one[1], reverse=True)


def _depth(path: str) -> int:
    return 0 if path == "/" else path.count("/")


def _above(path: str) -> Iterator[str]:
    while path not in {"/", ""}:
        path = path.rpartition("/")[0] or "/"
        yield path
