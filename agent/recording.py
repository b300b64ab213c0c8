"""Readings from a file instead of from the host: CSV with the header `timestamp,name,labels,value`, plain or gzipped.

Timestamps are ISO 8601 in UTC or unix seconds; labels are written `k=v;k=v`. Rows are in the order of time.
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
from typing import IO, cast

from agent.collecting import Collection
from collectors import Reading

COLUMNS = ["timestamp", "name", "labels", "value"]


class RecordingError(ValueError):
    """The recording is not of this form; the message names the line."""


def read(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Collection]:
    """Yield what was read at each time in the recording; `units` gives each reading's unit by name.

    Raises RecordingError at the first row that is not of this form.
    """
    for _, together in groupby(_readings(raw, units), key=lambda reading: reading.at):
        yield Collection(readings=tuple(together))


def _readings(raw: io.BufferedReader, units: Mapping[str, str]) -> Iterator[Reading]:
    number, latest = 1, -math.inf
    try:
        with _unpacked(raw) as text:
            rows = csv.DictReader(text)
            _check_header(rows.fieldnames)
            for row in rows:
                number = rows.line_num
                reading = _reading(row, units, latest)
                latest = reading.at
                yield reading
    except (csv.Error, EOFError, OSError, ValueError, zlib.error) as error:
        raise RecordingError(f"the recording cannot be used, line {number}: {error}") from error


def _unpacked(raw: io.BufferedReader) -> IO[str]:
    """Return the text in `raw`, which may be gzipped; a spreadsheet's mark at its beginning is left out."""
    packed = raw.peek(2)[:2] == b"\x1f\x8b"
    binary = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if packed else raw)
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _check_header(found: Sequence[str] | None) -> None:
    if list(found or ()) != COLUMNS:
        raise ValueError(f"the header is not {','.join(COLUMNS)}")


def _reading(row: Mapping[str, str | None], units: Mapping[str, str], latest: float) -> Reading:
    """Return what `row` says; `latest` is the time of the row before."""
    timestamp, name, labels, value = (row[column] for column in COLUMNS)
    if not timestamp or not name or labels is None or not value or len(row) > len(COLUMNS):
        raise ValueError(f"a row is {','.join(COLUMNS)}; of these only the labels may be empty")
    at = _seconds(timestamp)
    if at < latest:
        raise ValueError("it is older than the row before")
    return Reading(name, float(value), units.get(name, "count"), _labels(labels), at)


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for part in filter(None, text.split(";")):
        name, is_pair, value = part.partition("=")
        if not is_pair:
            raise ValueError(f"{part!r} is no label: labels are written k=v;k=v")
        labels[name] = value
    return labels


def _seconds(text: str) -> float:
    """Return unix seconds; a time without a zone is UTC."""
    try:
        at = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(at):
        raise ValueError(f"{text} is no time")
    return at
