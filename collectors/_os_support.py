"""Until when a release of an operating system is supported, by the sources a host has. Pure.

Paid extensions (Debian ELTS, Ubuntu Pro, extended support) do not count: nobody has them unasked.
"""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterable
from datetime import date

import msgspec

from collectors._catalogue import Catalogue

#: ID of os-release(5), or what Python calls the platform, to the products in the catalogue that it may be, the likelier first
SYSTEMS = {
    "almalinux": ("almalinux",),
    "alpine": ("alpine-linux",),
    "amzn": ("amazon-linux",),
    "centos": ("centos-stream", "centos"),
    "darwin": ("macos",),
    "debian": ("debian",),
    "devuan": ("devuan",),
    "fedora": ("fedora",),
    "linuxmint": ("linuxmint",),
    "ol": ("oracle-linux",),
    "opensuse-leap": ("opensuse",),
    "raspbian": ("debian",),
    "rhel": ("rhel",),
    "rocky": ("rocky-linux",),
    "sl-micro": ("suse-linux-micro",),
    "sled": ("sles",),
    "sles": ("sles",),
    "ubuntu": ("ubuntu",),
    "windows": ("windows",),
    "windows-server": ("windows-server",),
}
#: they have a version and no end: tomorrow's is the same release
ROLLING = frozenset({"arch", "endeavouros", "gentoo", "manjaro", "opensuse-tumbleweed", "void"})


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
        if (row.get("version") or "").removesuffix(" LTS") == version:
            return Support(_day(row.get("eol")), _day(row.get("eol-lts")))
    return Support()


def from_os_release(release: dict[str, str]) -> Support:
    """Given os-release's assignments, return the SUPPORT_END in them."""
    return Support(_day(release.get("SUPPORT_END")))


def from_catalogue(catalogue: Catalogue, system: str, version: str) -> Support:
    """Given the catalogue, return what it says of the release of the system that os-release(5) calls `system`."""
    for slug in SYSTEMS.get(system, ()):
        found = catalogue.release(slug, version)
        if found:
            end = found[1].end
            return Support(None if isinstance(end, bool) else end, found[1].long_term)
    return Support()


def combine(sources: Iterable[Support]) -> Support:
    """Given sources from most to least trusted, return the first word on each date."""
    known = list(sources)
    return Support(
        next((source.regular for source in known if source.regular), None),
        next((source.long_term for source in known if source.long_term), None),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
