"""What was rendered before is not rendered again, and the page is what prometheus-client would have made of it at once."""

import pytest

from agent import metric_family
from agent.metric_family import FORMATS, PLAIN, Family, GaugeMetricFamily, Part


def family(**values):
    return Family(
        "foretell_room", GaugeMetricFamily, "Room.", ["disk"], {(disk,): value for disk, value in values.items()}
    )


def at_once(content_type, **values):
    whole = GaugeMetricFamily("foretell_room", "Room.", labels=["disk"])
    for disk, value in values.items():
        whole.add_metric([disk], value)
    generate, end = FORMATS[content_type]
    return generate(metric_family._Families([whole])).removesuffix(end)


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize(
    "then",
    [
        {"a": 1, "b": 2},
        {"a": 1, "b": 3.5e-7},
        {"a": -1e21, "b": float("inf")},
        {"b": 2},
        {"a": 1, "b": 2, "c": 3},
        {},
        {"c": float("nan"), "a": 1},
    ],
    ids=["the same", "one changed", "all changed", "one gone", "one new", "all gone", "another order"],
)
def test_whatever_becomes_of_a_family_its_lines_are_right(content_type, then):
    part = Part(family(a=1, b=2))
    part.text(content_type)
    part.show(family(**then))
    assert part.text(content_type) == at_once(content_type, **then)


def test_only_what_is_new_is_rendered_and_of_the_rest_its_value(monkeypatch):
    part = Part(family(a=1, b=2, c=3))
    part.text(PLAIN)
    rendered = []
    add = GaugeMetricFamily.add_metric
    monkeypatch.setattr(
        GaugeMetricFamily, "add_metric", lambda self, texts, value: (rendered.append(texts), add(self, texts, value))
    )
    part.show(family(a=1, b=5, c=3, d=4))
    part.text(PLAIN)
    assert rendered == [("d",)]


def test_a_label_with_line_breaks_is_one_line():
    odd = Family("foretell_room", GaugeMetricFamily, "Room.", ["disk"], {("a\nb\rc\x85d",): 1.0, ("e",): 2.0})
    assert Part(odd).text(PLAIN).count(b"\n") == 4
