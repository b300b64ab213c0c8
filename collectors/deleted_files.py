"""Room that deleted files still take because a program holds them open: a number for each file system, and no names.

Whose files they are only root can see, so it is counted by foretell-privileged; a first diagnosis then says which program.
"""

from __future__ import annotations

from collections.abc import Iterator

from collectors._mounts import host_mounts
from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._privileged import privileged_fact
from collectors._reading import Reading


class DeletedFilesOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the deleted_files collector."""


class DeletedFilesCollector:
    """Reads what root counted. Raises NotSupported where nobody counts as root, CollectorError where that is old."""

    def __init__(self, _options: DeletedFilesOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading]:
        """Yield the bytes on each file system that has such files; one that is mounted nowhere is another container's."""
        sizes: dict[str, int] = privileged_fact(self._context, "deleted", dict[str, int], at)
        places: dict[str, str] = {}
        for mount in host_mounts(self._context)[0]:
            if mount.number not in places or len(mount.mountpoint) < len(places[mount.number]):
                places[mount.number] = mount.mountpoint
        yield Reading("deleted_files_bytes", float(sum(sizes.values())), "bytes", {"mountpoint": ""}, at)
        for number, size in sizes.items():
            if number in places:
                yield Reading("deleted_files_bytes", float(size), "bytes", {"mountpoint": places[number]}, at)


PLUGIN = CollectorPlugin(
    name="deleted_files",
    summary="Room that deleted files still take because a program holds them open, through foretell-privileged.",
    options=DeletedFilesOptions,
    build=DeletedFilesCollector,
    readings=(
        DeclaredReading(
            "deleted_files_bytes",
            "bytes",
            ("mountpoint",),
            "Room that files take which have no name any more; without a mount point: of the whole host.",
        ),
    ),
    interval=600.0,
)
