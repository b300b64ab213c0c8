"""Arrays of disks that go on without one of them: Linux RAID, btrfs, ZFS; whether each is whole.

All of it is what the kernel tells everybody: `/sys/block/*/md` (Documentation/admin-guide/md.rst, which has what
`/proc/mdstat` has, in files of one value each), `/sys/fs/btrfs/*/devinfo`, `/proc/spl/kstat/zfs/*/state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._reading import CouldNotCheck, Reading

WHOLE, DEGRADED, FAILED = 0.0, 1.0, 2.0

# Without all of its devices an array is not started, or its personality is gone; `clear` is one that was stopped on purpose.
_MD_STATES = {"inactive": FAILED, "broken": FAILED}
_REBUILDS = frozenset({"recover", "resync", "reshape"})
_ZFS_STATES = {"ONLINE": WHOLE, "DEGRADED": DEGRADED, "FAULTED": FAILED, "UNAVAIL": FAILED, "SUSPENDED": FAILED}


class ArraysOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the arrays collector."""


class ArraysCollector:
    """Reads the state of each array. Raises NotSupported where there is none."""

    def __init__(self, _options: ArraysOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield whether each array is whole, and whether Linux rebuilds one."""
        found = [
            *self._found("md", "/sys/block/md*", "md", _md_state),
            *self._found("btrfs", "/sys/fs/btrfs/*", "devinfo", _btrfs_state),
            *self._found("zfs", "/proc/spl/kstat/zfs/*", "state", _zfs_state),
        ]
        if not found:
            raise NotSupported("this host has no array of disks that the kernel makes (Linux RAID, btrfs, ZFS)")
        for kind, place, state in found:
            labels = {"array": _name(place), "kind": kind}
            try:
                value = state(place)
                rebuilding = kind == "md" and _optional(place / "sync_action") in _REBUILDS
            except (OSError, ValueError) as error:
                yield CouldNotCheck("array_state", labels, str(error))
                continue
            yield Reading("array_state", value, "count", labels, at)
            yield Reading("array_rebuilding", float(rebuilding), "boolean", labels, at)

    def _found(
        self, kind: str, arrays: str, tells: str, state: Callable[[Path], float]
    ) -> Iterator[tuple[str, Path, Callable[[Path], float]]]:
        folder, _, names = arrays.rpartition("/")
        # Not by one pattern: that looks at every block device, were there a hundred of them, whether it is a folder.
        for array in sorted(self._context.path(folder).glob(names)):
            place = array / tells
            if place.exists() and (kind != "btrfs" or len(list(place.iterdir())) > 1):  # one device is no array
                yield kind, place, state


def _name(place: Path) -> str:
    """Return what people call it: btrfs by its label if it has one, else by its id."""
    return _optional(place.parent / "label") or place.parent.name


def _md_state(place: Path) -> float:
    state = _text(place / "array_state")
    if state in _MD_STATES:
        return _MD_STATES[state]
    missing = int(_optional(place / "degraded") or 0)  # levels without redundancy have no such file
    return DEGRADED if missing else WHOLE


def _btrfs_state(place: Path) -> float:
    missing = [_text(device / "missing") for device in place.iterdir()]
    if not set(missing) <= {"0", "1"}:
        raise ValueError(f"{place}: a device is neither missing nor there: {missing}")
    return DEGRADED if "1" in missing else WHOLE


def _zfs_state(place: Path) -> float:
    state = _text(place)
    if state not in _ZFS_STATES:
        raise ValueError(f"{place}: the state {state[:40]!r} is not known here")
    return _ZFS_STATES[state]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape").strip()


def _optional(path: Path) -> str:
    try:
        return _text(path)
    except FileNotFoundError:
        return ""


_LABELS = ("array", "kind")
PLUGIN = CollectorPlugin(
    name="arrays",
    summary="Whether arrays of disks (Linux RAID, btrfs, ZFS) are whole.",
    options=ArraysOptions,
    build=ArraysCollector,
    readings=(
        DeclaredReading("array_state", "count", _LABELS, "0 whole, 1 works without one of its disks, 2 does not work."),
        DeclaredReading("array_rebuilding", "boolean", _LABELS, "Data is being put onto a new disk (Linux RAID)."),
    ),
    interval=300.0,
)
