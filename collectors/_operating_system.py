"""What the host's operating system calls itself, and until when it is supported."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import psutil

from collectors._os_support import Support, combine, from_distro_info, from_os_release, from_table, parse_os_release
from collectors._plugin import CollectorContext, CollectorError
from collectors._reading import CouldNotCheck, Reading

_END = "os_support_end_timestamp_seconds"
_TABLE = Path(__file__).parent / "data" / "os_support.toml"


def operating_system_readings(context: CollectorContext, at: float) -> Iterator[Reading | CouldNotCheck]:
    """Yield release and end of support; a rolling release, which has no VERSION_ID, has none."""
    try:
        release = _release(context)
        system, version = release["ID"], release.get("VERSION_ID", "")
        support = _support(context, release) if version else Support()
    except (CollectorError, OSError, ValueError) as error:
        yield CouldNotCheck(_END, {}, f"os-release or distro-info-data cannot be read: {error}")
        return
    name = release.get("PRETTY_NAME") or release.get("NAME") or system
    yield Reading("os_release_info", 1.0, "info", {"id": system, "version": version, "name": name}, at)
    labels = {"id": system, "version": version}
    if version and support.last_day is None:
        yield CouldNotCheck(
            _END, labels, f"no end of support is known for {name}; install distro-info-data, or update the agent"
        )
    for reading, day in ((_END, support.last_day), ("os_regular_support_end_timestamp_seconds", support.regular)):
        if day is not None:
            yield Reading(reading, datetime.combine(day, time(), UTC).timestamp(), "timestamp", labels, at)


def _release(context: CollectorContext) -> dict[str, str]:
    if psutil.LINUX:
        text = _text(context, "/etc/os-release") or _text(context, "/usr/lib/os-release")
        if not text:
            raise CollectorError("the system says nowhere what it is: there is no os-release file")
        return {"ID": "linux", **parse_os_release(text)}  # os-release(5) names the default
    version = platform.mac_ver()[0] or platform.release()
    return {"ID": platform.system().lower(), "VERSION_ID": version, "NAME": f"{platform.system()} {version}"}


def _support(context: CollectorContext, release: dict[str, str]) -> Support:
    system, version = release["ID"], release["VERSION_ID"]
    return combine(
        [
            from_distro_info(_text(context, f"/usr/share/distro-info/{Path(system).name}.csv"), version),
            from_os_release(release),
            from_table(_TABLE.read_text(encoding="utf-8"), system, version),
        ]
    )


def _text(context: CollectorContext, absolute: str) -> str:
    path = context.path(absolute)
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
