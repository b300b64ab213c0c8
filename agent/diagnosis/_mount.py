"""The file system that a diagnosis is about, found again among the host's mounts by what its subject calls it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.diagnosis._look import Look
from collectors import CollectorError, safe_text
from collectors._mountinfo import Mount
from collectors._mounts import host_mounts
from collectors._usage import Usage, usage_here


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A mounted file system: where it is to be looked at, and the paths below it where others are mounted."""

    mount: Mount
    path: str
    inner: frozenset[str]

    def usage(self) -> Usage:
        """Return how full it is. Raises OSError."""
        return usage_here(Path(self.path))


def the_mount(look: Look) -> Place:
    """Return the place of the look's `mountpoint`. Raises CollectorError when it is mounted no more, or hidden from us.

    The subject's text was made harmless, so it is compared with what each mount would be called; the path is the kernel's own.
    """
    called = look.subject.get("mountpoint", "")
    mounts, in_view = host_mounts(look)
    found = next((mount for mount in mounts if safe_text(mount.mountpoint) == called), None)
    if found is None:
        raise CollectorError(f"nothing is mounted at {called} any more")
    path = str(look.path(found.mountpoint))
    if (path, found.number) not in in_view:
        raise CollectorError("the agent's sandbox hides it; let its unit see it")
    inner = frozenset(str(look.path(mount.mountpoint)) for mount in mounts if mount is not found)
    return Place(mount=found, path=path, inner=inner)
