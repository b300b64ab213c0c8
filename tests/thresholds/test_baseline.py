"""Baseline: new and unusual load is told, the load of every night is not."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresholds import CouldNotJudge, Observation, Severity
from thresholds.baseline import PLUGIN, BaselineLimits

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = 1_795_564_800.0  # 2026-11-25, midnight UTC
FIVE_MINUTES = 5 * MINUTE
LIMITS = BaselineLimits(warning=0.9)


class Host:
    """A host that is looked at; `busy` is its load where nothing else is said."""

    def __init__(self, busy=0.2, *, every=FIVE_MINUTES, limits=LIMITS, start=START, scale=1.0):
        self.threshold = PLUGIN.build(limits)
        self.busy = busy
        self.now = start
        self.every = every
        self.scale = scale
        self.memory = None
        self.seen = []

    def live(self, days, load=lambda _: None):
        """Let days pass; `load` of the unix time comes instead of the usual one where it is not None."""
        for _ in range(round(days * DAY / self.every)):
            self.now += self.every
            value = load(self.now)
            value = self.busy if value is None else value
            answer, self.memory = self.threshold.evaluate(Observation(self.now, value * self.scale), self.memory)
            self.seen.append((self.now, answer))
        return self

    @property
    def told(self):
        """What was told, in the order in which it began."""
        bad = [(at, getattr(answer, "severity", 0), answer) for at, answer in self.seen]
        return [
            answer.evidence["path"]
            for (_, before, _), (_, severity, answer) in zip([(0, 0, None), *bad], bad, strict=False)
            if severity and not before
        ]


def at_hours(first, last, load=1.0, *, weekday=None):
    """A load from one hour of the day to another, on every day or one of the week."""

    def at(now):
        day, hour = divmod((now - START) / HOUR, 24)
        return load if first <= hour < last and (weekday is None or day % 7 == weekday) else None

    return at


@pytest.mark.parametrize("every", [MINUTE, FIVE_MINUTES, 15 * MINUTE], ids=["1m", "5m", "15m"])
def test_a_new_load_is_told_while_it_lasts(every):
    """It begins half an hour after the processors are full, and ends with them."""
    host = Host(every=every).live(3)
    began = host.now
    host.live(0.25, lambda _: 1.0)

    first = next(at for at, answer in host.seen if getattr(answer, "severity", 0))
    assert first - began <= 30 * MINUTE
    assert host.told == ["unusual"]
    assert host.live(0.05).seen[-1][1].severity is Severity.HEALTHY


def test_a_short_peak_is_no_saturation():
    """A quarter of an hour at 100 % is half of the half hour that is looked at."""
    host = Host().live(3).live(15 / 24 / 60, lambda _: 1.0).live(1)

    assert host.told == []


def test_the_load_of_every_night_is_told_once_and_then_known():
    """Three hours every night; from the second on it is usual, and a longer night is news again."""
    nightly = at_hours(1, 4)
    host = Host().live(3)

    assert host.live(3, nightly).told == ["unusual"]
    assert host.live(20, nightly).told == ["unusual"]
    assert host.live(1, at_hours(1, 12)).told == ["unusual", "unusual"]


def test_the_load_of_every_week_is_known_after_two_of_them():
    """The report of every Sunday."""
    weekly = at_hours(8, 11, weekday=6)
    host = Host().live(5 * 7, weekly)

    assert len(host.told) <= 2
    host.seen.clear()
    assert host.live(4 * 7, weekly).told == []


def test_a_host_that_is_always_nearly_full_is_not_told_of_a_little_more():
    """What was exceeded by less than the margin is as usual."""
    assert Host(0.88).live(3).live(0.5, lambda _: 0.92).told == []


def test_a_chronic_shortage_is_told_once():
    """Two thirds of every day at 100 %: usual, and still too little; it ends when there is less of it."""
    host = Host().live(60, at_hours(4, 20))

    assert host.told.count("chronic") <= 1
    assert host.seen[-1][1].evidence["path"] == "chronic"
    assert host.seen[-1][1].evidence["busy_share"] == pytest.approx(2 / 3, abs=0.05)
    assert host.live(10).seen[-1][1].severity is Severity.HEALTHY


def test_a_shortage_that_comes_and_goes_is_told_once_in_thirty_days():
    """Nine days of it, nine days without, five times."""
    host = Host().live(4)
    for _ in range(5):
        host.live(9, at_hours(4, 20)).live(9)

    chronic = [at for at, answer in host.seen if getattr(answer, "evidence", {}).get("path") == "chronic"]
    began = [at for at, before in zip(chronic, [0.0, *chronic], strict=False) if at - before > DAY]
    assert len(began) == 3
    assert min(b - a for a, b in pairwise(began)) >= 30 * DAY


def test_it_says_that_it_is_still_learning():
    """Below the limit is healthy whatever is usual; above it, it is not known in the first half day."""
    host = Host().live(0.1)
    assert host.seen[-1][1].severity is Severity.HEALTHY
    assert host.seen[-1][1].evidence["path"] == "learning"

    answer = host.live(0.1, lambda _: 1.0).seen[-1][1]
    assert isinstance(answer, CouldNotJudge)
    assert "learning" in answer.reason


def test_the_evidence_says_what_is_usual():
    """The average, the limit, what is usual at this hour, how long it was learnt."""
    evidence = Host().live(3).live(0.1, lambda _: 0.95).seen[-1][1].evidence

    assert evidence["value"] == pytest.approx(0.95)
    assert (evidence["limit"], evidence["clear"]) == (0.9, pytest.approx(0.81))
    assert evidence["usual"] == pytest.approx(0.2)
    assert evidence["days_observed"] == pytest.approx(3.1, abs=0.1)


def test_a_fortnight_without_readings_begins_anew():
    """Nothing is claimed of a time that nobody saw."""
    host = Host().live(10)
    host.now += 15 * DAY

    assert isinstance(host.live(0.1, lambda _: 1.0).seen[-1][1], CouldNotJudge)


def test_a_night_without_readings_is_a_gap_and_no_zero():
    """The hours that were not seen do not make the others look unusual."""
    host = Host().live(1)
    host.now += 8 * HOUR
    host.live(0.5)

    assert host.memory.hours.count(None) == pytest.approx(8, abs=1)
    assert host.memory.known == sum(hour is not None for hour in host.memory.hours)


def test_a_clock_that_is_set_back_tells_nothing_and_goes_on():
    """A day twice."""
    host = Host().live(5)
    host.now -= DAY
    host.live(2)
    assert host.told == []

    assert host.live(0.1, lambda _: 1.0).told == ["unusual"]


def test_a_late_reading_changes_nothing():
    """What comes out of order has been overtaken."""
    host = Host().live(2)

    _, after = host.threshold.evaluate(Observation(host.now - 20 * MINUTE, 1.0), host.memory)

    assert after == host.memory


@pytest.mark.parametrize("limits", [BaselineLimits(warning=0.5, clear=0.6), BaselineLimits(warning=0.5, average=0)])
def test_limits_without_a_meaning_are_refused(limits):
    """It would end before it begins, or average over nothing."""
    with pytest.raises(ValueError, match="`"):
        PLUGIN.build(limits)


LOADS = st.lists(st.tuples(st.integers(60, 6 * 3600), st.floats(0, 1)), max_size=100)


@given(LOADS, st.integers(-10, 10), st.integers(-400, 400))
def test_neither_unit_nor_date_matter(loads, power, days):
    """In another unit, some days earlier or later, the same is told at the same readings."""

    def paths(scale, shift):
        threshold, memory, at = PLUGIN.build(BaselineLimits(warning=0.9 * scale)), None, START + shift
        for seconds, load in loads:
            at += seconds
            answer, memory = threshold.evaluate(Observation(at, load * scale), memory)
            yield answer.reason if isinstance(answer, CouldNotJudge) else answer.evidence["path"]

    assert list(paths(1.0, 0.0)) == list(paths(2.0**power, days * DAY))


@given(st.floats(0, 1), st.lists(st.integers(60, 86400), max_size=100))
def test_what_does_not_change_is_never_unusual(load, gaps):
    """At any level, at any cadence."""
    threshold, memory, at = PLUGIN.build(LIMITS), None, START
    for gap in gaps:
        at += gap
        answer, memory = threshold.evaluate(Observation(at, load), memory)
        assert isinstance(answer, CouldNotJudge) or answer.evidence["path"] != "unusual"


def test_a_memory_of_two_weeks_is_a_few_kilobytes():
    """Whatever the cadence."""
    host = Host(every=MINUTE).live(16, lambda now: math.sin(now) ** 2)

    assert len(msgspec.msgpack.encode(host.memory)) < 8000
