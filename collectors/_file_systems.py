"""Which of the mounts are file systems worth reading."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import msgspec

from collectors._mountinfo import Mount, ancestors
from collectors._plugin import CollectorContext

# fmt: off - as a text, not as a column
KEEP_NOTHING = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
]
NOT_OURS = [
    "/dev",  # in a container it is a tmpfs
    "/proc/*",
    "/sys",  # in a container it is a tmpfs, and read-only from the start
    "/sys/*",
    "/run/credentials/*",
    "/run/user/*",
    "/System/Volumes/[!D]*",
    "/run/docker/*",
    "/run/k3s/containerd/*",
    "/var/lib/containers/storage/*",
    "/var/lib/docker/*",
    "/var/lib/kubelet/pods/*",
]
# fmt: on


class LeftOut(msgspec.Struct, frozen=True):
    """What not to read: types of file system, and mount points as shell patterns."""

    fstypes: frozenset[str]
    mountpoints: tuple[str, ...]


def real_file_systems(
    mounts: Iterable[Mount], left_out: LeftOut, context: CollectorContext
) -> Iterator[tuple[Mount, bool]]:
    """Yield each file system that can fill, and whether asking it may hang: itself, or on the way there.

    Left out are
    - the types in `left_out`: by default those that keep nothing;
    - the places in `left_out`: by default the kernel's own trees, and what container engines and sessions mount there;
    - overlays other than `/`: their room is that of the disk below, which is read itself;
    - single files bound from elsewhere;
    - further mounts of one file system (bind mounts, subvolumes): it is read where its path is shortest.
    """
    mounts = sorted(mounts, key=lambda mount: (len(mount.mountpoint), mount.mountpoint))
    hanging = {mount.mountpoint for mount in mounts if mount.may_hang and mount.fstype not in KEEP_NOTHING}
    seen: set[str] = set()
    for mount in mounts:
        if mount.number in seen or _is_left_out(mount, left_out):
            continue
        may_hang = mount.may_hang or not hanging.isdisjoint(ancestors(mount.mountpoint))
        if not may_hang and os.path.isfile(context.path(mount.mountpoint)):  # noqa: PTH113 - takes an error for no file
            continue
        seen.add(mount.number)
        yield mount, may_hang


def _is_left_out(mount: Mount, left_out: LeftOut) -> bool:
    if mount.fstype in left_out.fstypes or (mount.fstype == "overlay" and mount.mountpoint != "/"):
        return True
    return any(fnmatchcase(mount.mountpoint, pattern) for pattern in left_out.mountpoints)
