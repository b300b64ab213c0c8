"""Packs files into one `.tar.gz` whose bytes depend on nothing but names, contents and one time."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping


def pack(files: Mapping[str, bytes], at: float) -> bytes:
    """Return an archive of `files` in their order, all with the time `at` (unix seconds) and nobody's owner."""
    packed = io.BytesIO()
    # mtime=0 and no name: otherwise gzip writes down when and as what it was packed.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), int(at), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
