"""The history gives back what was remembered, however it is stored by now, and keeps within its bounds."""

import math
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.configuration.settings import DAY, HOUR, MINUTE, HistorySettings
from agent.store import History, Hour, Store, StoreUnavailable
from agent.store import _history as module
from collectors import Reading

START = 1_795_600_800.0  # on the hour
FLUSH = 10 * MINUTE


@pytest.fixture
def store(tmp_path):
    """Return new records."""
    with Store.open(tmp_path, now=START) as store:
        yield store


@pytest.fixture
def history(store):
    """Return an empty history with the default settings."""
    return History(store, HistorySettings())


def reading(value: float, at: float, name: str = "load", unit: str = "ratio", **labels: str) -> Reading:
    """Return a reading."""
    return Reading(name, value, unit, labels, at)


SERIES = reading(0, 0).series


def run(history: History, flushes: int, start: float = START, series: int = 1) -> list[tuple[float, float]]:
    """Remember ten readings of each series and flush, so many times; return those of the first series."""
    told = []
    for minute in range(flushes * 10):
        at = start + minute * MINUTE
        value = float(minute % 97)
        history.remember([reading(value, at), *(reading(value, at, number=str(number)) for number in range(1, series))])
        told.append((at, value))
        if minute % 10 == 9:
            history.flush(at)
    return told


def stored(history: History, kind: str) -> int:
    """Return how many spans of this kind are on disk."""
    [(count,)] = history._database.read("SELECT count(*) FROM spans WHERE kind = ?", (kind,))
    return count


def test_what_was_remembered_can_be_read_before_and_after_it_is_on_disk(store, history):
    """One's own youngest readings are part of the history; another process sees them after the flush."""
    history.remember([reading(1.0, START), reading(2.0, START + MINUTE)])
    other = History(store, HistorySettings())
    assert list(history.read(SERIES)) == [(START, 1.0), (START + MINUTE, 2.0)]
    assert list(other.read(SERIES)) == other.series() == []
    history.flush(START + MINUTE)
    history.remember([reading(3.0, START + 2 * MINUTE)])
    assert list(other.read(SERIES)) == [(START, 1.0), (START + MINUTE, 2.0)]
    assert [value for _, value in history.read(SERIES, since=START + MINUTE)] == [2.0, 3.0]
    assert [value for _, value in history.read(SERIES, until=START + MINUTE)] == [1.0]
    assert history.series() == other.series() == [SERIES]


def test_labels_that_only_inform_are_not_remembered(history):
    """A reading that is always 1 has no history; one without a time has no place in it."""
    history.remember([reading(1.0, START, "os_info", "info"), reading(1.0, math.nan)])
    history.flush(START)
    assert history.series() == []
    assert list(history.read("nothing")) == history.hourly("nothing") == []


READINGS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.integers(0, 10**8).map(lambda tick: START + tick / 1000), st.floats()
        ),
        max_size=8,
    ),
    min_size=1,
    max_size=12,
)


