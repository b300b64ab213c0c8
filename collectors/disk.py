"""Room in file systems: bytes and inodes, to users and to root, and whether they can be written.

Which file systems are read is the rule of `real_file_systems`: every one that is mounted and can fill, once.
Images (squashfs, iso9660, erofs) are full and read only by nature: rules leave them out by the label `fstype`.

The mounts are the host's, not those of the agent's sandbox; one that the agent's own view lacks is "could not check".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from collectors._file_systems import KEEP_NOTHING, NOT_OURS, LeftOut, real_file_systems
from collectors._mountinfo import Mount
from collectors._mounts import InView, host_mounts
from collectors._plugin import CollectorContext, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading
from collectors._reading import CouldNotCheck, Labels, Reading
from collectors._usage import Asker, DoesNotAnswer, Usage, usage_here


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


class _Place(NamedTuple):
    """A file system to read, and what stays so while the mounts stay as they are."""

    labels: Labels
    path: Path
    read_only: float
    in_view: bool
    may_hang: bool


class DiskCollector:
    """Reads the room in every real file system. Raises CollectorError when the list of mounts cannot be read."""

    def __init__(self, options: DiskOptions, context: CollectorContext) -> None:
        self._context = context
        self._left_out = LeftOut(frozenset(options.exclude_fstypes), tuple(options.exclude_mountpoints))
        self._asker = Asker(context, options.answer_within)
        self._mounts: tuple[list[Mount], InView] = ([], set())
        self._places: list[_Place] = []

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what is known of each file system."""
        mounts = host_mounts(self._context)
        if mounts != self._mounts:  # seldom: to sort out 50 of them takes as long as to ask them
            self._mounts, self._places = mounts, self._sort_out(*mounts)
        self._asker.start_run()
        for place in self._places:
            labels = place.labels
            yield Reading("filesystem_readonly", place.read_only, "boolean", labels, at)
            if not place.in_view:
                yield CouldNotCheck(
                    "filesystem_avail_bytes", labels, "the agent's sandbox hides it; let its unit see it"
                )
                continue
            try:
                usage = self._asker.usage(place.path) if place.may_hang else usage_here(place.path)
            except (CollectorError, OSError) as error:
                if isinstance(error, DoesNotAnswer):
                    yield Reading("mount_answers", 0.0, "boolean", labels, at)
                yield CouldNotCheck("filesystem_avail_bytes", labels, str(error))
                continue
            if place.may_hang:
                yield Reading("mount_answers", 1.0, "boolean", labels, at)
            yield from _readings(usage, labels, at)

    def _sort_out(self, mounts: list[Mount], in_view: InView) -> list[_Place]:
        places = []
        for mount, may_hang in real_file_systems(mounts, self._left_out, self._context):
            labels = Labels({"mountpoint": mount.mountpoint, "device": mount.device, "fstype": mount.fstype})
            path = self._context.path(mount.mountpoint)
            seen = (str(path), mount.number) in in_view
            places.append(_Place(labels, path, float(mount.read_only), in_view=seen, may_hang=may_hang))
        return places


def _readings(usage: Usage, labels: Labels, at: float) -> Iterator[Reading]:
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
        DeclaredReading(
            "mount_answers", "boolean", _LABELS, "A network or FUSE mount answers in time; of other mounts absent."
        ),
        DeclaredReading("filesystem_readonly", "boolean", _LABELS, "Mounted read only, by intent or after an error."),
    ),
    # Where cycles are quicker than usual, for load: how full a file system is, is known well enough once a minute.
    interval=60.0,
)
