"""Readings from a file instead of from the host: CSV with the header `timestamp,name,labels,value`, plain or gzipped.

Timestamps are ISO 8601 in UTC or unix seconds; labels are written `k=v;k=v`. A label `host` tells hosts apart; the rows of one
host are in the order of time.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, groupby
from pathlib import Path
from typing import IO, NoReturn, cast

import msgspec

from agent.collecting import Collection
from collectors import Labels, Reading

# The hosts of a history that is sorted by host have the same times, one host after another: three months of five minutes, 7 MB.
REMEMBERED_TIMES = 30_000
COLUMNS = ["timestamp", "name", "labels", "value"]


class RecordingError(ValueError):
    """The recording is not of this form; the message names the line."""


class Series(msgspec.Struct, frozen=True, eq=False):
    """One series of a history, made once and known by its identity: its readings are millions.

    host: whose it is, which is not among the readings' labels; empty where no host is named.
    """

    host: str
    name: str
    unit: str
    labels: Labels

    def reading(self, value: float, at: float) -> Reading:
        """Return what it said at `at` (unix seconds)."""
        return Reading(self.name, value, self.unit, self.labels, at)


Recorded = tuple[Series, float, float]  # of which series, what value, and when (unix seconds)


class RecordingFile:
    """A recording that is a file, read as often as wanted."""

    def __init__(self, path: Path, units: Mapping[str, str]) -> None:
        """`units` gives each reading's unit by name."""
        self._path = path
        self._units = units
        self._raw: io.BufferedReader | None = None

    @property
    def progress(self) -> float:
        """The share of its bytes that was read, 0 to 1."""
        if self._raw is None or self._raw.closed:
            return float(self._raw is not None)
        return self._raw.tell() / max(self._path.stat().st_size, 1)

    def readings(self) -> Iterator[Recorded]:
        """Yield each row from the beginning. Raises OSError and RecordingError."""
        with self._path.open("rb") as self._raw:
            yield from readings(self._raw, self._units)


def read(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Collection]:
    """Yield what was read at each time in the recording of one host; `units` gives each reading's unit by name.

    Raises RecordingError at the first row that is not of this form.
    """
    for _, together in groupby(readings(raw, units), key=lambda recorded: recorded[2]):
        yield Collection(readings=tuple(series.reading(value, at) for series, value, at in together))


def readings(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Recorded]:
    """Yield each row as it stands; `units` gives each reading's unit by name.

    Raises RecordingError at the first row that is not of this form. Memory is bounded by the number of series.
    """
    known, latest = dict[tuple[str, str], Series](), dict[str, float]()
    number, stamp, at = 1, "", 0.0
    try:
        with _unpacked(raw) as text:
            _check_header(next(csv.reader(text), []))
            # A line of its own for what is done to every row: a history has millions.
            for number, line in enumerate(text, 2):  # noqa: B007 - it is told where something is wrong
                row = _quoted(line, text) if '"' in line else line.rstrip().split(",")
                if len(row) != len(COLUMNS):
                    if row == [""]:
                        continue
                    _refuse_row()
                timestamp, name, labels, value = row
                if not (timestamp and name and value):
                    _refuse_row()
                if timestamp != stamp:
                    stamp, at = timestamp, _seconds(timestamp)
                series = known.get((name, labels))
                if series is None:
                    series = known[name, labels] = _series(name, labels, units)
                if at != latest.get(series.host):
                    latest[series.host] = _in_order(at, latest.get(series.host, -math.inf))
                yield series, float(value), at
    except (csv.Error, EOFError, OSError, ValueError, zlib.error) as error:
        raise RecordingError(f"the recording cannot be used, line {number}: {error}") from error


def _unpacked(raw: io.BufferedReader) -> IO[str]:
    """Return the text in `raw`, which may be gzipped; a spreadsheet's mark at its beginning is left out."""
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    binary = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if packed else raw)
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _quoted(line: str, following: Iterable[str]) -> list[str]:
    """Return the row that begins with `line`; a text in quotes may go on in the `following` ones."""
    return next(csv.reader(chain((line,), following)))


def _check_header(found: Sequence[str]) -> None:
    if list(found) != COLUMNS:
        raise ValueError(f"the header is not {','.join(COLUMNS)}")


def _refuse_row() -> NoReturn:
    raise ValueError(f"a row is {','.join(COLUMNS)}; of these only the labels may be empty")


def _in_order(at: float, latest: float) -> float:
    if at < latest:
        raise ValueError("it is older than the row before of the same host; sort the rows by their timestamp")
    return at


def _series(name: str, text: str, units: Mapping[str, str]) -> Series:
    labels = {}
    for part in filter(None, text.split(";")):
        label, is_pair, value = part.partition("=")
        if not is_pair:
            raise ValueError(f"{part!r} is no label: labels are written k=v;k=v")
        labels[label] = value
    return Series(labels.pop("host", ""), name, units.get(name, "count"), Labels(labels))


@lru_cache(REMEMBERED_TIMES)
def _seconds(text: str) -> float:
    """Return unix seconds; a time without a zone is UTC."""
    if text[4:5] == "-":  # asked first, for it is cheaper than to be told that a date is no number
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    at = float(text)
    if not math.isfinite(at):
        raise ValueError(f"{text} is no time")
    return at
