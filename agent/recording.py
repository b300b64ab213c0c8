"""Readings from a file instead of from the host: CSV with the header `timestamp,name,labels,value`, plain or gzipped.

Timestamps are ISO 8601 in UTC or unix seconds; labels are written `k=v;k=v`. Rows are in the order of time.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import IO, cast

from agent.collecting import Collection
from collectors import Reading


def read(raw: IO[bytes], units: Mapping[str, str]) -> Iterator[Collection]:
    """Yield what was read at each time in the recording; `units` gives each reading's unit by name.

    Raises ValueError, naming the line, for a row that is not of this form.
    """
    packed = raw.peek(2)[:2] == b"\x1f\x8b" if hasattr(raw, "peek") else False
    unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
    lines = (line.decode("utf-8") for line in unpacked)
    for _, together in groupby(_readings(csv.DictReader(lines), units), key=lambda reading: reading.at):
        yield Collection(readings=tuple(together))


def _readings(rows: Iterable[Mapping[str, str]], units: Mapping[str, str]) -> Iterator[Reading]:
    for number, row in enumerate(rows, start=2):
        try:
            at, name, labels, value = row["timestamp"], row["name"], row["labels"], float(row["value"])
            yield Reading(name, value, units.get(name, "count"), _labels(labels), _seconds(at))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number} of the recording is not timestamp,name,labels,value: {error}") from error


def _labels(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name: value for name, _, value in pairs}


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
