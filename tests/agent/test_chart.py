"""A chart says in words what it shows, is well-formed whatever it is given, and stays within its frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chart import MOST_POINTS, PLOT, Chart, Mark, Point, draw, style
from agent.configuration.settings import DAY, HOUR
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
        " reached at the earliest 2026-03-06, most likely 2026-03-07, or never. A time to act: 2026-03-05 01:00 to 02:00."
        " P3 ticket: 2026-03-05."
    )


class Klingon:
    """Words of another language."""

    def amount(self, value, unit):
        return f"{value:.0e} {unit}'e'"

    def limit(self, chart):
        return f"veH {chart.limit:g}"

    def describe(self, chart, points):
        return f"{len(points)} mI', {chart.unit}"


def test_it_speaks_its_readers_language():
    """Every text that is not the caller's own is by the words that were handed over."""
    texts = ET.fromstring(draw(chart(forecast=None), Klingon())).itertext()  # noqa: S314 - it is ours
    assert {"24 mI', bytes", "veH 0", "1e+10 bytes'e'"} <= set(texts)


def test_two_drawings_in_one_page_keep_their_titles_apart():
    """Ids are one page's; what labels a drawing is named by its own."""
    first, second = (ET.fromstring(draw(chart(), name=name)) for name in ("a-", "b-"))  # noqa: S314 - same
    assert first.get("aria-labelledby") == "a-title a-description"
    assert {one.get("id") for one in second.iter() if one.get("id")} == {"b-title", "b-description"}


def test_inside_a_page_it_brings_no_style():
    """The page serves the style once, under a policy that allows no other."""
    assert style() in drawn(chart()).find(f"{NAMESPACE}style").text
    inside = ET.fromstring(draw(chart(), inside=True))  # noqa: S314 - it is ours
    assert not {"style", "{http://www.w3.org/2000/svg}style"} & {element.tag for element in inside.iter()}
    assert not any(element.get("style") for element in inside.iter())


def test_a_name_of_the_host_is_only_a_text():
    """Markup in a title stays letters."""
    assert drawn(chart()).find(f"{NAMESPACE}title").text == "Disk <&> /srv"


def test_no_peak_is_lost_among_many_points():
    """A month by the minute is drawn with few points, the one high one among them."""
    points = [Point(NOW + minute * 60, 1.0) for minute in range(30 * 24 * 60)]
    points[1234] = Point(points[1234].at, 99.0)
    path = drawn(chart(points=points, unit="count", forecast=None)).find(f".//{NAMESPACE}path").get("d")
    places = [tuple(map(float, pair.split(","))) for pair in path[1:].split(" L")]
    assert len(places) <= MOST_POINTS
    assert min(y for _, y in places) < PLOT / 4


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
        for name in ("x", "y", "x1", "x2", "y1", "y2"):
            place = element.get(name, "0")
            assert 0 <= (float(place[:-1]) if place.endswith("%") else float(place)) <= (100 if "%" in place else PLOT)
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", element.get("d", "") + element.get("points", "")):
            assert 0 <= float(x) <= PLOT
            assert -1 <= float(y) <= PLOT + 1
