"""Metrics of others, as they are written for Prometheus: those that are wanted become Readings. Pure.

They are parsed by prometheus-client. Of the plain text format only the lines of wanted metrics are given to it, which
on a page of 2,000 series is the difference between 1 ms and 30 ms.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, SupportsFloat

from collectors._reading import CouldNotCheck, Reading

if TYPE_CHECKING:
    from prometheus_client import Metric

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OLD = 300.0  # seconds after which Prometheus, too, takes a sample with a time of its own for stale
_UNITS = (
    ("_timestamp_seconds", "timestamp"),
    ("_time_seconds", "timestamp"),  # node_boot_time_seconds and the like
    ("_bytes", "bytes"),
    ("_seconds", "seconds"),
    ("_ratio", "ratio"),
    ("_info", "info"),
)

Series = tuple[str, frozenset[tuple[str, str]]]


def _read(families: Iterable[Metric]) -> Iterator[Metric]:
    """Yield `families` as they are parsed. Raises ValueError for all that the parser does not foresee."""
    try:
        yield from families
    except OverflowError as error:
        raise ValueError("a number in it is too large") from error
    except KeyError as error:
        raise ValueError(f"it is malformed: {error} is missing") from error


def _as_float(number: SupportsFloat) -> float:
    """Return a number; infinity for one beyond every float, as whole ones are parsed without a limit."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def unit_of(name: str) -> str:
    """Return the unit that a metric's name tells, by the naming practice of Prometheus; `count` where it tells none.

    >>> unit_of("node_memory_MemFree_bytes"), unit_of("http_requests_total")
    ('bytes', 'count')
    """
    return next((unit for ending, unit in _UNITS if name.removesuffix("_sum").endswith(ending)), "count")


class Wanted:
    """Which metrics of one source are wanted, and which it had, so that each is missed when the source fails."""

    def __init__(self, patterns: Sequence[str], most: int) -> None:
        """`patterns`: shell patterns of names. `most`: how many series are taken."""
        self._patterns = patterns
        self._most = most
        self._known: dict[str, bool] = {}
        self._named = {pattern for pattern in patterns if not set("*?[") & set(pattern)}
        self._had = set(self._named)

    def read(
        self, text: str, labels: Mapping[str, str], at: float, taken: dict[Series, str], source: str, *, strict: bool
    ) -> Iterator[Reading | CouldNotCheck]:
        """Given a page of `source`, yield what is wanted of it with `labels` added. Raises ValueError where it is malformed.

        taken: every series of this run and where it came from; of two equal ones the first counts.
        strict: whether it is OpenMetrics, of which no line may be left out.
        """
        # Not every daemon reads others' metrics: until then the parsers are not loaded. The plain one has no types.
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics  # noqa: PLC0415
        from prometheus_client.parser import text_string_to_metric_families as parse_plain  # noqa: PLC0415

        families = parse_openmetrics(text) if strict else parse_plain("".join(self._lines(text)))  # type: ignore[no-untyped-call]
        samples = (sample for family in _read(families) for sample in family.samples if self._wants(sample.name))
        for count, sample in enumerate(samples, 1):
            if count > self._most:
                yield CouldNotCheck(
                    "", dict(labels), f"it has more than {self._most} of the series in `metrics`; narrow it"
                )
                return
            whole = {f"exported_{name}" if name in labels else name: value for name, value in sample.labels.items()}
            whole |= labels
            series = sample.name, frozenset(whole.items())
            self._had.add(sample.name)
            value = _as_float(sample.value)
            stamp = _as_float(sample.timestamp) if sample.timestamp is not None else at
            if series in taken:
                yield CouldNotCheck(
                    sample.name, whole, f"it is told more than once; what counts comes from {taken[series]}"
                )
            elif math.isinf(value):
                yield CouldNotCheck(sample.name, whole, "it is infinite")
            elif at - stamp > _OLD:
                yield CouldNotCheck(sample.name, whole, f"it is {at - stamp:.0f} s old by its own time")
            else:
                taken[series] = source
                yield Reading(sample.name, value, unit_of(sample.name), whole, at)

    def absent(self, told: set[str], labels: Mapping[str, str]) -> Iterator[CouldNotCheck]:
        """Yield for each metric that is wanted by its exact name and is none of those `told` that it was not there."""
        for name in sorted(self._named - told):
            yield CouldNotCheck(name, dict(labels), "there is no such metric; check its name")

    def missed(self, labels: Mapping[str, str], reason: str) -> Iterator[CouldNotCheck]:
        """Yield for each metric that it has or had that it could not be read."""
        for name in sorted(self._had):
            yield CouldNotCheck(name, dict(labels), reason)

    def _wants(self, name: str) -> bool:
        if name not in self._known:
            if len(self._known) > 10 * self._most:  # names without end
                self._known.clear()
            self._known[name] = any(fnmatchcase(name, pattern) for pattern in self._patterns)
        return self._known[name]

    def _lines(self, text: str) -> Iterator[str]:
        for line in text.split("\n"):
            found = _NAME.match(line.lstrip())
            if found and self._wants(found[0]):
                yield line + "\n"
