"""Packages that Debian's security team gave up, or supports with limits: the lists of its package debian-security-support.

Up to Debian 12 there is a list of what ended (name, last version, day, reason) and one of what is limited (name, limits); from
Debian 13 on one list for each release has both, told apart by a word after the name. Names are patterns of source packages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from collectors._plugin import HostView

FOLDER = "/usr/share/debian-security-support"
_LIMITED, _GIVEN_UP = "limited", "non-supported"
_LONGEST_NAME = 200


class Withdrawn(msgspec.Struct, frozen=True):
    """Source packages (a pattern of the whole name) that get no security updates after `day`."""

    name: re.Pattern[str]
    day: date


class SupportLists(msgspec.Struct, frozen=True):
    """What the security team gave up, and the names of what it supports with limits."""

    withdrawn: tuple[Withdrawn, ...] = ()
    limited: tuple[re.Pattern[str], ...] = ()


def read_support_lists(context: HostView, version: str) -> SupportLists | None:
    """Return the lists for Debian `version` ("12"); None where there are none. Raise OSError."""
    both = _text(context, f"security-support.deb{version}")
    if both:
        return parse_list(both)
    ended = _text(context, f"security-support-ended.deb{version}") or _text(context, "security-support-ended")
    limited = _text(context, "security-support-limited")
    return SupportLists(tuple(parse_ended(ended)), tuple(parse_limited(limited))) if ended or limited else None


def parse_list(text: str) -> SupportLists:
    """Given a list of Debian 13 or later, return what is in it; a row that is none is left out."""
    rows = [(name, *rest) for name, *rest in _rows(text)]
    ended = (f"{name} {' '.join(rest[1:])}" for name, *rest in rows if rest[:1] == [_GIVEN_UP])
    limited = (name for name, *rest in rows if rest[:1] == [_LIMITED])
    return SupportLists(tuple(parse_ended("\n".join(ended))), tuple(parse_limited("\n".join(limited))))


def parse_ended(text: str) -> Iterator[Withdrawn]:
    """Given the list of what ended, yield its rows; one that is no row is left out."""
    for fields in _rows(text):
        try:
            name, _, day = fields[:3]
            yield Withdrawn(_pattern(name), date.fromisoformat(day))
        except ValueError:
            continue


def parse_limited(text: str) -> Iterator[re.Pattern[str]]:
    """Given the list of what is limited, yield the names."""
    for fields in _rows(text):
        try:
            yield _pattern(fields[0])
        except ValueError:
            continue


def _rows(text: str) -> Iterable[list[str]]:
    return (fields for line in text.splitlines() if not line.startswith("#") and (fields := line.split(maxsplit=4)))


def _pattern(name: str) -> re.Pattern[str]:
    """Return a name as a pattern. Of patterns only one `.*` is taken: no list makes us search for hours. Raise ValueError."""
    if name.count(".*") > 1 or len(name) > _LONGEST_NAME:
        raise ValueError(f"no name of a package: {name}")
    return re.compile(re.escape(name).replace(r"\.\*", ".*"))


def _text(context: HostView, name: str) -> str:
    path = context.path(f"{FOLDER}/{name}")
    return path.read_text("utf-8", errors="surrogateescape") if path.exists() else ""
