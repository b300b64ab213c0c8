"""What windows are planned in, read from the agent's own records."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from agent.calendar.survey import survey
from agent.calendar.windows import MaintenanceWindow
from agent.configuration.settings import DAY, HOUR, Settings
from agent.following.model import Agreement, Case
from agent.store import History, Store
from collectors import Reading

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=ZONE).timestamp()


@pytest.fixture
def store(tmp_path):
    """The records of an agent that was installed a month ago."""
    with Store.open(tmp_path, now=NOW - 30 * DAY) as store:
        yield store


def remember(store: Store, days: float) -> None:
    """Write a history of so many days until now, in which nights are quiet."""
    history = History(store, Settings().history)
    begins = NOW - days * DAY
    for number in range(round(days * 24)):
        at = begins + number * HOUR
        load = 0.05 if datetime.fromtimestamp(at, ZONE).hour < 6 else 0.6
        history.remember([Reading("cpu_utilization_ratio", load, "ratio", {}, at)])
    history.flush(NOW)


def window(hours: float) -> MaintenanceWindow:
    """Return a window of an hour that begins in so many hours."""
    return MaintenanceWindow(start=NOW + hours * HOUR, end=NOW + (hours + 1) * HOUR, zone="Europe/Berlin")


def a_case(key: str, **rest) -> Case:
    """Return an open case."""
    return Case(key=key * 64, rule="r", subject={}, state="open", first_seen=NOW, last_seen=NOW, changed_at=NOW, **rest)


def test_habits_are_learned_from_the_history_on_disk(store):
    """Three weeks of it: four in the morning is quiet."""
    remember(store, 21)
    quiet = survey(Settings(), "host", ZONE, NOW, store).quiet
    four = datetime(2026, 11, 24, 4, tzinfo=ZONE).timestamp()
    assert quiet.known
    assert quiet.load(four, four + HOUR) == pytest.approx(0.05)


def test_a_young_host_has_no_habits_yet(store):
    """Five days of history are told as five days."""
    remember(store, 5)
    quiet = survey(Settings(), "host", ZONE, NOW, store).quiet
    assert (quiet.known, quiet.span) == (False, pytest.approx(5 * DAY))


def test_a_history_that_cannot_be_read_stops_no_planning(store):
    """The calendar is there all the same."""
    (store.folder / "history.sqlite").mkdir()
    around = survey(Settings(), "host", ZONE, NOW, store)
    assert around.quiet is None
    assert around.calendar.hours


def test_windows_of_open_cases_are_taken(store):
    """Of a case that has agreed on one only that; what is over, and what belongs to closed cases, is not."""
    agreed = Agreement(window=window(10), by="Ann", at=NOW)
    closed = msgspec.structs.replace(a_case("c", proposed=(window(30),)), state="closed", closed_at=NOW)
    for case in (
        a_case("a", proposed=(window(10), window(20)), agreed=agreed),
        a_case("b", proposed=(window(-3), window(40))),
        closed,
    ):
        store.save_case(case, (), NOW)
    taken = survey(Settings(), "host", ZONE, NOW, store).taken
    assert [(one.case[0], (one.start - NOW) / HOUR, one.agreed) for one in taken] == [("a", 10, True), ("b", 40, False)]
