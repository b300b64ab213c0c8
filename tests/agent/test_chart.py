"""A chart says in words what it shows, is well-formed whatever it is given, and stays within its frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chart import HEIGHT, MOST_POINTS, WIDTH, Chart, Mark, Point, draw
from agent.settings import DAY, HOUR
from thresholds import Forecast

NOW = 1_772_668_800.0  # 2026-03-05 00:00 UTC
FALLING = [Point(NOW - DAY + hour * HOUR, 30e9 - hour * 1e9) for hour in range(24)]
NAMESPACE = "{http://www.w3.org/2000/svg}"


def chart(**changes):
    whole = {
        "title": "Disk <&> /srv",
        "points": FALLING,
        "unit": "bytes",
        "limit": 0.0,
        "forecast": Forecast(NOW + DAY, NOW + 2 * DAY, None),
        "seen_at": NOW,
        "windows": [(NOW + HOUR, NOW + 2 * HOUR)],
        "marks": [Mark(NOW, "P3 ticket")],
    }
    return Chart(**(whole | changes))


def drawn(one):
    return ET.fromstring(draw(one))  # noqa: S314 - it is ours


def test_it_says_in_words_what_it_shows():
    """For those who do not see it: values, limit, forecast, and what happened when."""
    words = drawn(chart()).find(f"{NAMESPACE}desc").text
    assert words == (
        "From 2026-03-04 to 2026-03-04 the value went from 30.0 GB to 7.0 GB. The limit is 0 B. Seen from 2026-03-05 it is"
        " reached at the earliest 2026-03-06, most likely 2026-03-07, or never. P3 ticket: 2026-03-05."
    )


def test_a_name_of_the_host_is_only_a_text():
    """Markup in a title stays letters."""
    assert drawn(chart()).find(f"{NAMESPACE}title").text == "Disk <&> /srv"


def test_no_peak_is_lost_among_many_points():
    """A month by the minute is drawn with few points, the one high one among them."""
    points = [Point(NOW + minute * 60, 1.0) for minute in range(30 * 24 * 60)]
    points[1234] = Point(points[1234].at, 99.0)
    path = drawn(chart(points=points, unit="count", forecast=None)).find(f"{NAMESPACE}path").get("d")
    places = [tuple(map(float, pair.split(","))) for pair in path[1:].split(" L")]
    assert len(places) <= MOST_POINTS
    assert min(y for _, y in places) < HEIGHT / 4


def test_nothing_to_draw_is_said():
    """No point, or none with a value."""
    for points in ([], [Point(NOW, float("nan"))]):
        with pytest.raises(ValueError, match="nothing to draw"):
            draw(chart(points=points))


amounts = st.floats(min_value=-1e15, max_value=1e15)


@given(values=st.lists(amounts, min_size=1, max_size=40), limit=st.none() | amounts, ahead=st.floats(0, 1e12))
def test_whatever_is_drawn_is_within_the_frame(values, limit, ahead):
    """Flat, huge, tiny and negative values, a limit far away, a forecast beyond all calendars."""
    points = [Point(NOW + number * HOUR, value) for number, value in enumerate(values)]
    forecast = Forecast(NOW + ahead, NOW + 2 * ahead, NOW + 3 * ahead)
    for element in drawn(chart(points=points, limit=limit, forecast=forecast)).iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= float(element.get(name, 0)) <= WIDTH
        for name in ("y1", "y2"):
            assert -1 <= float(element.get(name, 0)) <= HEIGHT + 1
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", element.get("d", "") + element.get("points", "")):
            assert 0 <= float(x) <= WIDTH
            assert -1 <= float(y) <= HEIGHT + 1
