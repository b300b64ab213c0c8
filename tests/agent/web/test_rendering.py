"""Pages come from a child, one at a time, once per snapshot."""

import gzip
import threading

import msgspec
import pytest

from agent.web import rendering
from agent.web.rendering import (
    MOST_CACHED,
    MOST_CACHED_BYTES,
    EngineerPage,
    PageRenderer,
    RenderFailed,
    StatusPage,
    render_in_child,
)
from collectors import Reading


def test_the_child_renders_what_it_is_handed(snapshot):
    """The real child, with a reading that has no number, which JSON could not carry."""
    odd = msgspec.structs.replace(snapshot, readings=[Reading("fan_speed_ratio", float("nan"), "ratio", {}, 0.0)])
    html = gzip.decompress(render_in_child(EngineerPage(snapshot=odd))).decode()
    assert html.startswith("<!doctype html>")
    assert "no number" in html


def test_a_child_that_fails_says_why(snapshot, monkeypatch):
    """Its last words are in the error, for the log."""
    monkeypatch.setattr(rendering.msgspec.msgpack, "encode", lambda _: b"not a page")
    with pytest.raises(RenderFailed, match="ValidationError"):
        render_in_child(StatusPage(summary=snapshot.summary))


def test_a_child_that_hangs_is_given_up(snapshot, monkeypatch):
    """A page is not worth waiting for without end."""
    monkeypatch.setattr(rendering, "LONGEST_RENDER", 0.01)
    with pytest.raises(RenderFailed, match="timed out"):
        render_in_child(StatusPage(summary=snapshot.summary))


def test_a_child_that_cannot_start_is_said(snapshot, monkeypatch):
    """Even without a Python to run there is an answer."""
    monkeypatch.setattr(rendering.sys, "executable", "/nowhere/python")
    with pytest.raises(RenderFailed, match="No such file"):
        render_in_child(StatusPage(summary=snapshot.summary))


def front(snapshot):
    """Return what makes the front page of `snapshot` when it is needed."""
    return lambda: StatusPage(summary=snapshot.summary)


class Counting:
    """Renders pages as numbers."""

    def __init__(self):
        self.count = 0

    def __call__(self, _):
        self.count += 1
        return str(self.count).encode()


def test_a_page_is_rendered_once_per_snapshot(snapshot):
    """Whoever asks again before the next snapshot gets the same page; other pages and later ones are rendered anew."""
    renderer = PageRenderer(Counting())
    page = front(snapshot)
    assert [renderer.render(snapshot, name, page) for name in ("", "", "case", "")] == [b"1", b"1", b"2", b"1"]
    newer = msgspec.structs.replace(snapshot)
    assert renderer.render(newer, "", page) == b"3"


def test_the_cache_is_bounded(snapshot):
    """Looking at every case there is does not fill the daemon's memory."""
    renderer = PageRenderer(Counting())
    page = front(snapshot)
    for number in range(5 * MOST_CACHED):
        renderer.render(snapshot, str(number), page)
    assert len(renderer._pages) <= MOST_CACHED


def test_the_cache_is_bounded_in_bytes_too(snapshot):
    """A few enormous pages are made again rather than kept."""
    renderer = PageRenderer(lambda _: b"x" * (MOST_CACHED_BYTES // 2))
    for number in range(4):
        renderer.render(snapshot, str(number), front(snapshot))
    assert sum(map(len, renderer._pages.values())) <= MOST_CACHED_BYTES


def test_whoever_asks_at_the_same_time_waits_for_the_one_child(snapshot):
    """Two browsers make one child."""
    started, finish = threading.Event(), threading.Event()
    count = Counting()

    def slow(page):
        started.set()
        finish.wait(5)
        return count(page)

    renderer = PageRenderer(slow)
    answers = []
    asking = [
        threading.Thread(target=lambda: answers.append(renderer.render(snapshot, "", front(snapshot))))
        for _ in range(2)
    ]
    asking[0].start()
    assert started.wait(5)
    asking[1].start()
    finish.set()
    for thread in asking:
        thread.join(5)
    assert answers == [b"1", b"1"]


def test_nobody_waits_for_ever_behind_a_stuck_page(snapshot, monkeypatch):
    """Behind a child that does not come back the others are told so."""
    monkeypatch.setattr(rendering, "LONGEST_RENDER", 0.01)
    renderer = PageRenderer(Counting())
    with renderer._lock, pytest.raises(RenderFailed, match="do not get ready"):
        renderer.render(snapshot, "", front(snapshot))


def test_a_failed_page_is_tried_again(snapshot):
    """A failure is not kept."""
    answers = iter([RenderFailed("no memory"), b"page"])

    def render(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    renderer = PageRenderer(render)
    with pytest.raises(RenderFailed):
        renderer.render(snapshot, "", front(snapshot))
    assert renderer.render(snapshot, "", front(snapshot)) == b"page"
