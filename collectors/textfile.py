"""Files that jobs leave with metrics (`*.prom`), read as node_exporter's textfile collector reads them.

A job writes its file under another name and renames it. A file without its last line break was not finished.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from collectors._exposition import Series, Wanted
from collectors._plugin import (
    AbsolutePath,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
)
from collectors._reading import CouldNotCheck, Reading

MOST_FILES = 200


class TextfileOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the textfile collector."""

    folder: Annotated[
        AbsolutePath,
        msgspec.Meta(description="Where the files are.", examples=["/var/lib/prometheus/node-exporter"]),
    ] = "/var/lib/prometheus/node-exporter"
    metrics: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1)]],
        msgspec.Meta(min_length=1, description="Names of the metrics to take, or shell patterns."),
    ] = msgspec.field(default_factory=lambda: ["*"])
    series: Annotated[int, msgspec.Meta(ge=1, le=20_000, description="The most series that are taken of one file.")] = (
        1000
    )
    largest: Annotated[int, msgspec.Meta(ge=1000, le=50_000_000, description="Bytes that one file may have.")] = (
        1_000_000
    )


class TextfileCollector:
    """Reads every file anew."""

    def __init__(self, options: TextfileOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context
        self._wanted: dict[str, Wanted] = {}

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield the metrics and the age of each file. Raises NotSupported when there is no such folder."""
        folder = self._context.path(self._options.folder)
        try:
            names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".prom"))
        except FileNotFoundError:
            raise NotSupported(f"there is no {self._options.folder}") from None
        if len(names) > MOST_FILES:
            yield CouldNotCheck("", {}, f"there are more than {MOST_FILES} files; the last by name are left out")
        self._wanted = {name: self._wanted.get(name) or self._made() for name in names[:MOST_FILES]}
        taken: dict[Series, str] = {}
        for name, wanted in self._wanted.items():
            labels = {"file": name}
            try:
                text, changed = _read(folder / name, self._options.largest)
                items = list(wanted.read(text, {}, at, taken, name, strict=False))
            except (CollectorError, OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                yield CouldNotCheck("textfile_age_seconds", labels, f"{name}: {reason}")
                yield from wanted.missed({}, f"{name}: {reason}")
            else:
                yield Reading("textfile_age_seconds", max(0.0, at - changed), "seconds", labels, at)
                yield from items

    def _made(self) -> Wanted:
        return Wanted(self._options.metrics, self._options.series)


def _read(path: Path, largest: int) -> tuple[str, float]:
    """Return a file's text, and when it was last written (unix seconds)."""
    # Not to wait for a writer where somebody has put a pipe.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CollectorError("it is not a regular file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise CollectorError("it is longer than `largest` allows")
    if content and not content.endswith(b"\n"):
        raise CollectorError("its last line is not finished; write it elsewhere and rename it")
    return content.decode("utf-8"), status.st_mtime


def _declared(options: TextfileOptions) -> Iterable[DeclaredReading]:
    return [DeclaredReading(metric, "*", ("*",), "From a file.") for metric in options.metrics]


PLUGIN = CollectorPlugin(
    name="textfile",
    summary="Metrics that jobs leave in files (`*.prom`), under their own names, so that rules can judge them.",
    options=TextfileOptions,
    build=TextfileCollector,
    readings=(DeclaredReading("textfile_age_seconds", "seconds", ("file",), "Time since a file was last written."),),
    when_configured=True,
    declares=_declared,
)
