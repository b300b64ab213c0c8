"""What the host's operating system calls itself, and until when it is supported."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
import psutil

from collectors._catalogue import known_catalogue
from collectors._os_support import (
    ROLLING,
    Support,
    combine,
    from_catalogue,
    from_distro_info,
    from_os_release,
    parse_os_release,
)
from collectors._plugin import CollectorError, HostView
from collectors._reading import CouldNotCheck, Reading
from collectors._windows_release import windows_release

_END = "os_support_end_timestamp_seconds"


class OperatingSystem(msgspec.Struct, frozen=True):
    """The release that runs. id, version: as os-release(5) has them; a rolling release has no version that could end."""

    id: str
    version: str
    name: str
    support: Support


def operating_system(context: HostView) -> OperatingSystem:
    """Return what runs. Raise CollectorError (OSError, ValueError) when what says it cannot be read."""
    release = _release(context)
    system = release["ID"]
    version = "" if system in ROLLING else release.get("VERSION_ID", "")
    name = release.get("PRETTY_NAME") or release.get("NAME") or system
    return OperatingSystem(system, version, name, _support(context, release) if version else Support())


def operating_system_readings(context: HostView, at: float) -> Iterator[Reading | CouldNotCheck]:
    """Yield release and end of support; a rolling release has none."""
    try:
        system = operating_system(context)
    except (CollectorError, OSError, ValueError) as error:
        yield CouldNotCheck(_END, {}, f"os-release or distro-info-data cannot be read: {error}")
        return
    labels = {"id": system.id, "version": system.version}
    yield Reading("os_release_info", 1.0, "info", {**labels, "name": system.name}, at)
    support = system.support
    if system.version and support.last_day is None:
        cure = "install distro-info-data, or renew the support catalogue"
        yield CouldNotCheck(_END, labels, f"no end of support is known for {system.name}; {cure}")
    for reading, day in ((_END, support.last_day), ("os_regular_support_end_timestamp_seconds", support.regular)):
        if day is not None:
            yield Reading(reading, midnight(day), "timestamp", labels, at)


def midnight(day: date) -> float:
    """Return the unix seconds at which the day begins in UTC."""
    return datetime.combine(day, time(), UTC).timestamp()


def _release(context: HostView) -> dict[str, str]:
    if psutil.LINUX:
        text = _text(context, "/etc/os-release") or _text(context, "/usr/lib/os-release")
        if not text:
            raise CollectorError("the system says nowhere what it is: there is no os-release file")
        return {"ID": "linux", **parse_os_release(text)}  # os-release(5) names the default
    if psutil.WINDOWS:
        return windows_release()
    version = platform.mac_ver()[0] or platform.release()
    return {"ID": platform.system().lower(), "VERSION_ID": version, "NAME": f"{platform.system()} {version}"}


def _support(context: HostView, release: dict[str, str]) -> Support:
    system, version = release["ID"], release["VERSION_ID"]
    return combine(
        [
            from_distro_info(_text(context, f"/usr/share/distro-info/{Path(system).name}.csv"), version),
            from_os_release(release),
            from_catalogue(known_catalogue(context)[0], system, version),
        ]
    )


def _text(context: HostView, absolute: str) -> str:
    path = context.path(absolute)
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
