"""Room in pools of storage, of which file systems are made: LVM thin pools, ZFS pools, and the metadata of btrfs.

A thin pool that is full stops every volume in it, whatever room they seem to have, and a btrfs without room for metadata cannot
even delete. LVM and ZFS are read by foretell-privileged, since only root may ask them; btrfs tells everybody
(`/sys/fs/btrfs/*/allocation`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
)
from collectors._privileged import MissingProgram, privileged_fact
from collectors._reading import CouldNotCheck, Reading

BTRFS = "/sys/fs/btrfs"
_SECTOR = 512  # bytes, in which the kernel tells the size of any device


class Room(msgspec.Struct, frozen=True):
    """How large a part of a pool is, and how much of it is left, in bytes."""

    pool: str
    kind: str
    part: str
    size: float
    free: float


class ThinPool(msgspec.Struct):
    """A thin pool in the words of lvs: bytes, and percent in use; an inactive one has no percentage."""

    vg_name: str
    lv_name: str
    lv_size: str
    data_percent: str = ""
    lv_metadata_size: str = ""
    metadata_percent: str = ""

    @property
    def rooms(self) -> Iterator[Room]:
        """Its two parts; either can be full. Raises ValueError when a number is none."""
        for part, size, percent in (
            ("data", self.lv_size, self.data_percent),
            ("metadata", self.lv_metadata_size, self.metadata_percent),
        ):
            if percent:
                free = float(size) * (1 - min(100.0, float(percent)) / 100)
                yield Room(f"{self.vg_name}/{self.lv_name}", "lvm thin", part, float(size), free)


class ZfsPool(msgspec.Struct):
    """A pool of ZFS as `zpool list` tells it, in bytes."""

    name: str
    size: int
    free: int


class PoolsOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the pools collector."""


class PoolsCollector:
    """Reads the room in pools. Raises NotSupported where there is none that can be read."""

    def __init__(self, _options: PoolsOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield size and room of each part of each pool."""
        items = [*self._thin(at), *self._zfs(at), *self._btrfs()]
        if not items:
            raise NotSupported("this host has no pool of LVM, ZFS or btrfs; LVM and ZFS need foretell-privileged.timer")
        for item in items:
            if isinstance(item, CouldNotCheck):
                yield item
                continue
            labels = {"pool": item.pool, "kind": item.kind, "part": item.part}
            yield Reading("pool_size_bytes", item.size, "bytes", labels, at)
            yield Reading("pool_free_bytes", item.free, "bytes", labels, at)

    def _thin(self, at: float) -> Iterator[Room | CouldNotCheck]:
        try:
            pools: list[ThinPool] = privileged_fact(self._context, "thin_pools", list[ThinPool], at)
            yield from [room for pool in pools for room in pool.rooms]
        except (NotSupported, MissingProgram):
            return  # without lvs there is no thin pool
        except (CollectorError, OSError, ValueError) as error:
            yield CouldNotCheck("pool_free_bytes", {"kind": "lvm thin"}, str(error))

    def _zfs(self, at: float) -> Iterator[Room | CouldNotCheck]:
        try:
            pools: list[ZfsPool] = privileged_fact(self._context, "zfs_pools", list[ZfsPool], at)
        except (NotSupported, MissingProgram):
            return
        except (CollectorError, OSError) as error:
            yield CouldNotCheck("pool_free_bytes", {"kind": "zfs"}, str(error))
            return
        for pool in pools:
            yield Room(pool.name, "zfs", "data", float(pool.size), float(pool.free))

    def _btrfs(self) -> Iterator[Room | CouldNotCheck]:
        for allocation in sorted(self._context.path(BTRFS).glob("*/allocation")):
            try:
                yield btrfs_metadata(allocation.parent)
            except (OSError, ValueError, ZeroDivisionError) as error:
                labels = {"pool": allocation.parent.name, "kind": "btrfs"}
                yield CouldNotCheck("pool_free_bytes", labels, f"{allocation}: {error}")


def btrfs_metadata(folder: Path) -> Room:
    """Given a file system's folder below `/sys/fs/btrfs`, return the room for metadata: what is allocated, and may be yet.

    Raise OSError, ValueError and ZeroDivisionError where its numbers are none. Metadata kept twice takes twice the room.
    """
    sizes = [_number(device / "size") * _SECTOR for device in (folder / "devices").iterdir()]
    kinds = [kind for kind in (folder / "allocation").iterdir() if (kind / "disk_total").exists()]
    unallocated = max(0, sum(sizes) - sum(_number(kind / "disk_total") for kind in kinds))
    metadata = folder / "allocation" / "metadata"
    total = _number(metadata / "total_bytes")
    copies = _number(metadata / "disk_total") / total
    size = total + unallocated / copies
    used = _number(metadata / "bytes_used")
    label = (folder / "label").read_text("utf-8", "surrogateescape").strip() if (folder / "label").exists() else ""
    return Room(label or folder.name, "btrfs", "metadata", size, max(0.0, size - used))


def _number(path: Path) -> int:
    return int(path.read_text("ascii"))


_LABELS = ("pool", "kind", "part")
PLUGIN = CollectorPlugin(
    name="pools",
    summary="Room in LVM thin pools, ZFS pools, and for the metadata of btrfs.",
    options=PoolsOptions,
    build=PoolsCollector,
    readings=(
        DeclaredReading("pool_size_bytes", "bytes", _LABELS, "Size of the pool's part (data, metadata)."),
        DeclaredReading("pool_free_bytes", "bytes", _LABELS, "Room left in it."),
    ),
    interval=300.0,
)
