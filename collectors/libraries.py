"""Services that still use libraries which an update has replaced: for them the update has not happened yet.

A process maps the file that it opened; when that file is replaced, the kernel calls the mapping deleted. How many processes may
not be seen is told too: where that is so and nothing was found, nothing is said, for it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from collectors._plugin import (
    CollectorContext,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    HostView,
    NotSupported,
)
from collectors._reading import Reading

_NAME = "services_with_deleted_libraries"
# Code that was mapped from a library below a system folder, and is not there under that name any more.
_DELETED = re.compile(rb"^\S+ r-xp \S+ \S+ \d+ +(/(?:usr/)?lib\S*/\S+|/opt/\S+/lib\S*/\S+) \(deleted\)$")
_UNIT = re.compile(r"([^/]+\.(?:service|scope))")
_LONGEST_LINE = 1 << 13  # bytes
MOST_PROCESSES = 50_000


class LibrariesCollector:
    """Reads the mappings of every process that may be seen."""

    def __init__(self, _options: CollectorOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading]:
        """Yield how many services use deleted libraries, and of how many processes it could not be seen."""
        services, unseen = services_with_deleted_libraries(self._context)
        yield Reading("processes_with_unseen_libraries", float(unseen), "count", {}, at)
        if services or not unseen:
            yield Reading(_NAME, float(len(services)), "count", {}, at)


def services_with_deleted_libraries(context: HostView) -> tuple[set[str], int]:
    """Return the services (a process without one goes by its name), and how many processes may not be seen."""
    folder = context.path("/proc")
    if not folder.exists():
        raise NotSupported("this system shows no mappings of processes")
    processes = [path for path in folder.iterdir() if path.name.isdecimal()]
    if not processes:  # not even this one: nothing found would be no good news
        raise FileNotFoundError(f"{folder} shows no process at all; is it mounted?")
    services, unseen = set(), 0
    for process in processes[:MOST_PROCESSES]:
        try:
            if _uses_deleted(process / "maps"):
                services.add(_service(process))
        except PermissionError:
            unseen += 1
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
    return services, unseen


def _uses_deleted(maps: Path) -> bool:
    with maps.open("rb") as file:
        return any(_DELETED.match(line.rstrip(b"\n")) for line in iter(lambda: file.readline(_LONGEST_LINE), b""))


def _service(process: Path) -> str:
    units = _UNIT.findall((process / "cgroup").read_text("utf-8", errors="replace"))
    return units[-1] if units else (process / "comm").read_text("utf-8", errors="replace").strip()


PLUGIN = CollectorPlugin(
    name="libraries",
    summary="Services that still use libraries which an update has replaced.",
    options=CollectorOptions,
    build=LibrariesCollector,
    readings=(
        DeclaredReading(
            _NAME,
            "count",
            (),
            "Services that run code of libraries which are not installed any more; at least so many, and absent where "
            "none was found and not all could be seen.",
        ),
        DeclaredReading(
            "processes_with_unseen_libraries", "count", (), "Processes of which the agent may not see what they use."
        ),
    ),
    interval=3600.0,
    deadline=60.0,
)
