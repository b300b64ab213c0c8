"""Writes the redacted copy of one source into a file: the whole of it, or nothing and the reason."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.redaction import LeftOut, Redactor, Report
from agent.safe_reading import Refused


class Copy(msgspec.Struct, kw_only=True):
    """What became of one source.

    report: its lines and redactions, counted. left_out: why there is no file, or empty.
    size, sha256: of the file, 0 and empty without one.
    """

    report: Report = msgspec.field(default_factory=Report)
    left_out: str = ""
    size: int = 0
    sha256: str = ""


def write_redacted_copy(redactor: Redactor, layout: str, source: Iterable[bytes], target: Path) -> Copy:
    """Write what of `source` may leave to the new file `target`, readable by us alone, and say what became of it.

    On any error there is no file, whatever had been written by then. Raises KeyError when `layout` is none of the templates',
    and OSError when `target` cannot be written.
    """
    if layout not in redactor.layouts:
        raise KeyError(layout)
    copy, digest = Copy(), hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    whole = False
    try:
        with os.fdopen(descriptor, "wb") as file:
            for line in redactor.lines(layout, source, copy.report):
                written = line.encode() + b"\n"
                digest.update(written)
                copy.size += file.write(written)
        whole = True
    except (LeftOut, Refused) as error:
        copy.left_out = str(error)
        copy.size = 0
    finally:
        if not whole:
            target.unlink()
    copy.sha256 = digest.hexdigest() if whole else ""
    return copy
