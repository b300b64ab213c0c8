"""`foretell window`: the times that a person is shown on the host, and what becomes of their word."""

from __future__ import annotations

import time

import msgspec
import pytest

from agent.calendar.windows import MaintenanceWindow
from agent.following.model import Acted, Agreement
from thresholds import Forecast

HOUR, DAY = 3600.0, 86400.0
KEY = "a1" * 32


@pytest.fixture
def case(snapshot, store):
    """An open case of which the desk was told, and whose crossing is a week ahead."""
    now = time.time()
    forecast = Forecast(now + 7 * DAY, now + 8 * DAY, now + 9 * DAY)
    case = msgspec.structs.replace(snapshot.cases[0], forecast=forecast, state="open", proposed=(), agreed=None)
    store.save_case(case, (), now)
    return case


@pytest.fixture
def told(case, store):
    """The same, and its ticket proposes a time that is over and two that are not."""
    now = time.time()
    windows = (_window(now - 2 * HOUR), _window(now + DAY), _window(now + 2 * DAY))
    case = msgspec.structs.replace(case, proposed=windows)
    store.save_case(case, (), now)
    return case


def _window(start: float) -> MaintenanceWindow:
    return MaintenanceWindow(start=start, end=start + HOUR, zone="UTC")


@pytest.mark.usefixtures("case")
def test_times_are_planned_when_the_ticket_has_none(foretell):
    """With reasons, in words and in JSON, all before it could happen."""
    ended = foretell("window", "suggest", "a1a1")
    assert ended.status == 0
    assert "Planned now; the ticket has none of these:" in ended.out
    found = foretell("window", "suggest", "a1a1", "--json").json
    assert [one["number"] for one in found["options"]] == [1, 2, 3]
    assert (found["key"], found["on_ticket"], found["agreed"], found["act_now"]) == (KEY, False, None, False)
    assert {reason["code"] for reason in found["options"][0]["reasons"]} >= {"hours", "notice", "margin"}


@pytest.mark.usefixtures("told")
def test_the_numbers_are_those_of_the_ticket(foretell):
    """What is over is not offered, and what is left keeps its number."""
    found = foretell("window", "suggest", "a1a1", "--json").json
    assert (found["on_ticket"], [one["number"] for one in found["options"]]) == (True, [2, 3])
    refused = foretell("window", "accept", "a1a1", "1")
    assert refused.status == 2
    assert "there is no time 1" in refused.err


def test_a_word_is_left_for_the_daemon_with_its_window(foretell, told, store):
    """The window goes along, so that it is the one that was shown."""
    ended = foretell("window", "accept", "a1a1", "2")
    assert ended.status == 0
    assert "Agreed for a1a1a1a1" in ended.out
    [event] = store.take_events()
    assert isinstance(event, Acted)
    assert (event.act.kind, event.act.option, event.window) == ("accept_window", 2, told.proposed[1])


@pytest.mark.usefixtures("case")
def test_a_planned_time_can_be_agreed_to(foretell, store):
    """One that no ticket ever told."""
    first = foretell("window", "suggest", "a1a1", "--json").json["options"][0]
    agreed = foretell("window", "accept", "a1a1", "1", "--json").json
    assert (agreed["start"], agreed["end"]) == (first["start"], first["end"])
    [event] = store.take_events()
    assert event.window.end - event.window.start == HOUR


def test_a_case_that_is_closed_gets_no_time(foretell, store, case):
    """It says in which state it is."""
    store.save_case(msgspec.structs.replace(case, state="closed", closed_at=time.time()), (), time.time())
    ended = foretell("window", "accept", "a1a1", "1")
    assert ended.status == 2
    assert "cannot be given a time" in ended.err


def test_what_is_agreed_is_shown(foretell, store, case):
    """By whom, and when."""
    agreed = Agreement(window=_window(time.time() + DAY), by="sue", at=time.time())
    store.save_case(msgspec.structs.replace(case, agreed=agreed), (), time.time())
    assert "Agreed by sue: " in foretell("window", "suggest", "a1a1").out
    assert foretell("window", "suggest", "a1a1", "--json").json["agreed"]["by"] == "sue"


def test_no_time_before_it_happens_is_said_with_1(foretell, store, case):
    """And what was passed over, for what."""
    soon = Forecast(time.time() + HOUR, time.time() + 2 * HOUR, None)
    store.save_case(msgspec.structs.replace(case, forecast=soon), (), time.time())
    ended = foretell("window", "suggest", "a1a1")
    assert ended.status == 1
    assert "better not put off" in ended.out
    assert "Passed over:" in ended.out


@pytest.mark.usefixtures("store")
def test_a_key_that_no_case_has_is_a_usage_error(foretell):
    """As everywhere."""
    assert foretell("window", "suggest", "ffff").status == 2
