"""Errors that file systems have met and counted: ext4 its own, btrfs those of each of its devices.

Both are kept on the disk itself, over boots, until somebody repairs it (e2fsck) or sets them back (`btrfs device stats -z`).
What the devices say of themselves is read by `smart`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors._kernel_files import kernel_text
from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._reading import CouldNotCheck, Reading

EXT4 = "/sys/fs/ext4"
BTRFS = "/sys/fs/btrfs"


class DiskErrorsOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the disk_errors collector."""


def parse_btrfs_stats(text: str) -> dict[str, int]:
    r"""Given a btrfs device's `error_stats`, return its counts by kind. Raise ValueError when it is not one.

    >>> parse_btrfs_stats("write_errs 0\nread_errs 2\n")
    {'write_errs': 0, 'read_errs': 2}
    """
    counts = {kind: int(count) for kind, count in (line.split() for line in text.splitlines())}
    if not counts:
        raise ValueError("it is empty")
    return counts


class DiskErrorsCollector:
    """Reads what file systems counted. Raises NotSupported where none counts."""

    def __init__(self, _options: DiskErrorsOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield one count for each ext4 file system, and one for each device and kind of error of btrfs."""
        ext4 = sorted(self._context.path(EXT4).glob("*/errors_count"))
        btrfs = sorted(self._context.path(BTRFS).glob("*/devinfo/*/error_stats"))
        if not ext4 and not btrfs:
            raise NotSupported("no file system here counts its errors (ext4 and, since Linux 5.14, btrfs do)")
        for path in ext4:
            labels = {"device": path.parent.name, "kind": "ext4"}
            try:
                count = int(kernel_text(path))
            except (OSError, ValueError) as error:
                yield CouldNotCheck("filesystem_errors_total", labels, f"{path}: {error}")
            else:
                yield Reading("filesystem_errors_total", float(count), "count", labels, at)
        for path in btrfs:
            yield from _of_btrfs(path, at)


def _of_btrfs(path: Path, at: float) -> Iterator[Reading | CouldNotCheck]:
    device = f"{path.parent.parent.parent.name}/{path.parent.name}"
    try:
        counts = parse_btrfs_stats(kernel_text(path))
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or not _is_missing(path):
            yield CouldNotCheck("filesystem_errors_total", {"device": device}, f"{path}: {error}")
        return
    for kind, count in counts.items():
        labels = {"device": device, "kind": f"btrfs {kind}"}
        yield Reading("filesystem_errors_total", float(count), "count", labels, at)


def _is_missing(path: Path) -> bool:
    """Return whether the device is gone: then it has no counts, and `arrays` tells of it."""
    try:
        return kernel_text(path.parent / "missing").strip() == "1"
    except OSError:
        return False


PLUGIN = CollectorPlugin(
    name="disk_errors",
    summary="Errors that file systems have met and counted (ext4, btrfs).",
    options=DiskErrorsOptions,
    build=DiskErrorsCollector,
    readings=(
        DeclaredReading(
            "filesystem_errors_total", "count", ("device", "kind"), "Errors counted on the disk since its last repair."
        ),
    ),
    interval=300.0,
)
