"""What networks, proxies and overworked desks do, in front of a real Request Tracker: one ticket each, and nothing lost."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from werkzeug import Response

from census import configure, count
from deliveries import START, Deliveries
from desk_between import DeskBetween

MINUTE, HOUR = 60.0, 3600.0
LIFE = ("open", "comment", "attach", "raise_priority", "resolve")
CASES = 5

pytestmark = pytest.mark.faults


@pytest.fixture
def between(rt):
    """The wire, which does nothing yet."""
    return DeskBetween(rt.url)


@pytest.fixture
def deliveries(rt, between, tmp_path):
    """A state folder that knows the desk at the other end of the wire."""
    with between.running():
        return Deliveries(tmp_path / "state", configure(rt, tmp_path, between.url))


class FirstTime:
    """Tells whether a request is a change, and made for the first time. changes: those it has seen."""

    def __init__(self):
        self.changes = set()

    def __call__(self, request):
        what = request.method, request.path, request.get_data()
        if request.method == "GET" or what in self.changes:
            return False
        self.changes.add(what)
        return True


def page():
    """Return what a proxy says when it has no desk to ask, with success."""
    return Response("<html><body>We will be back soon.</body></html>", 200, content_type="text/html")


def test_every_answer_to_a_change_is_lost_once(rt, between, deliveries, tell):
    """The desk has done it, and nobody hears of it."""
    between.lose = is_first = FirstTime()
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        deliveries.settle()
    assert len(is_first.changes) == CASES * len(LIFE)
    tell(rt, "answer lost after commit, for each change", count(rt, deliveries))


@pytest.mark.parametrize("status", [500, 502])
def test_every_change_that_was_made_is_answered_with_an_error(rt, between, deliveries, tell, status):
    """The desk has done it, and says that it has not."""
    is_first = FirstTime()
    between.change = lambda request, response: Response("oops", status) if is_first(request) else response
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        deliveries.settle()
    assert len(is_first.changes) == CASES * len(LIFE)
    tell(rt, f"{status} after commit, for each change", count(rt, deliveries))


def test_the_desk_is_down_for_an_hour_with_200_cases_queued(rt, between, deliveries, tell):
    """Nobody listens; what was queued waits, and arrives when the desk is back."""
    deliveries.add_cases(200, "open")
    while deliveries.now < START + HOUR:
        assert deliveries.courier().returncode == 0
        deliveries.now = deliveries.next_try()
    assert 5 < deliveries.couriers < 60, "tried again and again, and less and less often"
    assert len(deliveries.waiting()) == 200
    with between.running():
        deliveries.settle()
    tell(rt, "down for an hour with 200 cases queued", count(rt, deliveries))


@pytest.mark.parametrize("way", ["seconds", "date"])
def test_a_storm_of_429_is_waited_out(rt, between, deliveries, tell, way):
    """For ten minutes the desk asks for two minutes' patience each time, and gets it."""
    asked_at = []

    def refuse(_):
        asked_at.append(deliveries.now)
        if deliveries.now > START + 10 * MINUTE:
            return None
        then = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
        return Response("{}", 429, {"Retry-After": "120" if way == "seconds" else then})

    between.before = refuse
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        deliveries.courier()
        deliveries.settle()
    during = [at for at in asked_at if at <= START + 10 * MINUTE]
    assert 3 <= len(during) <= 6
    assert all(later - earlier >= 119 for earlier, later in itertools.pairwise(during))
    tell(rt, f"storm of 429, Retry-After as {way}", count(rt, deliveries))


def test_a_page_for_people_is_not_taken_for_success(rt, between, deliveries, tell):
    """HTML with 200: instead of the desk for ten minutes, and then once instead of the answer to each change."""
    is_first = FirstTime()
    between.before = lambda _: page() if deliveries.now < START + 10 * MINUTE else None
    between.change = lambda request, response: page() if is_first(request) else response
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        deliveries.courier()
        assert len(deliveries.waiting()) == CASES * len(LIFE)
        deliveries.settle()
    assert len(is_first.changes) == CASES * len(LIFE)
    tell(rt, "HTML with 200, before and after commit", count(rt, deliveries))


def test_a_search_that_lags_a_minute_makes_no_second_ticket(rt, between, deliveries, tell):
    """The answer to the opening is lost, and for 60 s the desk does not find what it has made: nobody asks before that."""
    between.lose = FirstTime()
    made = {}

    def forget(request, response):
        if (request.method, request.path) == ("POST", "/REST/2.0/ticket"):
            made[json.loads(response.data)["id"]] = deliveries.now
        elif request.path == "/REST/2.0/tickets":
            found = json.loads(response.data)
            found["items"] = [
                one for one in found["items"] if deliveries.now - made.get(int(one["id"]), START - HOUR) >= MINUTE
            ]
            return Response(json.dumps(found), response.status_code, content_type="application/json")
        return response

    between.change = forget
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        for _ in range(3):
            assert deliveries.courier().returncode == 0
            deliveries.now += 19
        assert len(made) <= CASES
        deliveries.settle()
    assert len(made) == CASES
    tell(rt, "search that lags 60 s, answers lost", count(rt, deliveries))


def test_a_search_that_finds_a_stranger_leaves_it_alone(rt, request_tracker, between, deliveries, tell):
    """The desk ignores what it is asked for and returns everybody's tickets; only the one with our key is ours."""
    fields = {"Queue": request_tracker.queue, "Subject": "a stranger's", "CustomFields": {"ForetellKey": "stranger"}}
    stranger = request_tracker.ask("POST", "ticket", json=fields)["id"]

    def everybody(request, path):
        query = f"Queue = '{request_tracker.queue}' AND id >= {stranger}"
        wanted = "&fields=Status,CustomFields,EffectiveId&per_page=100&orderby=id"
        return f"/REST/2.0/tickets?query={quote(query)}{wanted}" if request.path == "/REST/2.0/tickets" else path

    def history():
        return request_tracker.ask("GET", f"ticket/{stranger}/history", params={"per_page": 100})["items"]

    before = history()
    between.ask, between.lose = everybody, FirstTime()
    deliveries.add_cases(CASES, *LIFE)
    with between.running():
        deliveries.settle()
    assert history() == before
    tell(rt, "search that returns strangers, answers lost", count(rt, deliveries))
