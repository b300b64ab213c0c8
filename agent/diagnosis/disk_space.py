"""A file system runs full: what takes its room, what grew, what is held though deleted, and what is safe to clear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from agent.diagnosis._deleted import DeletedFiles, deleted_files
from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._largest import BYTES, MOST_NAMED, largest
from agent.diagnosis._look import Look
from agent.diagnosis._mount import the_mount
from agent.diagnosis._tree import walk

# A deleted file is worth a word from this share of what is used.
DELETED = 0.01
JOURNALS = ("/var/log/journal", "/run/log/journal")
# What package managers fetched and keep, only to not fetch it again.
PACKAGE_CACHES = (
    "/var/cache/apt",
    "/var/cache/dnf",
    "/var/cache/libdnf5",
    "/var/cache/yum",
    "/var/cache/zypp",
    "/var/cache/pacman/pkg",
    "/var/cache/apk",
    "/var/lib/snapd/cache",
)


def clearable(look: Look) -> Iterator[Item]:
    """Yield what the journal and the package caches take of this file system."""
    place = the_mount(look)
    device = Path(place.path).stat().st_dev
    for name, folders in (("journal_bytes", JOURNALS), ("package_cache_bytes", PACKAGE_CACHES)):
        total, whole = 0, True
        for folder in map(look.path, folders):
            try:
                if folder.is_symlink() or folder.stat().st_dev != device:
                    continue
                tree = walk(
                    str(folder), BYTES.measure, floor=1 << 62, changed_after=look.at, time_left=lambda: look.left
                )
            except FileNotFoundError:
                continue
            except PermissionError:
                whole = False
                continue
            total, whole = total + tree.total, whole and tree.whole
        yield DiagnosisFact(name=name, value=float(total), unit="bytes", whole=whole)


def room(look: Look) -> Iterator[Item]:
    """Yield who takes the room: deleted files that are still open first, then everything that has a path."""
    place = the_mount(look)
    usage = place.usage()
    used = usage.size - usage.free
    yield DiagnosisFact(name="used_bytes", value=float(used), unit="bytes")
    if usage.free > usage.available:
        yield DiagnosisFact(name="reserved_bytes", value=float(usage.free - usage.available), unit="bytes")
    held = DeletedFiles({})
    if psutil.LINUX:
        held = deleted_files(look, Path(place.path).stat().st_dev)
        yield from _deleted(held, used)
    else:
        yield Unseen(what="deleted files that are open", reason="not_available", hint="not available on this system")
    yield from largest(look, place, BYTES, used, sum(one.size for one in held.files.values()))


def _deleted(found: DeletedFiles, used: int) -> Iterator[Item]:
    files = sorted(found.files.values(), key=lambda one: one.size, reverse=True)
    total = sum(one.size for one in files)
    yield DiagnosisFact(name="deleted_open_bytes", value=float(total), unit="bytes", whole=not found.denied)
    for one in files[:MOST_NAMED]:
        if one.size >= used * DELETED:
            labels = {"program": one.process, "pid": str(one.pid), "path": one.was}
            yield DiagnosisFact(name="deleted_file_bytes", value=float(one.size), unit="bytes", labels=labels)
    if files:
        yield detail("deleted-open.txt", [f"{one.size:>16}  {one.process} (pid {one.pid})  {one.was}" for one in files])
    if found.denied:
        hint = "only root may look into the open files of others"
        yield Unseen(what="processes", reason="not_permitted", count=found.denied, hint=hint)


STEPS = (clearable, room)
