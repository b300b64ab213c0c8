"""The package managers a host may have: where each keeps what is installed, and how that is read."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from collectors._package_lists import (
    MOST_PACKAGES,
    RPM_FORMAT,
    Package,
    parse_apk_installed,
    parse_dpkg_status,
    parse_pacman_folders,
    parse_rpm,
)
from collectors._plugin import CollectorError, HostView
from collectors._windows_programs import installed_programs

DPKG_STATUS = "/var/lib/dpkg/status"
RPM = "/usr/bin/rpm"
RPM_DATABASES = tuple(
    f"{folder}/{file}"
    for folder in ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
    for file in ("rpmdb.sqlite", "Packages.db", "Packages")
)
APK_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
PACMAN_FOLDER = "/var/lib/pacman/local"
_PREFIXES = ("/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew")
HOMEBREW_FOLDERS = tuple(f"{prefix}/{kind}" for prefix in _PREFIXES for kind in ("Cellar", "Caskroom"))
_LONGEST_LINE = 1 << 16  # characters; a line beyond is read in pieces, so that a damaged file does not fill the memory


class PackageManager(msgspec.Struct, frozen=True):
    """One package manager. places: the files and folders that change with what is installed; without any it is not there."""

    name: str
    places: tuple[str, ...]
    read: Callable[[HostView, list[Path]], Iterator[Package]]

    def present(self, context: HostView) -> list[Path]:
        """Return those of its places that the host has, and lets us see."""
        return [path for path in map(context.path, self.places) if os.access(path, os.F_OK)]

    def installed(self, context: HostView) -> Iterator[Package]:
        """Yield what is installed. Raise CollectorError or OSError when it cannot be read, or is too much."""
        packages = self.read(context, self.present(context))
        yield from itertools.islice(packages, MOST_PACKAGES)
        if next(packages, None):
            raise CollectorError(f"{self.name} lists more than {MOST_PACKAGES} packages")


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        yield from iter(partial(file.readline, _LONGEST_LINE), "")


def _dpkg(_: HostView, present: list[Path]) -> Iterator[Package]:
    for path in present:
        yield from parse_dpkg_status(_lines(path))


def _apk(_: HostView, present: list[Path]) -> Iterator[Package]:
    for path in present[:1]:
        yield from parse_apk_installed(_lines(path))


def _rpm(context: HostView, _: list[Path]) -> Iterator[Package]:
    """Ask rpm: its headers are a format of its own, in any of three databases."""
    answer = context.run([RPM, "-qa", "--qf", RPM_FORMAT], timeout=60)
    if answer.status != 0 or answer.truncated:
        raise CollectorError(f"rpm -qa failed: {answer.errors.strip() or 'its answer is too long'}")
    yield from parse_rpm(answer.output.splitlines())


def _pacman(_: HostView, present: list[Path]) -> Iterator[Package]:
    for folder in present:
        yield from parse_pacman_folders(path.name for path in folder.iterdir())


def _homebrew(_: HostView, present: list[Path]) -> Iterator[Package]:
    for folder in present:
        for formula in folder.iterdir():
            if formula.is_dir() and not formula.name.startswith("."):
                for version in formula.iterdir():
                    if not version.name.startswith("."):
                        yield Package(formula.name, version.name, formula.name)


def _windows(_: HostView, _present: list[Path]) -> Iterator[Package]:
    return installed_programs()


PACKAGE_MANAGERS = (
    PackageManager("dpkg", (DPKG_STATUS,), _dpkg),
    PackageManager("rpm", RPM_DATABASES, _rpm),
    PackageManager("apk", APK_DATABASES, _apk),
    PackageManager("pacman", (PACMAN_FOLDER,), _pacman),
    PackageManager("homebrew", HOMEBREW_FOLDERS, _homebrew),
    PackageManager("windows", ("C:/Windows/System32/config/SOFTWARE",), _windows),
)
