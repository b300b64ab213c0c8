"""Room in file systems: bytes and inodes, to users and to root, and whether they can be written.

Which file systems are read is the rule of `real_file_systems`: every one that is mounted and can fill, once.
Images (squashfs, iso9660, erofs) are full and read only by nature: rules leave them out by the label `fstype`.

The mounts are the host's, not those of the agent's sandbox; one that the agent's own view lacks is "could not check".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from collectors._file_systems import KEEP_NOTHING, NOT_OURS, LeftOut, real_file_systems
from collectors._mounts import host_mounts
from collectors._plugin import CollectorContext, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._reading import CouldNotCheck, Reading
from collectors._usage import Asker, Usage, usage_here


class DiskOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the disk collector."""

    exclude_fstypes: Annotated[
        list[str], msgspec.Meta(description="Types of file system to leave out; by default those that keep nothing.")
    ] = msgspec.field(default_factory=KEEP_NOTHING.copy)
    exclude_mountpoints: Annotated[
        list[str], msgspec.Meta(description="Mount points to leave out, as shell patterns (`*` matches `/` too).")
    ] = msgspec.field(default_factory=NOT_OURS.copy)
    answer_within: Annotated[
        float,
        msgspec.Meta(gt=0, le=4, extra={"duration": True}, description="Time a network or FUSE mount has to answer."),
    ] = 2.0


class DiskCollector:
    """Reads the room in every real file system. Raises CollectorError when the list of mounts cannot be read."""

    def __init__(self, options: DiskOptions, context: CollectorContext) -> None:
        self._context = context
        self._left_out = LeftOut(frozenset(options.exclude_fstypes), tuple(options.exclude_mountpoints))
        self._asker = Asker(context, options.answer_within)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what is known of each file system."""
        mounts, in_view = host_mounts(self._context)
        self._asker.start_run()
        for mount, may_hang in real_file_systems(mounts, self._left_out, self._context):
            labels = {"mountpoint": mount.mountpoint, "device": mount.device, "fstype": mount.fstype}
            yield Reading("filesystem_readonly", float(mount.read_only), "boolean", labels, at)
            path = self._context.path(mount.mountpoint)
            if (str(path), mount.number) not in in_view:
                yield CouldNotCheck(
                    "filesystem_avail_bytes", labels, "the agent's sandbox hides it; let its unit see it"
                )
                continue
            try:
                usage = self._asker.usage(path) if may_hang else usage_here(path)
            except (CollectorError, OSError) as error:
                yield CouldNotCheck("filesystem_avail_bytes", labels, str(error))
            else:
                yield from _readings(usage, labels, at)


def _readings(usage: Usage, labels: dict[str, str], at: float) -> Iterator[Reading]:
    if usage.size:
        yield Reading("filesystem_avail_bytes", float(usage.available), "bytes", labels, at)
        yield Reading("filesystem_free_bytes", float(usage.free), "bytes", labels, at)
        yield Reading("filesystem_size_bytes", float(usage.size), "bytes", labels, at)
    if usage.size and usage.files:
        yield Reading("filesystem_files", float(usage.files), "count", labels, at)
        yield Reading("filesystem_files_free", float(usage.files_free), "count", labels, at)


_LABELS = ("mountpoint", "device", "fstype")
PLUGIN = CollectorPlugin(
    name="disk",
    summary="Room in file systems, in bytes and inodes, and whether they can be written.",
    options=DiskOptions,
    build=DiskCollector,
    readings=(
        DeclaredReading("filesystem_avail_bytes", "bytes", _LABELS, "Room left to users other than root."),
        DeclaredReading("filesystem_free_bytes", "bytes", _LABELS, "Room left to root, reserved blocks included."),
        DeclaredReading("filesystem_size_bytes", "bytes", _LABELS, "Size of the file system."),
        DeclaredReading("filesystem_files", "count", _LABELS, "Inodes; absent where not fixed (btrfs, vfat)."),
        DeclaredReading("filesystem_files_free", "count", _LABELS, "Free inodes; absent like filesystem_files."),
        DeclaredReading("filesystem_readonly", "boolean", _LABELS, "Mounted read only, by intent or after an error."),
    ),
)
