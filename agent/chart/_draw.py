"""One series over time as a drawing: what was measured, the limit, when it may be reached, and when to act. SVG, no script.

The drawing is as wide as its place: lines stretch, letters keep their size. Colours and lines come from `style.css`, in light and
dark, which is part of a drawing that stands alone; a page that holds several serves it once. Every drawing says in words what it
shows, for those who do not see it; in whose language is the caller's choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from typing import Literal
from xml.etree import ElementTree as ET

from agent.chart._chart import Chart, ChartWords, Point
from agent.chart._frame import PLOT, Frame, round_times, round_values, thinned, written
from agent.chart._plain_words import PLAIN
from agent.configuration.settings import DAY

WIDTH, HEIGHT = 900, 360  # of a drawing that stands alone
TOP, BOTTOM = 0.11, 0.89  # of the height: between them is the plot
AT_THE_EDGE = 0.08  # labels nearer to it than this share of the width grow inwards
ROOM_FOR_LABEL = 0.15


def style() -> str:
    """Return the style sheet of drawings."""
    return resources.files("agent.chart").joinpath("style.css").read_text("utf-8")


def draw(chart: Chart, words: ChartWords = PLAIN, name: str = "", *, inside: bool = False) -> str:
    """Return the drawing as an SVG document, its texts by `words`. Raises ValueError when there is no point to draw.

    name: what tells it from the other drawings that stand in the same page, in the ids of its title and description.
    inside: for an HTML page that serves `style` itself and says the title above it; it is as wide and as high as it has room.
    """
    points = thinned([point for point in chart.points if math.isfinite(point.value)])
    if not points:
        raise ValueError("there is nothing to draw: no reading has a value")
    frame = Frame(chart, points)
    ids = {"title": f"{name}title", "desc": f"{name}description"}
    svg = ET.Element("svg", {"class": "chart", "role": "img", "aria-labelledby": " ".join(ids.values())})
    _text(svg, "title", chart.title, id=ids["title"])
    _text(svg, "desc", words.describe(chart, points), id=ids["desc"])
    if not inside:
        svg.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
        _text(svg, "style", style())
        ET.SubElement(svg, "rect", {"class": "paper", "width": "100%", "height": "100%"})
        _label(svg, chart.title, 0, 0, style="title", dx=2, dy=-14)
    plot = ET.SubElement(
        svg,
        "svg",
        {
            "y": f"{TOP:.0%}",
            "width": "100%",
            "height": f"{BOTTOM - TOP:.0%}",
            "viewBox": f"0 0 {PLOT} {PLOT}",
            "preserveAspectRatio": "none",
        },
    )
    for begin, end in chart.windows:
        x = frame.x(begin)
        _add(plot, "rect", "window", x=x, y=0, width=min(max(frame.x(end) - x, 3), PLOT - x), height=PLOT)
    _axes(svg, plot, frame, words, first_day="%m-%d" if inside else "%Y-%m-%d")
    _forecast(plot, frame, points)
    path = "M" + " L".join(f"{frame.x(one.at):.1f},{frame.y(one.value):.1f}" for one in points)
    _add(plot, "path", "line", d=path)
    if chart.limit is not None:
        y = frame.y(chart.limit)
        _add(plot, "line", "limit", x1=0, x2=PLOT, y1=y, y2=y)
        above = y > PLOT / 2
        _label(svg, words.limit(chart), PLOT, y, style="of-limit", anchor="end", dy=-5 if above else 14)
    for number, mark in enumerate(chart.marks):
        x = frame.x(mark.at)
        _add(plot, "line", "mark", x1=x, x2=x, y1=0, y2=PLOT)
        near_the_edge = x > PLOT * (1 - ROOM_FOR_LABEL)
        dx, anchor = (-4, "end") if near_the_edge else (4, "start")
        _label(svg, mark.label, x, 0, anchor=anchor, dx=dx, dy=12 + 15 * (number % 3))
    return ET.tostring(svg, encoding="unicode")


def _axes(svg: ET.Element, plot: ET.Element, frame: Frame, words: ChartWords, *, first_day: str) -> None:
    for value in round_values(frame.low, frame.high):
        y = frame.y(value)
        _add(plot, "line", "grid", x1=0, x2=PLOT, y1=y, y2=y)
        _label(svg, words.amount(value, frame.chart.unit), 0, y, style="scale", dx=2, dy=-4)
    short = frame.end - frame.begin <= 2 * DAY
    for number, at in enumerate(round_times(frame.begin, frame.end, frame.chart.zone)):
        x = frame.x(at)
        _add(plot, "line", "grid", x1=x, x2=x, y1=0, y2=PLOT)
        anchor = "start" if x < PLOT * AT_THE_EDGE else "end" if x > PLOT * (1 - AT_THE_EDGE) else "middle"
        told = written(at, frame.chart.zone, "%H:%M" if short else "%m-%d" if number else first_day)
        _label(svg, told, x, PLOT, style="scale second" if number % 2 else "scale", anchor=anchor, dy=17)
    _label(svg, frame.chart.zone, PLOT, PLOT, style="zone", anchor="end", dx=-6, dy=34)
    _label(svg, frame.chart.note, 0, PLOT, style="note", dx=2, dy=34)


def _forecast(plot: ET.Element, frame: Frame, points: Sequence[Point]) -> None:
    """Draw from where it was seen to when the limit may be reached: a band, and the most likely way in it."""
    chart = frame.chart
    if chart.forecast is None or chart.limit is None:
        return
    seen = max((one for one in points if one.at <= chart.seen_at), default=points[0], key=lambda one: one.at)
    x, y, limit = frame.x(seen.at), frame.y(seen.value), frame.y(chart.limit)
    earliest, expected = frame.x(chart.forecast.earliest), frame.x(chart.forecast.expected)
    latest = frame.x(frame.end if chart.forecast.latest is None else chart.forecast.latest)
    corners = f"{x:.1f},{y:.1f} {earliest:.1f},{limit:.1f} {latest:.1f},{limit:.1f}"
    _add(plot, "polygon", "band", points=corners)
    _add(plot, "line", "expected", x1=x, y1=y, x2=expected, y2=limit)


def _add(
    parent: ET.Element, kind: Literal["rect", "line", "path", "polygon"], style: str, **places: float | str
) -> None:
    ET.SubElement(
        parent,
        kind,
        {"class": style, "vector-effect": "non-scaling-stroke"}
        | {name: one if isinstance(one, str) else f"{one:.1f}" for name, one in places.items()},
    )


def _text(parent: ET.Element, kind: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, kind, attributes).text = text


def _label(
    svg: ET.Element,
    text: str,
    x: float,
    y: float,
    *,
    style: str = "",
    anchor: str = "start",
    dx: float = 0,
    dy: float = 0,
) -> None:
    """Write `text` at a place of the plot, `dx` and `dy` pixels from it."""
    height = TOP + y / PLOT * (BOTTOM - TOP)
    _text(
        svg,
        "text",
        text,
        x=f"{x / PLOT:.2%}",
        y=f"{height:.2%}",
        dx=f"{dx:g}",
        dy=f"{dy:g}",
        **{"text-anchor": anchor} | ({"class": style} if style else {}),
    )
