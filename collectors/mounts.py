"""What `/etc/fstab` says is mounted and used as swap, and whether it is (fstab(5)).

Left out is what nobody expects at all times: `noauto`, unless systemd mounts it on demand (`x-systemd.automount`; then it counts
as mounted while that waits for its first use). With `nofail` the system starts without it, so that is told beside it.
A file system that is mounted and does not answer is a matter of the disk collector.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from collectors._mountinfo import unescaped, without_credentials
from collectors._mounts import host_mounts
from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._reading import CouldNotCheck, Reading

FSTAB = "/etc/fstab"
SWAPS = "/proc/swaps"


class MountsOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the mounts collector."""

    exclude_mountpoints: Annotated[
        list[str], msgspec.Meta(description="Mount points to leave out, as shell patterns (`*` matches `/` too).")
    ] = msgspec.field(default_factory=lambda: ["/media/*", "/proc", "/proc/*", "/dev/*", "/sys/*"])


class Entry(msgspec.Struct, frozen=True):
    """One line of fstab: what is mounted where, and its options."""

    source: str
    mountpoint: str
    fstype: str
    options: frozenset[str]

    @property
    def is_swap(self) -> bool:
        """Whether it is room for the kernel to swap to."""
        return self.fstype == "swap"

    @property
    def is_expected(self) -> bool:
        """Whether it should be there at all times."""
        return "noauto" not in self.options or "x-systemd.automount" in self.options


def parse_fstab(text: str) -> list[Entry]:
    """Given the text of fstab, return its entries in order. Raise ValueError where a line has too few fields."""
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 3:  # noqa: PLR2004 - the options may be left out (getmntent(3))
            raise ValueError(f"line {number} has no mount point or no type: {line[:80]!r}")
        source, mountpoint, fstype = (unescaped(field) for field in fields[:3])
        options = frozenset(fields[3].split(",")) if fields[3:] else frozenset[str]()
        entries.append(Entry(source, mountpoint.rstrip("/") or "/", fstype, options))
    return entries


def parse_swaps(text: str) -> list[str]:
    """Given `/proc/swaps`, return the devices and files that are in use."""
    return [unescaped(line.split()[0]) for line in text.splitlines()[1:] if line.strip()]


class MountsCollector:
    """Compares fstab with what is mounted. Raises NotSupported where there is no fstab, or it names nothing."""

    def __init__(self, options: MountsOptions, context: CollectorContext) -> None:
        self._excluded = options.exclude_mountpoints
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield of each entry whether it is missing."""
        try:
            entries = parse_fstab(self._read(FSTAB))
        except FileNotFoundError:
            raise NotSupported(f"this system has no {FSTAB}") from None
        except ValueError as error:
            yield CouldNotCheck("mount_missing", {}, f"{FSTAB}: {error}")
            return
        entries = [entry for entry in entries if entry.is_expected and entry.fstype != "none"]
        places = [entry for entry in entries if not entry.is_swap and self._is_ours(entry.mountpoint)]
        swaps = [entry for entry in entries if entry.is_swap]
        if not places and not swaps:
            raise NotSupported(f"{FSTAB} names nothing that should be mounted at all times")
        yield from self._mounts(places, at)
        if swaps:
            yield from self._swaps(swaps, at)

    def _mounts(self, places: Iterable[Entry], at: float) -> Iterator[Reading]:
        mounted = {mount.mountpoint for mount in host_mounts(self._context)[0]}
        for entry in {entry.mountpoint: entry for entry in places}.values():  # one place may stand there twice
            labels = {
                "mountpoint": entry.mountpoint,
                "fstype": entry.fstype,
                "nofail": "yes" if "nofail" in entry.options else "no",
            }
            yield Reading("mount_missing", float(entry.mountpoint not in mounted), "boolean", labels, at)

    def _swaps(self, swaps: list[Entry], at: float) -> Iterator[Reading | CouldNotCheck]:
        try:
            used = {self._resolved(name) for name in parse_swaps(self._read(SWAPS))}
        except OSError as error:
            yield CouldNotCheck("swap_missing", {}, str(error))
            return
        named = {entry.source: self._resolved(entry.source) for entry in swaps if entry.source.startswith("/")}
        # A sandbox hides /dev/disk, so UUID=... may lead to no device. It is there when there are as many as there should be.
        others = len(used - set(named.values()))
        unnamed = [entry.source for entry in swaps if entry.source not in named]
        for source in dict.fromkeys(entry.source for entry in swaps):
            labels = {"device": without_credentials(source)}
            if source not in named and 0 < others < len(unnamed):
                yield CouldNotCheck("swap_missing", labels, "one of several is missing, and which one cannot be told")
                continue
            missing = named[source] not in used if source in named else others < len(unnamed)
            yield Reading("swap_missing", float(missing), "boolean", labels, at)

    def _is_ours(self, mountpoint: str) -> bool:
        return mountpoint.startswith("/") and not any(fnmatchcase(mountpoint, one) for one in self._excluded)

    def _resolved(self, device: str) -> str:
        """Return where a name under /dev/disk or /dev/mapper leads to; the name itself where that is hidden."""
        link = self._context.path(device)
        return posixpath.normpath(posixpath.join(device, "..", link.readlink())) if link.is_symlink() else device

    def _read(self, absolute: str) -> str:
        return self._context.path(absolute).read_text(encoding="utf-8", errors="surrogateescape")


PLUGIN = CollectorPlugin(
    name="mounts",
    summary="Whether everything is mounted that `/etc/fstab` says is mounted, and used as swap.",
    options=MountsOptions,
    build=MountsCollector,
    readings=(
        DeclaredReading(
            "mount_missing",
            "boolean",
            ("mountpoint", "fstype", "nofail"),
            "fstab says that something is mounted there, and nothing is; `nofail`: the system starts without it.",
        ),
        DeclaredReading("swap_missing", "boolean", ("device",), "fstab says that it is swap, and it is not in use."),
    ),
    interval=300.0,
)
