"""A control group with a limit of memory, of version 1 or 2: what is started in it cannot have more, whatever it tries."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUPS = Path("/sys/fs/cgroup")


class Limited:
    """A group. before: the command in front of another that starts it in here."""

    def __init__(self, folder: Path, events: str) -> None:
        self._folder = folder
        self._events = events
        self.before = ("sh", "-c", f'echo $$ > "{folder}/cgroup.procs" && exec "$@"', "sh")

    @property
    def killed(self) -> int:
        """How many processes the kernel killed in it, for want of memory."""
        words = (self._folder / self._events).read_text().split()
        return int(words[words.index("oom_kill") + 1])


@contextlib.contextmanager
def limited(most: int) -> Iterator[Limited]:
    """Make a group that may have at most so many bytes, page cache included; skip where that is not possible."""
    first = (GROUPS / "memory").is_dir()
    top = GROUPS / "memory" if first else GROUPS
    folder = top / f"foretell-{uuid.uuid4().hex}"
    try:
        if not first:
            (top / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(most))
        if not first:
            (folder / "memory.swap.max").write_text("0")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"needs root and a memory control group below {top} ({error}): the limit was NOT tried")
    try:
        yield Limited(folder, "memory.oom_control" if first else "memory.events")
    finally:
        folder.rmdir()
