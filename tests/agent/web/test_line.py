"""The time line: the next comes first, everything is on it, and what is past is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.configuration.settings import DAY, HOUR
from agent.web.line import LONGEST, TimeLine
from agent.web.view import CaseView, Window
from thresholds import Forecast

NOW = 1_795_600_800.0


def told(title="a case", forecast=None, windows=()):
    """Return a case with what is still to come of it."""
    return CaseView(title=title, priority="P3", standing="diagnosed", since=NOW, forecast=forecast, windows=windows)


def test_the_next_comes_first_whatever_the_priority():
    """By the first moment at which anything of a case is on the line."""
    late = told("late", Forecast(NOW + 9 * DAY, NOW + 9 * DAY, NOW + 9 * DAY))
    soon = told("soon", windows=(Window(start=NOW + HOUR, end=NOW + 2 * HOUR),))
    assert [bar.case.title for bar in TimeLine([late, soon], NOW, "UTC").bars] == ["soon", "late"]


def test_a_case_of_which_nothing_is_to_come_is_not_on_it():
    """Neither one without dates nor one whose window is over."""
    over = told(windows=(Window(start=NOW - 2 * HOUR, end=NOW - HOUR),))
    assert TimeLine([told(), over], NOW, "UTC").bars == []


def test_what_may_never_happen_reaches_to_the_end():
    """Its band ends where the line ends, and its most likely day is marked."""
    [bar] = TimeLine([told(forecast=Forecast(NOW + DAY, NOW + 3 * DAY, None))], NOW, "UTC").bars
    assert round(bar.band.begin + bar.band.length) == 100
    assert bar.band.begin < bar.expected < 100


times = st.floats(-10 * DAY, 400 * DAY)


@given(times, times, st.none() | times, times, st.floats(60, DAY))
def test_whatever_comes_is_within_the_line(earliest, further, latest, start, length):
    """No bar, mark or day is drawn outside, however far away a date is."""
    ordered = sorted(at for at in (earliest, further, latest) if at is not None)
    forecast = Forecast(NOW + ordered[0], NOW + ordered[1], None if latest is None else NOW + ordered[-1])
    window = Window(start=NOW + start, end=NOW + start + length)
    line = TimeLine([told(forecast=forecast, windows=(window,))], NOW, "Europe/Berlin")
    for bar in line.bars:
        for stretch in (*bar.windows, *([bar.band] if bar.band else [])):
            assert 0 <= stretch.begin <= 100
            assert stretch.length > 0
        assert bar.expected is None or 0 <= bar.expected <= 100
    assert all(0 <= tick.share <= 100 and tick.at <= NOW + LONGEST for tick in line.ticks)
    assert len(line.ticks) <= 14
