"""The words on a drawing for IT: plain English, and dates that sort."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chart._chart import Chart, Point
from agent.chart._frame import written
from agent.wording.plain import amount


class PlainWords:
    """The plain English of IT, as on the page and the command line."""

    def amount(self, value: float, unit: str) -> str:
        """Return a value in a Reading's unit."""
        return amount(value, unit)

    def limit(self, chart: Chart) -> str:
        """Return what stands at the line of the limit."""
        return "" if chart.limit is None else f"limit {amount(chart.limit, chart.unit)}"

    def describe(self, chart: Chart, points: Sequence[Point]) -> str:
        """Return in words what the drawing shows."""
        return describe(chart, points)


PLAIN = PlainWords()


def describe(chart: Chart, points: Sequence[Point]) -> str:
    """Return in plain English what the drawing shows."""
    first, last = points[0], points[-1]
    low, high = amount(first.value, chart.unit), amount(last.value, chart.unit)
    words = [f"From {_day(first.at, chart)} to {_day(last.at, chart)} the value went from {low} to {high}."]
    if chart.limit is not None:
        words.append(f"The limit is {amount(chart.limit, chart.unit)}.")
    if chart.forecast:
        latest = f"at the latest {_day(chart.forecast.latest, chart)}" if chart.forecast.latest else "or never"
        words.append(
            f"Seen from {_day(chart.seen_at, chart)} it is reached at the earliest"
            f" {_day(chart.forecast.earliest, chart)}, most likely {_day(chart.forecast.expected, chart)}, {latest}."
        )
    for begin, end in chart.windows:
        clocks = [written(at, chart.zone, "%H:%M") for at in (begin, end)]
        words.append(f"A time to act: {_day(begin, chart)} {' to '.join(clocks)}.")
    words += [f"{mark.label}: {_day(mark.at, chart)}." for mark in chart.marks]
    words += [f"{chart.note}."] if chart.note else []
    return " ".join(words)


def _day(at: float, chart: Chart) -> str:
    return written(at, chart.zone, "%Y-%m-%d")
