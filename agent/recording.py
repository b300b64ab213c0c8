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
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, cast

from agent.collecting import Collection
from collectors import Reading

COLUMNS = ["timestamp", "name", "labels", "value"]
ROWS_A_STEP = 10_000


class RecordingError(ValueError):
    """The recording is not of this form; the message names the line."""


class Recorded(NamedTuple):
    """A reading and whose it is.

    host: its name, which is not among the reading's labels; empty where no host is named.
    labels: the labels as they stand in the recording, which tell series of one name apart.
    """

    host: str
    labels: str
    reading: Reading


class RecordingFile:
    """A recording that is a file, read as often as wanted. progress: the share of its bytes that was read, 0 to 1."""

    def __init__(self, path: Path, units: Mapping[str, str]) -> None:
        """`units` gives each reading's unit by name."""
        self._path = path
        self._units = units
        self.progress = 0.0

    def readings(self) -> Iterator[Recorded]:
        """Yield each row from the beginning. Raises OSError and RecordingError."""
        self.progress = 0.0
        size = max(self._path.stat().st_size, 1)
        with self._path.open("rb") as raw:
            for number, one in enumerate(readings(raw, self._units)):
                if number % ROWS_A_STEP == 0:
                    self.progress = raw.tell() / size
                yield one


def read(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Collection]:
    """Yield what was read at each time in the recording of one host; `units` gives each reading's unit by name.

    Raises RecordingError at the first row that is not of this form.
    """
    for _, together in groupby((one.reading for one in readings(raw, units)), key=lambda reading: reading.at):
        yield Collection(readings=tuple(together))


def readings(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Recorded]:
    """Yield each row as it stands; `units` gives each reading's unit by name.

    Raises RecordingError at the first row that is not of this form. Memory is bounded by the number of series.
    """
    rows, series, latest = csv.reader(()), dict[str, tuple[str, dict[str, str]]](), dict[str, float]()
    stamp, at = "", 0.0
    try:
        with _unpacked(raw) as text:
            rows = csv.reader(text)
            _check_header(next(rows, []))
            # A line of its own for what is done to every row: a history has millions.
            for row in rows:
                if len(row) != len(COLUMNS):
                    if not row:
                        continue
                    _refuse_row()
                timestamp, name, labels, value = row
                if not (timestamp and name and value):
                    _refuse_row()
                if timestamp != stamp:
                    stamp, at = timestamp, _seconds(timestamp)
                known = series.get(labels)
                if known is None:
                    known = series[labels] = _labels(labels)
                host, others = known
                if at != latest.get(host):
                    latest[host] = _in_order(at, latest.get(host, -math.inf))
                yield Recorded(host, labels, Reading(name, float(value), units.get(name, "count"), others, at))
    except (csv.Error, EOFError, OSError, ValueError, zlib.error) as error:
        raise RecordingError(f"the recording cannot be used, line {max(rows.line_num, 1)}: {error}") from error


def _unpacked(raw: io.BufferedReader) -> IO[str]:
    """Return the text in `raw`, which may be gzipped; a spreadsheet's mark at its beginning is left out."""
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    binary = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if packed else raw)
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _check_header(found: Sequence[str]) -> None:
    if list(found) != COLUMNS:
        raise ValueError(f"the header is not {','.join(COLUMNS)}")


def _refuse_row() -> NoReturn:
    raise ValueError(f"a row is {','.join(COLUMNS)}; of these only the labels may be empty")


def _in_order(at: float, latest: float) -> float:
    if at < latest:
        raise ValueError("it is older than the row before of the same host; sort the rows by their timestamp")
    return at


def _labels(text: str) -> tuple[str, dict[str, str]]:
    """Return the host and the other labels."""
    labels = {}
    for part in filter(None, text.split(";")):
        name, is_pair, value = part.partition("=")
        if not is_pair:
            raise ValueError(f"{part!r} is no label: labels are written k=v;k=v")
        labels[name] = value
    return labels.pop("host", ""), labels


def _seconds(text: str) -> float:
    """Return unix seconds; a time without a zone is UTC."""
    if text[4:5] != "-":  # asked first, for it is cheaper than to be told that a date is no number
        at = float(text)
        if not math.isfinite(at):
            raise ValueError(f"{text} is no time")
        return at
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