@given(READINGS, st.integers(1, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_readings_come_back_by_time_whatever_became_of_their_blocks(tmp_path, monkeypatch, flushes, to_compact):
    """Values exactly, times to the millisecond; also when the clock went back and forth between and within flushes."""
    folder = tmp_path / "once"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", to_compact)
    with Store.open(folder, now=START) as store:
        history = History(store, HistorySettings())
        for flush in flushes:
            history.remember([reading(value, at, name) for name, at, value in flush])
            history.flush(START)
        for name in ("a", "b"):
            told = [(at, value) for flush in flushes for which, at, value in flush if which == name]
            back = list(history.read(reading(0, 0, name).series))
            assert [at for at, _ in back] == sorted(at for at, _ in told)
            assert sorted(map(repr, back)) == sorted(map(repr, told))


def test_a_days_small_blocks_become_one_and_hours_are_the_same_before_and_after(history, monkeypatch):
    """Compaction changes where readings are, not what they say."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 12)
    told = run(history, 12)
    before = history.hourly(SERIES)
    assert (stored(history, "young"), stored(history, "fine")) == (12, 0)
    history.flush(START)
    assert (stored(history, "young"), stored(history, "fine"), stored(history, "hourly")) == (0, 1, 1)
    assert list(history.read(SERIES)) == told
    assert history.hourly(SERIES) == before
    first = [value for at, value in told if at < START + HOUR]
    assert before[0] == Hour(START, 60, sum(first) / 60, min(first), max(first))
    assert history.hourly(SERIES, START + HOUR, START + 2 * HOUR) == before[1:]


def test_an_hour_cut_by_a_compaction_is_one_hour(history, monkeypatch):
    """Parts of it lie in two blocks, in a young one and in memory."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 2)
    run(history, 5)
    history.remember([reading(1000.0, START + 59 * MINUTE)])
    [hour] = history.hourly(SERIES)
    assert (hour.at, hour.count, hour.low, hour.high) == (START, 51, 0.0, 1000.0)
    assert math.isclose(hour.mean, (sum(range(50)) + 1000) / 51)


def test_fine_history_is_kept_for_its_time_and_hourly_for_longer(store, monkeypatch):
    """After 14 days a reading lives on only in its hour."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 6)
    history = History(store, HistorySettings(fine=4 * HOUR, hourly=8 * HOUR))
    told = run(history, 6 * 20)
    fine = list(history.read(SERIES))
    assert fine == told[-len(fine) :]
    assert 4 * 60 <= len(fine) <= 6 * 60
    assert 8 <= len(history.hourly(SERIES)) <= 10
    assert history.hourly(SERIES)[-1].at == START + 19 * HOUR


def test_a_clock_that_lies_for_a_moment_does_not_cost_the_history(store, monkeypatch):
    """One flush ten years from now lets go of two spans, not of all."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 6)
    history = History(store, HistorySettings())
    told = run(history, 6 * 20)
    history.flush(START + 3650 * DAY)
    assert len(list(history.read(SERIES))) >= len(told) - 2 * 60


def test_what_it_takes_on_disk_is_bounded_and_the_oldest_fine_blocks_go_first(store, monkeypatch):
    """`largest` holds whatever the number of series; hours outlive the readings they were made of."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 6)
    bound = 300_000
    history = History(store, HistorySettings(largest=bound))
    told = run(history, 6 * 24, series=60)
    history._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    assert history.size() <= bound
    fine = list(history.read(SERIES))
    assert 0 < len(fine) < len(told)
    assert fine == told[-len(fine) :]
    assert history.hourly(SERIES)[0].at < fine[0][0] - HOUR


def test_lowering_the_bound_makes_the_file_smaller(store, monkeypatch):
    """The disk gets its space back, not only the file its free pages."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 6)
    large = History(store, HistorySettings())
    run(large, 6 * 12, series=60)
    before = large._database.size()
    smaller = History(store, HistorySettings(largest=before // 2))
    smaller.flush(START)
    assert smaller._database.size() <= before // 2
    assert list(smaller.read(SERIES))


def test_series_that_are_gone_are_forgotten_with_their_last_block(store, monkeypatch):
    """A name lives as long as there is a reading of it."""
    monkeypatch.setattr(module, "SPANS_TO_COMPACT", 2)
    history = History(store, HistorySettings(fine=2 * HOUR, hourly=2 * HOUR))
    history.remember([reading(1.0, START, "gone")])
    run(history, 6 * 10)
    assert history.series() == [SERIES]


def test_a_flush_that_fails_loses_nothing(store, history):
    """What could not be written stays in memory, can be read, and is written the next time."""
    run(history, 1)
    history._database._connection.execute("PRAGMA query_only = ON")
    history.remember([reading(7.0, START + HOUR)])
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        history.flush(START + HOUR)
    assert list(history.read(SERIES))[-1] == (START + HOUR, 7.0)
    history._database._connection.execute("PRAGMA query_only = OFF")
    history.flush(START + HOUR)
    assert list(History(store, HistorySettings()).read(SERIES))[-1] == (START + HOUR, 7.0)
    assert len(list(history.read(SERIES))) == 11


def test_memory_is_bounded_when_the_disk_takes_nothing(history, monkeypatch):
    """The older half of every series is let go, the youngest readings stay."""
    monkeypatch.setattr(module, "MOST_IN_MEMORY", 100)
    for number in range(1000):
        history.remember([reading(float(number), START + number), reading(0.0, START + number, "other")])
    kept = list(history.read(SERIES))
    assert 20 <= len(kept) <= 51
    assert kept[-1] == (START + 999, 999.0)


def test_a_damaged_history_is_set_aside_while_the_agent_runs(history, tmp_path):
    """History is given up for the present; it never keeps the agent from its work."""
    run(history, 30, series=40)
    history._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    history._close()
    path = tmp_path / "history.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    history.remember([reading(7.0, START + DAY)])
    with pytest.raises(StoreUnavailable, match="damaged"):
        history.flush(START + DAY)
    history.flush(START + DAY)
    assert list(history.read(SERIES)) == [(START + DAY, 7.0)]
    assert list(tmp_path.glob("history.sqlite.damaged-*"))


def test_a_history_that_cannot_be_opened_does_not_keep_the_agent_from_starting(store, tmp_path):
    """Only what needs the disk says so."""
    (tmp_path / "history.sqlite").mkdir()
    history = History(store, HistorySettings())
    history.remember([reading(1.0, START)])
    with pytest.raises(StoreUnavailable):
        history.flush(START)
    assert history.size() >= 0
