"""Who reads a page: which view, and in which language, chosen by a link or by what the browser says it prefers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

import msgspec

from agent.wording.languages import SOURCE, LanguageNotKnown, find_language

LONGEST_WISH = 1000  # characters of Accept-Language that are looked at
Audience = Literal["customer", "engineer"]


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """language: as catalogues are named. chosen: by a link, which links on the page then carry on.

    may_look_inside: whether the engineer's view is open to this reader.
    """

    language: str = SOURCE
    chosen: bool = False
    audience: Audience = "customer"
    may_look_inside: bool = False

    @property
    def name(self) -> str:
        """What tells pages for such readers apart."""
        return f"{self.audience} {self.language} {self.chosen} {self.may_look_inside}"


def language_of(query: str, accepted: str, own: Path | None = None) -> tuple[str, bool]:
    """Return the reader's language, and whether a link chose it (`?lang=zh_Hant`); else the first that the browser wants.

    query: of the address; accepted: an Accept-Language header (RFC 9110); own: IT's folder of catalogues.

    >>> language_of("lang=zh-TW", ""), language_of("", "fr, zh-CN;q=0.8, en;q=0.9"), language_of("lang=x", "")
    (('zh_Hant', True), ('en', False), ('en', False))
    """
    for wish in parse_qs(query).get("lang", [])[:1]:
        if found := _known(wish, own):
            return found, True
    for wish in _wishes(accepted[:LONGEST_WISH]):
        if found := _known(wish, own):
            return found, False
    return SOURCE, False


def _known(wish: str, own: Path | None) -> str | None:
    try:
        return find_language(wish, own)
    except LanguageNotKnown:
        return None


def _wishes(accepted: str) -> Iterator[str]:
    """Yield the languages of an Accept-Language header, the most wanted first; what cannot be read counts as not wanted."""
    weighted: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            wanted = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            wanted = 0.0
        if tag and wanted > 0:
            weighted.append((wanted, tag.strip()))
    yield from (tag for _, tag in sorted(weighted, key=lambda pair: -pair[0]))
