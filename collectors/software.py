"""The system's software: release and end of support, the kernel that runs against the one installed, a pending reboot.

End of support comes from distro-info-data where installed, else os-release's SUPPORT_END, else a dated table shipped here.
A rolling release (no VERSION_ID) has none. What packages say is read again only when one of the files they change has changed.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import msgspec
import psutil

from collectors import _os_support
from collectors._kernels import installed_kernels, is_outdated
from collectors._plugin import CollectorContext, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._reading import CouldNotCheck, Reading
from collectors._reboot import REBOOT_REQUIRED, reboot_required

Item = Reading | CouldNotCheck
SUPPORT_TABLE = Path(__file__).parent / "data" / "os_support.toml"
SOURCES = (
    *(
        "/etc/os-release",
        "/usr/lib/os-release",
        "/usr/share/distro-info/debian.csv",
        "/usr/share/distro-info/ubuntu.csv",
    ),
    *("/boot", "/var/lib/dpkg/info", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite"),
    *("/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/Packages.db", REBOOT_REQUIRED),
)


class SoftwareOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the software collector."""


class SoftwareCollector:
    """Reads release, support, kernel and pending reboot. `running` returns the running kernel's release, replaced in tests."""

    def __init__(
        self, _options: SoftwareOptions, context: CollectorContext, running: Callable[[], str] = platform.release
    ) -> None:
        self._context = context
        self._running = running
        self._seen: list[tuple[str, int, int]] = []
        self._known: list[Reading] = []

    def collect(self, at: float) -> Iterator[Item]:
        """Yield what the host's files and package database say."""
        seen = list(self._fingerprint())
        if not self._known or seen != self._seen:
            items = [
                *self._support(at),
                *self._kernel(at),
                *_boolean("reboot_required", lambda: reboot_required(self._context), at),
            ]
            readings = [item for item in items if isinstance(item, Reading)]
            yield from (item for item in items if isinstance(item, CouldNotCheck))
            self._known = readings if len(readings) == len(items) else []  # what failed is tried again
            self._seen = seen
        else:
            readings = self._known
        for reading in readings:
            yield msgspec.structs.replace(reading, at=at)

    def _fingerprint(self) -> Iterator[tuple[str, int, int]]:
        for source in SOURCES:
            path = self._context.path(source)
            if path.exists():
                status = path.stat()
                yield source, status.st_mtime_ns, status.st_size

    def _support(self, at: float) -> Iterator[Item]:
        release = self._release()
        system, version = release.get("ID", "linux"), release.get("VERSION_ID", "")
        name = release.get("PRETTY_NAME") or release.get("NAME") or system
        yield Reading("os_release_info", 1.0, "info", {"id": system, "version": version, "name": name}, at)
        if not version:
            return
        support = _os_support.combine(
            [
                _os_support.from_distro_info(self._text(f"/usr/share/distro-info/{Path(system).name}.csv"), version),
                _os_support.from_os_release(release),
                _os_support.from_table(SUPPORT_TABLE.read_text(encoding="utf-8"), system, version),
            ]
        )
        labels = {"id": system, "version": version}
        if support.last_day is None:
            reason = f"no end of support is known for {name}; install distro-info-data, or update the agent"
            yield CouldNotCheck("os_support_end_timestamp_seconds", labels, reason)
            return
        for reading, day in (
            ("os_support_end_timestamp_seconds", support.last_day),
            ("os_regular_support_end_timestamp_seconds", support.regular),
        ):
            if day is not None:
                midnight = datetime.combine(day, time(), UTC).timestamp()
                yield Reading(reading, midnight, "timestamp", labels, at)

    def _release(self) -> dict[str, str]:
        if psutil.LINUX:
            text = self._text("/etc/os-release") or self._text("/usr/lib/os-release")
            if not text:
                raise CollectorError("this system says nowhere what it is: there is no os-release file")
            return _os_support.parse_os_release(text)
        version = platform.mac_ver()[0] or platform.release()
        return {"ID": platform.system().lower(), "VERSION_ID": version, "NAME": f"{platform.system()} {version}"}

    def _kernel(self, at: float) -> Iterator[Item]:
        yield Reading("kernel_running_info", 1.0, "info", {"release": self._running()}, at)
        yield from _boolean(
            "kernel_outdated", lambda: is_outdated(self._running(), installed_kernels(self._context)), at
        )

    def _text(self, absolute: str) -> str:
        path = self._context.path(absolute)
        return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""


def _boolean(name: str, ask: Callable[[], bool | None], at: float) -> Iterator[Item]:
    try:
        answer = ask()
    except (CollectorError, OSError) as error:
        yield CouldNotCheck(name, {}, str(error))
        return
    if answer is not None:
        yield Reading(name, float(answer), "boolean", {}, at)


PLUGIN = CollectorPlugin(
    name="software",
    summary="Release and end of support of the system, the running kernel, a pending reboot.",
    options=SoftwareOptions,
    build=SoftwareCollector,
    readings=(
        DeclaredReading("os_release_info", "info", ("id", "version", "name"), "What the system calls itself."),
        DeclaredReading(
            "os_support_end_timestamp_seconds",
            "timestamp",
            ("id", "version"),
            "Last day (midnight UTC) of the distributor's last free support: regular, or long-term where there is one.",
        ),
        DeclaredReading(
            "os_regular_support_end_timestamp_seconds",
            "timestamp",
            ("id", "version"),
            "Last day (midnight UTC) of regular support; what follows may cover fewer packages.",
        ),
        DeclaredReading("kernel_running_info", "info", ("release",), "The running kernel, as `uname -r` says."),
        DeclaredReading(
            "kernel_outdated",
            "boolean",
            (),
            "A newer kernel of the same flavour is installed; absent where no package owns the running one.",
        ),
        DeclaredReading(
            "reboot_required",
            "boolean",
            (),
            "Packages ask for a reboot; absent where nothing on the host would say so.",
        ),
    ),
    interval=6 * 3600.0,
    deadline=60.0,
)
