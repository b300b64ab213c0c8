"""The system's software: release and end of support, the kernel that runs against the one installed, a pending reboot.

End of support comes from distro-info-data where installed, else os-release's SUPPORT_END, else the support catalogue.
A rolling release (no VERSION_ID) has none. What packages say is read again only when one of the files they change has changed.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

import msgspec

from collectors._catalogue import KEPT
from collectors._changed import Fingerprint, fingerprint
from collectors._kernels import installed_kernels, is_outdated
from collectors._operating_system import operating_system_readings
from collectors._plugin import CollectorContext, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._reading import CouldNotCheck, Reading
from collectors._reboot import REBOOT_REQUIRED, reboot_required

Item = Reading | CouldNotCheck
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
        self, _options: SoftwareOptions, context: CollectorContext, running: Callable[[], str] | None = None
    ) -> None:
        self._context = context
        self._running = running or platform.release
        self._seen: Fingerprint = []
        self._known: list[Reading] = []

    def collect(self, at: float) -> Iterator[Item]:
        """Yield what the host's files and package database say."""
        seen = self._fingerprint()
        if not self._known or seen != self._seen:
            items = [
                *operating_system_readings(self._context, at),
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

    def _fingerprint(self) -> Fingerprint:
        return fingerprint([self._context.kept(KEPT), *map(self._context.path, SOURCES)])

    def _kernel(self, at: float) -> Iterator[Item]:
        yield Reading("kernel_running_info", 1.0, "info", {"release": self._running()}, at)
        yield from _boolean(
            "kernel_outdated", lambda: is_outdated(self._running(), installed_kernels(self._context)), at
        )


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
