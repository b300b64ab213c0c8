"""A file system runs out of inodes: where its many files are."""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen
from agent.diagnosis._largest import FILES, largest
from agent.diagnosis._look import Look
from agent.diagnosis._mount import the_mount


def inodes(look: Look) -> Iterator[Item]:
    """Yield which directories have the most files below them, and where they became more."""
    place = the_mount(look)
    usage = place.usage()
    if not usage.files:
        yield Unseen(what="inodes", reason="not_available", hint="this file system has no fixed number of them")
        return
    used = usage.files - usage.files_free
    yield DiagnosisFact(name="used_files", value=float(used), unit="count")
    yield from largest(look, place, FILES, used)


STEPS = (inodes,)
