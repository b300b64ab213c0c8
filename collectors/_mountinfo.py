r"""Mounts as the kernel lists them in `/proc/PID/mountinfo` (proc_pid_mountinfo(5)). Pure: text in, Mounts out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

# Kept by this kernel although they have no block device of their own; any other type without one is asked through a child.
_LOCAL_WITHOUT_DEVICE = frozenset({"bcachefs", "btrfs", "overlay", "ramfs", "tmpfs", "zfs"})
# They have a block device, but answer only while their cluster has a quorum.
_CLUSTERED = frozenset({"gfs2", "ocfs2"})
_ESCAPE = re.compile(r"\\([0-7]{3})")
_CREDENTIALS = re.compile(r"//[^/@]*@")


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One mounted file system.

    number: the kernel's device number ("8:1"), equal for all mounts of one file system.
    identity, parent: ids of the mount and of the one it is mounted on.
    read_only: this mount is read only. read_only_everywhere: so is the file system itself.
    """

    identity: int = 0
    parent: int = 0
    number: str
    mountpoint: str
    device: str
    fstype: str
    read_only: bool
    read_only_everywhere: bool

    @property
    def may_hang(self) -> bool:
        """Whether asking for its usage can wait for ever: on a network, a cluster or a user's FUSE daemon."""
        if self.fstype.startswith("fuse") or self.fstype in _CLUSTERED:
            return True
        return self.number.startswith("0:") and self.fstype not in _LOCAL_WITHOUT_DEVICE


def parse_mountinfo(text: str) -> list[Mount]:
    """Given the text of a mountinfo file, return its mounts in order. Raise ValueError when a line is not one.

    Lines and fields are split at newline and space only: a mount point may contain any other kind of white space.
    """
    return [_parse_line(line) for line in text.split("\n") if line]


def _parse_line(line: str) -> Mount:
    before, separator, after = line.partition(" - ")
    first, last = before.split(" "), after.split(" ")
    if not separator or len(first) < 6 or len(last) < 3:  # noqa: PLR2004 - six fields before the optional ones, three after
        raise ValueError(f"not a line of mountinfo: {line[:80]!r}")
    read_only_everywhere = "ro" in last[2].split(",")
    return Mount(
        identity=int(first[0]),
        parent=int(first[1]),
        number=first[2],
        mountpoint=unescaped(first[4]),
        device=without_credentials(unescaped(last[1])),
        fstype=last[0],
        read_only="ro" in first[5].split(",") or read_only_everywhere,
        read_only_everywhere=read_only_everywhere,
    )


def without_credentials(source: str) -> str:
    """Given what is mounted, return it without user and password: WebDAV and SMB have them in the address."""
    return _CREDENTIALS.sub("//", source)


def unescaped(field: str) -> str:
    r"""Given a field of mountinfo, fstab or swaps, return it with the escapes of white space resolved.

    >>> unescaped(r"/mnt/my\040disk")
    '/mnt/my disk'
    """
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), field)


def reachable(mounts: Sequence[Mount]) -> list[Mount]:
    """Return the mounts that a path leads to: not those under a later mount on the same or a higher directory."""
    by_identity = {mount.identity: mount for mount in mounts}
    places_on: dict[int, set[str]] = {}
    for mount in mounts:
        if mount.identity != mount.parent:
            places_on.setdefault(mount.parent, set()).add(mount.mountpoint)

    def shadowed(mount: Mount) -> bool:
        beside = places_on.get(mount.parent, set())
        parent = by_identity.get(mount.parent, mount)
        return any(place in beside for place in ancestors(mount.mountpoint)) or (parent != mount and shadowed(parent))

    return [m for m in mounts if m.mountpoint not in places_on.get(m.identity, ()) and not shadowed(m)]


def ancestors(place: str) -> Iterator[str]:
    """Yield the directories above the absolute path `place`, nearest first."""
    while place != "/":
        place = place.rpartition("/")[0] or "/"
        yield place
