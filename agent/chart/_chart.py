"""What is drawn, and in whose words: data only, with times in unix seconds and values in base units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from thresholds import Forecast


class Point(NamedTuple):
    """A value at a time (unix seconds)."""

    at: float
    value: float


class Mark(NamedTuple):
    """A moment worth a line: what happened then, in a word or two."""

    at: float
    label: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn. Times are unix seconds, values in `unit` (one of Reading's).

    limit: of the values; forecast: when it is reached, seen from `seen_at`. windows: begin and end of each time to act.
    note: a line under the drawing.
    """

    title: str
    points: Sequence[Point]
    unit: str
    zone: str = "UTC"
    limit: float | None = None
    forecast: Forecast | None = None
    seen_at: float = 0.0
    windows: Sequence[tuple[float, float]] = ()
    marks: Sequence[Mark] = ()
    note: str = ""


class ChartWords(Protocol):
    """What a drawing says, in its reader's language. What is marked, titled and noted on it is the caller's."""

    def amount(self, value: float, unit: str) -> str:
        """Return a value in a Reading's unit."""

    def limit(self, chart: Chart) -> str:
        """Return what stands at the line of the limit."""

    def describe(self, chart: Chart, points: Sequence[Point]) -> str:
        """Return in words what the drawing shows; `points`: those of the chart that have a value, in order."""
