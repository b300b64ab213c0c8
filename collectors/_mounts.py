"""What is mounted on the host: the kernel's own list on Linux, what psutil calls partitions on macOS and Windows."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import psutil

from collectors._kernel_files import kernel_text
from collectors._mountinfo import Mount, parse_mountinfo, reachable, without_credentials
from collectors._plugin import CollectorError, HostView

# The systems' own types on local devices. Any other may be a server or a user's program, and may hang.
_LOCAL = frozenset({"apfs", "cd9660", "exfat", "fat", "fat32", "hfs", "msdos", "ntfs", "refs", "udf", "ufs", "zfs"})

InView = set[tuple[str, str]]  # (path, device number) of what the agent itself can see


def host_mounts(context: HostView) -> tuple[list[Mount], InView]:
    """Return the host's reachable mounts and which of them are in the agent's own view.

    Raise CollectorError or OSError when the kernel's list cannot be read.
    """
    if not psutil.LINUX:
        volumes = _partitions()
        return volumes, {(str(context.path(volume.mountpoint)), volume.number) for volume in volumes}
    own = _text(context, "/proc/self/mountinfo")
    try:
        return _reachable(_text(context, "/proc/1/mountinfo")), _in_view(own)
    except (PermissionError, FileNotFoundError):
        # A sandbox may have made anything read only in our own view; only the file system's own state counts there.
        return [msgspec.structs.replace(m, read_only=m.read_only_everywhere) for m in _reachable(own)], _in_view(own)


def _text(context: HostView, absolute: str) -> str:
    text = kernel_text(context.path(absolute))
    try:
        _parsed(text)
    except ValueError as error:
        raise CollectorError(f"{absolute}: {error}") from error
    return text


# Mounts seldom change, and 50 of them take 1.5 ms to understand: kept are the host's and our own, as they were last.
@lru_cache(maxsize=2)
def _parsed(text: str) -> tuple[Mount, ...]:
    return tuple(parse_mountinfo(text))


@lru_cache(maxsize=2)
def _reachable(text: str) -> list[Mount]:
    return reachable(_parsed(text))


@lru_cache(maxsize=1)
def _in_view(text: str) -> InView:
    return {(mount.mountpoint, mount.number) for mount in _parsed(text)}


def _partitions() -> list[Mount]:
    """Return the mounted volumes, each as a file system of its own."""
    found = psutil.disk_partitions(all=False)
    sealed = any(volume.mountpoint == "/System/Volumes/Data" for volume in found)
    return [
        Mount(
            number=f"{1 if _is_local(volume.fstype, volume.opts) else 0}:{place}",
            mountpoint=volume.mountpoint,
            device=without_credentials(volume.device),
            fstype=volume.fstype.lower(),
            read_only="ro" in volume.opts.split(","),
            read_only_everywhere="ro" in volume.opts.split(","),
        )
        for place, volume in enumerate(found)
        if not (sealed and volume.mountpoint == "/")  # macOS seals `/`; its room is that of the Data volume
    ]


def _is_local(fstype: str, options: str) -> bool:
    return "remote" not in options.split(",") and fstype.lower() in _LOCAL
