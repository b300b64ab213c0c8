"""A file system cannot be written: how it is mounted, what its driver counted, and what the kernel said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._kernel_log import TROUBLE, kernel_lines, shown, unreadable
from agent.diagnosis._look import Look
from agent.diagnosis._mount import the_mount
from collectors import CollectorError

# How ext4 tells of errors it met, since the file system was made or last checked.
_EXT4 = {"errors_count": ("filesystem_errors_total", "count"), "last_error_time": ("last_error_timestamp", "timestamp")}
# Options whose value is told; of others with a value nothing is: it may be a name, an address, a secret.
_TOLD = ("errors=", "data=", "commit=")


def mounted(look: Look) -> Iterator[Item]:
    """Yield what is mounted there and how."""
    mount = the_mount(look).mount
    labels = {"device": mount.device, "fstype": mount.fstype}
    options = (
        "read-only everywhere" if mount.read_only_everywhere else "read-only here" if mount.read_only else "writable"
    )
    yield DiagnosisFact(name="mount_state", value=options, unit="text", labels=labels)
    for source in ("/proc/1/mountinfo", "/proc/self/mountinfo"):
        try:
            text = look.path(source).read_text("utf-8", errors="surrogateescape")
        except OSError:  # not on this system, or hidden; the next one will do
            continue
        told = super_options(text, mount.number)
        yield DiagnosisFact(name="filesystem_options", value=",".join(told), unit="text", labels=labels)
        break


def super_options(mountinfo: str, number: str) -> list[str]:
    """Given a mountinfo file, return the options of the file system with this device number that may be told.

    >>> super_options("36 35 98:0 / /mnt rw shared:1 - cifs //nas/a ro,username=kim,errors=remount-ro", "98:0")
    ['ro', 'errors=remount-ro']
    """
    for line in mountinfo.split("\n"):
        if line.split(" ")[2:3] == [number]:
            options = line.rpartition(" ")[2].split(",")
            return [option for option in options if "=" not in option or option.startswith(_TOLD)]
    return []


def driver(look: Look) -> Iterator[Item]:
    """Yield the errors that the file system's driver has counted, and whether its device still works."""
    mount = the_mount(look).mount
    folder = look.path(f"/sys/dev/block/{mount.number}")
    if not folder.exists():
        return
    name = folder.resolve().name
    for file, (fact, unit) in _EXT4.items():
        value = _number(look.path(f"/sys/fs/ext4/{name}/{file}"))
        if value:
            yield DiagnosisFact(name=fact, value=float(value), unit=unit, labels={"device": mount.device})
    for state in (folder / "device/state", folder / "../device/state"):  # of a disk, of the disk it is a part of
        if state.exists():
            text = state.read_text("utf-8", errors="surrogateescape").strip()
            yield DiagnosisFact(name="device_state", value=text, unit="text", labels={"device": mount.device})


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def kernel_trouble(look: Look) -> Iterator[Item]:
    """Yield the kernel's own messages of failing disks and file systems."""
    if not psutil.LINUX:
        yield Unseen(what="kernel_log", reason="not_available", hint="not available on this system")
        return
    try:
        lines = kernel_lines(look, TROUBLE)
    except CollectorError as error:
        yield unreadable("kernel_log", error)
        return
    yield DiagnosisFact(name="kernel_errors", value=float(len(lines)), unit="count")
    if lines:
        yield DiagnosisFact(name="last_kernel_error_timestamp", value=lines[0].at, unit="timestamp")
        yield detail("kernel-errors.txt", shown(lines[:200]), consent="excerpt")


STEPS = (mounted, driver, kernel_trouble)
