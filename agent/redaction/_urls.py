"""What URLs carry before the host: `https://user:password@host/`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.redaction._spans import Span, mask

#: a URL from behind its scheme up to a blank or a quote; a password may hold what is no good in a URL
URL = re.compile(r"(?::|%3[aA])(?://|\\/\\/|%2[fF]%2[fF])([^\s\"'<>`]*+)")
_END_OF_AUTHORITY = re.compile(r"[/?#]")
# Oracle's own: `jdbc:oracle:thin:scott/tiger@//db:1521/x`.
_ORACLE = re.compile(r"\bthin:([^\s\"'@]{1,256})@")


def authority(url: re.Match[str]) -> tuple[int, int]:
    """Return where host and port of `url` (found by `URL`) begin and end.

    What stands before the last `@` is taken for user and password unless a query began before it.
    """
    text = url[1]
    end = next((found.start() for found in re.finditer(r"\?", text)), len(text))
    at = text.rfind("@", 0, end)
    coded = text.rfind("%40", 0, end) if at < 0 else -1
    start = at + 1 if at >= 0 else coded + len("%40") if coded >= 0 else 0
    stop = _END_OF_AUTHORITY.search(text, start)
    return url.start(1) + start, url.start(1) + (stop.start() if stop else len(text))


def url_credentials(line: str) -> Iterator[Span]:
    """Yield user and password, or a token in their place, of every URL."""
    instead = mask("url_credentials")
    for found in URL.finditer(line) if ":" in line else ():
        text = found[1]
        # A query may hold mail addresses; a password may hold a question mark: only what no `@` follows is the query.
        at = text.rfind("@")
        if at < 0:
            at = text.rfind("%40")
        if at > 0:
            yield Span(found.start(1), found.start(1) + at, instead)
    for found in _ORACLE.finditer(line):
        yield Span(*found.span(1), instead)
