"""Until when a release of an operating system is supported, by the sources a host has. Pure.

Paid extensions (Debian ELTS, Ubuntu Pro, extended support) do not count: nobody has them unasked.
"""

from __future__ import annotations

import csv
import shlex
import tomllib
from collections.abc import Iterable
from datetime import date

import msgspec


class Support(msgspec.Struct, frozen=True):
    """The last days of regular support and of free long-term support, each None where a source does not say."""

    regular: date | None = None
    long_term: date | None = None

    @property
    def last_day(self) -> date | None:
        """The day that counts: after it nobody mends the release without being paid for it."""
        return self.long_term or self.regular


def parse_os_release(text: str) -> dict[str, str]:
    """Given os-release(5), return its assignments. Raise ValueError when one is not."""
    assignments = (line.partition("=") for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {key: "".join(shlex.split(value)) for key, _, value in assignments}


def from_distro_info(text: str, version: str) -> Support:
    """Given a table of distro-info-data ("12" or "24.04 LTS" under `version`), return what it says of `version`."""
    for row in csv.DictReader(text.splitlines()):
        if row["version"].removesuffix(" LTS") == version:
            return Support(_day(row.get("eol")), _day(row.get("eol-lts")))
    return Support()


def from_os_release(release: dict[str, str]) -> Support:
    """Given os-release's assignments, return the SUPPORT_END in them."""
    return Support(_day(release.get("SUPPORT_END")))


def from_table(text: str, system: str, version: str) -> Support:
    """Given the shipped table, return what it says of the longest dotted prefix of `version` ("9.4", then "9")."""
    releases = tomllib.loads(text).get(system, {}).get("releases", {})
    while version and version not in releases:
        version = version.rpartition(".")[0]
    return msgspec.convert(releases.get(version, {}), Support)


def combine(sources: Iterable[Support]) -> Support:
    """Given sources from most to least trusted, return the first word on each date."""
    known = list(sources)
    return Support(
        next((source.regular for source in known if source.regular), None),
        next((source.long_term for source in known if source.long_term), None),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
