"""One series over time as a drawing: what was measured, the limit, when it may be reached, and when to act. SVG, no script.

Colours come from the style below, in light and dark; whoever embeds the drawing may set its custom properties. Every drawing
says in words what it shows, for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import msgspec

from agent.plain import amount
from agent.settings import DAY, HOUR
from thresholds import Forecast

WIDTH, HEIGHT = 900, 360
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 34, 44  # margins
ROOM_FOR_LABEL = 120
MOST_POINTS = 1200  # drawn; of more, the lowest and highest of each piece are kept
TIME_STEPS = (HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY)
MOST_TIMES, MOST_VALUES = 8, 5

STYLE = """
svg {
  --ink: #1c2430; --grid: #d8dee6; --paper: #ffffff;
  --line: #1f5fa8; --limit: #b3261e; --band: #d97706; --window: #2e7d32;
}
@media (prefers-color-scheme: dark) {
  svg {
    --ink: #e6eaf0; --grid: #3a4452; --paper: #141a21;
    --line: #7fb2ec; --limit: #ff8a80; --band: #f5a524; --window: #81c784;
  }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 14px; font-weight: 600; }
.paper { fill: var(--paper); }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke: var(--line); stroke-width: 1.6; stroke-linejoin: round; }
.limit { stroke: var(--limit); stroke-width: 1.6; stroke-dasharray: 7 4; }
.band { fill: var(--band); opacity: .22; }
.expected { stroke: var(--band); stroke-width: 1.8; stroke-dasharray: 3 3; }
.window { fill: var(--window); opacity: .25; }
.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 3; }
"""


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


def draw(chart: Chart) -> str:
    """Return the drawing as an SVG document. Raises ValueError when there is no point to draw."""
    points = _thinned([point for point in chart.points if math.isfinite(point.value)])
    if not points:
        raise ValueError("there is nothing to draw: no reading has a value")
    frame = _Frame(chart, points)
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "aria-labelledby": "title description",
        },
    )
    _text(svg, "title", chart.title, id="title")
    _text(svg, "desc", describe(chart, points), id="description")
    _text(svg, "style", STYLE)
    _add(svg, "rect", "paper", x=0, y=0, width=WIDTH, height=HEIGHT)
    _label(svg, chart.title, LEFT, 20, style="title")
    _axes(svg, frame)
    for begin, end in chart.windows:
        x = frame.x(begin)
        _add(svg, "rect", "window", x=x, y=TOP, width=max(frame.x(end) - x, 2), height=HEIGHT - TOP - BOTTOM)
    _forecast(svg, frame, points)
    path = "M" + " L".join(f"{frame.x(one.at):.1f},{frame.y(one.value):.1f}" for one in points)
    _add(svg, "path", "line", d=path)
    if chart.limit is not None:
        y = frame.y(chart.limit)
        _add(svg, "line", "limit", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        _label(svg, f"limit {amount(chart.limit, chart.unit)}", WIDTH - RIGHT, y - 5, anchor="end")
    for number, mark in enumerate(chart.marks):
        x = frame.x(mark.at)
        _add(svg, "line", "mark", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM)
        near_the_edge = x > WIDTH - RIGHT - ROOM_FOR_LABEL
        at, anchor = (x - 4, "end") if near_the_edge else (x + 4, "start")
        _label(svg, mark.label, at, TOP + 12 + 15 * (number % 3), anchor=anchor)
    return ET.tostring(svg, encoding="unicode")


def describe(chart: Chart, points: Sequence[Point]) -> str:
    """Return in words what the drawing shows."""
    first, last = points[0], points[-1]
    low, high = amount(first.value, chart.unit), amount(last.value, chart.unit)
    words = [f"From {_day(first.at, chart.zone)} to {_day(last.at, chart.zone)} the value went from {low} to {high}."]
    if chart.limit is not None:
        words.append(f"The limit is {amount(chart.limit, chart.unit)}.")
    if chart.forecast:
        latest = f"at the latest {_day(chart.forecast.latest, chart.zone)}" if chart.forecast.latest else "or never"
        words.append(
            f"Seen from {_day(chart.seen_at, chart.zone)} it is reached at the earliest"
            f" {_day(chart.forecast.earliest, chart.zone)}, most likely {_day(chart.forecast.expected, chart.zone)}, {latest}."
        )
    words += [f"{mark.label}: {_day(mark.at, chart.zone)}." for mark in chart.marks]
    return " ".join(words)


class _Frame:
    """Where times and values are on the drawing."""

    def __init__(self, chart: Chart, points: Sequence[Point]) -> None:
        self.chart = chart
        times = [one.at for one in points] + [mark.at for mark in chart.marks] + [end for _, end in chart.windows]
        if chart.forecast:
            # A band that ends in years would press what was measured into a corner.
            span = max(times) - min(times)
            farthest = chart.seen_at + max(span, DAY)
            times += [min(at, farthest) for at in (chart.forecast.expected, chart.forecast.latest or farthest)]
        values = [one.value for one in points] + ([chart.limit] if chart.limit is not None else [])
        self.begin, self.end = min(times), max(*times, min(times) + 1.0)
        self.low, highest = min(0.0, *values), max(0.0, *values)
        self.high = highest + 0.05 * (highest - self.low) or 1.0

    def x(self, at: float) -> float:
        share = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _axes(svg: ET.Element, frame: _Frame) -> None:
    for value in _round_values(frame.low, frame.high):
        y = frame.y(value)
        _add(svg, "line", "grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        _label(svg, amount(value, frame.chart.unit), LEFT - 8, y + 4, anchor="end")
    for at in _round_times(frame.begin, frame.end, frame.chart.zone):
        x = frame.x(at)
        _add(svg, "line", "grid", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM)
        short = frame.end - frame.begin <= 2 * DAY
        _label(svg, _day(at, frame.chart.zone, clock=short), x, HEIGHT - BOTTOM + 18, anchor="middle")
    _label(svg, frame.chart.zone, WIDTH - RIGHT, HEIGHT - 8, anchor="end")


def _forecast(svg: ET.Element, frame: _Frame, points: Sequence[Point]) -> None:
    """Draw from where it was seen to when the limit may be reached: a band, and the most likely way in it."""
    chart = frame.chart
    if chart.forecast is None or chart.limit is None:
        return
    seen = max((one for one in points if one.at <= chart.seen_at), default=points[0], key=lambda one: one.at)
    x, y, limit = frame.x(seen.at), frame.y(seen.value), frame.y(chart.limit)
    earliest, expected = frame.x(chart.forecast.earliest), frame.x(chart.forecast.expected)
    latest = frame.x(frame.end if chart.forecast.latest is None else chart.forecast.latest)
    corners = f"{x:.1f},{y:.1f} {earliest:.1f},{limit:.1f} {latest:.1f},{limit:.1f}"
    _add(svg, "polygon", "band", points=corners)
    _add(svg, "line", "expected", x1=x, y1=y, x2=expected, y2=limit)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most MOST_POINTS of `points`, in order: of each piece the lowest and the highest, so that no peak is lost."""
    if len(points) <= MOST_POINTS:
        return points
    size = -(-len(points) // (MOST_POINTS // 2))
    kept: list[Point] = []
    for begin in range(0, len(points), size):
        piece = points[begin : begin + size]
        kept += sorted({min(piece, key=lambda one: one.value), max(piece, key=lambda one: one.value)})
    return kept


def _round_values(low: float, high: float) -> Iterator[float]:
    rough = (high - low) / MOST_VALUES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step)
    yield from (number * step for number in range(first, math.floor(high / step) + 1))


def _round_times(begin: float, end: float, zone: str) -> Iterator[float]:
    step = next((one for one in TIME_STEPS if (end - begin) / one <= MOST_TIMES), TIME_STEPS[-1])
    first = datetime.fromtimestamp(begin, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    at = first.astimezone(UTC)
    while at.timestamp() <= end:
        if at.timestamp() >= begin:
            yield at.timestamp()
        at += timedelta(seconds=step)


def _day(at: float, zone: str, *, clock: bool = False) -> str:
    try:
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):{'%H:%M' if clock else '%Y-%m-%d'}}"
    except (OverflowError, ValueError, OSError):  # a slow drift may end beyond all calendars
        return "no date"


def _add(
    parent: ET.Element, kind: Literal["rect", "line", "path", "polygon"], style: str, **places: float | str
) -> None:
    ET.SubElement(
        parent,
        kind,
        {"class": style} | {name: one if isinstance(one, str) else f"{one:.1f}" for name, one in places.items()},
    )


def _text(parent: ET.Element, kind: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, kind, attributes).text = text


def _label(parent: ET.Element, text: str, x: float, y: float, *, style: str = "", anchor: str = "start") -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    _text(parent, "text", text, **attributes | ({"class": style} if style else {}))
