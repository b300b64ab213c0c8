"""What package managers write down about installed packages, as text. Pure, and never raises: a damaged entry is no package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

MOST_PACKAGES = 100_000
_PRESENT = frozenset({"installed", "triggers-awaited", "triggers-pending"})
_RPM_FIELDS = 2
#: for `rpm -qa --qf`: a package a line
RPM_FORMAT = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"


class Package(msgspec.Struct, frozen=True):
    """An installed package. version: as its manager writes it. source: the name of what it was built from."""

    name: str
    version: str
    source: str


def parse_dpkg_status(lines: Iterable[str]) -> Iterator[Package]:
    """Given `/var/lib/dpkg/status` (deb822), yield what is installed; removed packages that left configuration are not."""
    for entry in _entries(lines, ": ", frozenset({"Package", "Status", "Version", "Source"})):
        name, version = entry.get("Package", ""), entry.get("Version", "")
        if name and version and entry.get("Status", "").rpartition(" ")[2] in _PRESENT:
            yield Package(name, version, entry.get("Source", name).partition(" ")[0])


def parse_apk_installed(lines: Iterable[str]) -> Iterator[Package]:
    """Given apk's installed database (a letter a field), yield what is installed."""
    for entry in _entries(lines, ":", frozenset({"P", "V", "o"})):
        name, version = entry.get("P", ""), entry.get("V", "")
        if name and version:
            yield Package(name, version, entry.get("o", name))


def parse_rpm(lines: Iterable[str]) -> Iterator[Package]:
    """Given rpm's answer to RPM_FORMAT, yield what is installed. A key of a repository (`gpg-pubkey`) is no package."""
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if len(fields) == _RPM_FIELDS and all(fields) and fields[0] != "gpg-pubkey":
            yield Package(fields[0], fields[1], fields[0])


def parse_pacman_folders(names: Iterable[str]) -> Iterator[Package]:
    """Given the folders of pacman's local database (name-version-release), yield what is installed."""
    for folder in names:
        name, _, version = folder.rpartition("-")[0].rpartition("-")
        if name and version:
            yield Package(name, folder.removeprefix(f"{name}-"), name)


def _entries(lines: Iterable[str], separator: str, wanted: frozenset[str]) -> Iterator[dict[str, str]]:
    """Yield the wanted fields of each entry; entries end with an empty line, lines that go on with a field are left out."""
    entry: dict[str, str] = {}
    for line in lines:
        text = line.rstrip("\r\n")
        if not text:
            if entry:
                yield entry
            entry = {}
            continue
        field, found, value = text.partition(separator)
        if found and field in wanted:
            entry.setdefault(field, value.strip())
    if entry:
        yield entry
