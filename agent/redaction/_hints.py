"""Looks for a pattern only where a word stands without which it cannot fit: most lines hold none, and words are found fast."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Hinted(NamedTuple):
    """A pattern, and in lower case the texts of which one is in everything that it fits."""

    pattern: re.Pattern[str]
    hints: tuple[str, ...]

    def finditer(self, line: str, lowered: str) -> Iterator[re.Match[str]]:
        """Yield the matches in `line`; `lowered` is the line in lower case."""
        for hint in self.hints:
            if hint in lowered:
                yield from self.pattern.finditer(line)
                return
