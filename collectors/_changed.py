"""Whether files have changed since they were read: their size and time say so, for the price of a look."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Fingerprint = list[tuple[str, int, int]]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return name, time and size of the files that can be seen; equal as long as none of them changed, came or went."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # not there, or in a folder that is closed to us: to be read it is not there either
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return found
