"""What Windows lists as installed programs, from the registry. Written from Microsoft's documentation, never run there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from collectors._package_lists import Package

_UNINSTALL = (
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
)


def installed_programs() -> Iterator[Package]:
    """Yield the programs that are installed for all users. Raise OSError."""
    return parse_programs(_registered())


def parse_programs(entries: Iterable[Mapping[str, str]]) -> Iterator[Package]:
    """Given the values of the keys below Uninstall, yield the programs: what has a name and is no part of another.

    >>> [one.version for one in parse_programs([{"DisplayName": "Node.js", "DisplayVersion": "20.11.1"}])]
    ['20.11.1']
    """
    for entry in entries:
        name = entry.get("DisplayName", "").strip()
        part_of_another = entry.get("SystemComponent") == "1" or "ParentKeyName" in entry
        if name and not part_of_another:
            yield Package(name, entry.get("DisplayVersion", ""), name)


def _registered() -> Iterator[Mapping[str, str]]:
    if sys.platform != "win32":  # also what tells mypy
        return
    import winreg  # noqa: PLC0415 - there is none elsewhere

    for place in _UNINSTALL:
        try:
            folder = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place)
        except FileNotFoundError:  # a 32-bit Windows has one
            continue
        with folder:
            for number in range(winreg.QueryInfoKey(folder)[0]):
                with winreg.OpenKey(folder, winreg.EnumKey(folder, number)) as key:
                    values = (winreg.EnumValue(key, index) for index in range(winreg.QueryInfoKey(key)[1]))
                    yield {name: str(value) for name, value, _ in values}
