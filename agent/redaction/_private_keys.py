"""Private keys that go over several lines: every line between BEGIN and END is left out, whoever else writes in between."""

from __future__ import annotations

import re

_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|PuTTY-User-Key-File|Private-Lines:")
_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|Private-MAC:")
#: lines after which a key that has no end is taken to be over; the longest in use have some two hundred
LONGEST_KEY = 400


class PrivateKeys:
    """Knows of one source's lines, one after the other, whether they belong to a private key."""

    def __init__(self) -> None:
        """Begin outside of a key."""
        self._left = 0
        #: whether the last line was the end of a key whose beginning was not seen, as where the tail of a file begins
        self.ended_without_beginning = False

    def holds(self, line: str) -> bool:
        """Return whether `line` is part of a key."""
        begins, ends = _BEGIN.search(line), _END.search(line)
        inside = self._left > 0
        self.ended_without_beginning = ends is not None and begins is None and not inside
        if ends is not None:
            self._left = 0
        elif begins is not None:
            self._left = LONGEST_KEY
        elif inside:
            self._left -= 1
        return inside or begins is not None or ends is not None
