"""Forecast: disks as people know them, and what must hold for any series at all."""

import math
import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresholds import CouldNotJudge, Judgement, Observation, Severity
from thresholds.forecast import PLUGIN, ForecastLimits, ForecastMemory

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = 1_795_600_800.0
WHOLE = 1e12
TEN_MINUTES = 10 * MINUTE


class Disk:
    """A disk of one terabyte that is looked at; `used` is the share in use."""

    def __init__(self, used, *, every=TEN_MINUTES, limits=None, start=START):
        self.threshold = PLUGIN.build(limits or ForecastLimits())
        self.used = used
        self.now = start
        self.every = every
        self.whole = WHOLE
        self.memory = None
        self.answer = None
        self.seen = []

    def look(self):
        """Judge what is there now."""
        remaining = self.whole - self.used * WHOLE
        self.answer, self.memory = self.threshold.evaluate(Observation(self.now, remaining, self.whole), self.memory)
        self.seen.append((self.now, self.answer))
        return self.answer

    def live(self, days, per_day=0.0, shape=lambda _hours: 0.0):
        """Let days pass in which it grows `per_day`; `shape` of the hours passed comes on top for the moment."""
        begin = self.used
        for step in range(1, round(days * DAY / self.every) + 1):
            self.now += self.every
            passed = step * self.every
            self.used = begin + per_day * passed / DAY
            level, self.used = self.used, self.used + shape(passed / HOUR)
            self.look()
            self.used = level
        return self

    def jump(self, by):
        """Have that much more, or less, and look again."""
        self.used += by
        return self.live(self.every / DAY)

    @property
    def severity(self):
        """The latest verdict's severity; None when there was none."""
        return self.answer.severity if isinstance(self.answer, Judgement) else None

    @property
    def raised(self):
        """When and by what it was first at least a warning."""
        return next(
            (
                (at, answer.evidence["path"])
                for at, answer in self.seen
                if isinstance(answer, Judgement) and answer.severity >= Severity.WARNING
            ),
            None,
        )


def nightly(height, *, hour=2, lasts=2):
    """A dump that takes `height` from `hour` on every night, and is gone after `lasts` hours."""
    return lambda hours: height if hour <= hours % 24 < hour + lasts else 0.0


@pytest.mark.parametrize("every", [MINUTE, TEN_MINUTES, HOUR], ids=["minute", "ten_minutes", "hour"])
def test_steady_growth_is_told_five_days_before_it_is_full(every):
    """2 % a day: warned five days ahead with the right date, at any cadence."""
    disk = Disk(0.6, every=every).live(14.9, 0.02)
    assert disk.raised is None

    disk.live(0.5, 0.02)

    at, path = disk.raised
    full = START + 20 * DAY
    assert path == "trend"
    assert full - at == pytest.approx(5 * DAY, abs=0.3 * DAY)
    assert disk.answer.forecast.expected == pytest.approx(full, abs=0.3 * DAY)
    assert disk.answer.forecast.earliest <= disk.answer.forecast.expected <= disk.answer.forecast.latest


def test_the_forecast_says_why_it_believes():
    """Growth, days observed, what is used of what, in base units."""
    evidence = Disk(0.6).live(14, 0.02).answer.evidence

    assert evidence["growth_per_day"] == pytest.approx(0.02 * WHOLE, rel=0.01)
    assert evidence["available"] == evidence["value"] == pytest.approx(0.12 * WHOLE)
    assert evidence["used"] + evidence["available"] == evidence["whole"] == WHOLE
    assert (evidence["path"], evidence["jumps_ignored"]) == ("trend", 0)
    assert evidence["days_observed"] == pytest.approx(14, abs=0.1)
    assert evidence["growth_days"] == 12  # so many whole days lie between the first 30 hours and the last
    assert "last_clean_up" not in evidence


def test_the_forecast_says_when_it_was_cleaned_up_last():
    """To the quarter of a day; it is a hint for those who remember."""
    disk = Disk(0.5).live(6, 0.03)
    cleaned = disk.now

    evidence = disk.jump(-0.15).live(4, 0.03).answer.evidence

    assert evidence["last_clean_up"] == pytest.approx(cleaned, abs=0.3 * DAY)


def test_the_dates_are_not_surer_than_the_past_allows():
    """Growth as regular as a clock: still nobody knows the pace of next week, and the middle stays where it is."""
    disk = Disk(0.6).live(16, 0.02)
    left = [(at - disk.now) / DAY for at in msgspec.structs.astuple(disk.answer.forecast)]

    assert left == pytest.approx([2.7, 4, 8.2], abs=0.3)


def test_it_is_critical_when_a_day_is_left():
    """The last day before the earliest crossing nobody can plan."""
    disk = Disk(0.2).live(6, 0.1)
    assert disk.severity is Severity.WARNING

    assert disk.live(0.9, 0.1).severity is Severity.CRITICAL


def test_a_full_disk_is_critical_and_full_now():
    """The crossing is not in the future any more."""
    disk = Disk(0.6).live(20, 0.02)

    disk.live(0.1)

    assert disk.severity is Severity.CRITICAL
    assert disk.answer.forecast.earliest == disk.now


@pytest.mark.parametrize("used", [0.5, 0.92])
def test_a_steady_disk_opens_nothing_however_full(used):
    """It has been like that for as long as anybody knows."""
    assert Disk(used).live(20).raised is None


def test_a_disk_found_nearly_full_is_a_line_in_a_report():
    """At 97 % since we came: a notice; without any room at all: a warning."""
    assert Disk(0.97).live(3).severity is Severity.NOTICE
    assert Disk(1.0).live(3).severity is Severity.WARNING


def test_with_little_history_only_a_disk_with_room_is_called_healthy():
    """Unknown is never healthy."""
    assert Disk(0.5).look().evidence["path"] == "learning"
    assert isinstance(Disk(0.92).look(), CouldNotJudge)


def test_a_jump_is_not_growth():
    """Somebody copied 30 % onto it once; that says nothing about tomorrow."""
    disk = Disk(0.4, every=HOUR).live(10, 0.001).jump(0.3)

    disk.live(10, 0.001)

    assert disk.raised is None
    assert disk.answer.evidence["jumps_ignored"] >= 1


def test_a_jump_on_the_second_day_is_not_growth_either():
    """With two days of history one jump is half of all that is known."""
    assert Disk(0.2, every=HOUR).live(1).jump(0.5).live(6).raised is None


def test_a_nightly_dump_is_seen_through():
    """It swings by 25 % every night, and grows by nothing."""
    disk = Disk(0.5).live(20, 0.0, nightly(0.25))

    assert disk.raised is None


def test_a_dump_of_any_size_sets_no_records():
    """Large on Mondays and Sundays, small between, to 86 %: what swings has a trend on some days, and grows by nothing."""
    heights = [0.41, 0.33, 0.26, 0.35, 0.22, 0.32, 0.41]
    disk = Disk(0.45).live(3 * 7, 0.0, lambda hours: nightly(heights[int(hours // 24) % 7])(hours))

    assert disk.raised is None


def test_growth_under_a_nightly_dump_is_found_by_its_peaks():
    """The dump is what fills it, so the peaks count: full at 75 % of base use."""
    disk = Disk(0.45).live(14, 0.02, nightly(0.25))

    at, path = disk.raised
    assert path == "trend"
    assert 4 * DAY < START + 15 * DAY - at < 9 * DAY


def test_a_saw_that_falls_back_by_itself_is_left_alone():
    """It is cleaned up every six days at 80 %; after two teeth nobody has to be told."""
    disk = Disk(0.45)
    for _ in range(2):
        disk.live(6, 0.045).jump(-0.27)
    disk.seen.clear()

    for _ in range(4):
        disk.live(6, 0.045).jump(-0.27)

    assert disk.raised is None


def test_a_saw_that_was_told_of_is_known_by_its_likeness():
    """A job frees it at the same level every ten days, while our ticket is open: the third time nobody is told."""
    disk = Disk(0.61)
    told = []
    for _ in range(6):
        disk.seen.clear()
        disk.live(10.25, 0.027).jump(-0.277)
        told.append(disk.raised is not None)

    assert told == [True, True, False, False, False, False]


def test_people_who_make_room_now_and_then_are_no_saw():
    """Never from the same level to the same level: they did it because we told them, and are told again."""
    disk = Disk(0.3)
    for freed in (0.3, 0.45, 0.25, 0.4):
        disk.seen.clear()
        disk.live((0.88 - disk.used) / 0.027 + freed * 3, 0.027)
        assert disk.raised is not None
        disk.jump(-freed)


def test_a_saw_whose_clean_up_stops_is_told():
    """The tooth grows beyond all before it."""
    disk = Disk(0.3)
    for _ in range(4):
        disk.live(6, 0.045).jump(-0.27)
    disk.seen.clear()

    full = disk.now + (1 - disk.used) / 0.045 * DAY
    disk.live(14, 0.045)

    at, _ = disk.raised
    assert full - at > 4 * DAY


def test_a_flow_that_fills_it_within_hours_is_told_at_once():
    """A log gone wild after two quiet weeks: there is no window left, so it is critical."""
    disk = Disk(0.5).live(14, 0.001)

    disk.live(0.3, 1.0)

    at, path = disk.raised
    assert path == "rise"
    assert at - (START + 14 * DAY) <= 4 * HOUR
    assert disk.severity is Severity.CRITICAL
    assert disk.answer.forecast.expected < disk.now + 8 * HOUR


def test_a_flow_of_every_night_is_not_told():
    """Backups write for three hours every night and are moved away in the morning; only the first is news."""

    def backup(hours):
        return 0.1 * min(max(hours % 24 - 1, 0), 3) if hours % 24 < 6 else 0.0

    disk = Disk(0.5).live(3, 0.0, backup)
    disk.seen.clear()

    assert disk.live(20, 0.0, backup).raised is None


def test_a_change_of_pace_is_noticed_within_days():
    """Four weeks of 0.1 % a day, then 5 % a day: the four weeks do not hide it."""
    disk = Disk(0.4).live(28, 0.001)

    disk.live(9, 0.05)

    at, path = disk.raised
    full = START + 28 * DAY + 0.572 / 0.05 * DAY
    assert path in {"trend", "change"}
    assert full - at > 2.5 * DAY


def test_the_floor_is_new_and_near():
    """A jump to 97 % leaves no growth to forecast, and still somebody has to know."""
    disk = Disk(0.5, every=HOUR).live(10).jump(0.47)

    disk.live(0.1)

    assert disk.raised[1] == "floor"
    assert disk.severity is Severity.CRITICAL


def test_what_creeps_to_the_floor_is_told_when_it_fills_it():
    """0.2 % a day from 90 %: below the floor at 95 %, and a ticket five days before it is full, not 25 days before."""
    disk = Disk(0.9).live(44, 0.002)
    assert disk.raised is None
    assert disk.severity is Severity.NOTICE

    disk.live(2, 0.002)

    at, path = disk.raised
    assert path == "trend"
    assert START + 50 * DAY - at == pytest.approx(5 * DAY, abs=0.5 * DAY)
    assert disk.severity is Severity.WARNING


def test_a_nightly_peak_a_little_higher_is_no_surprise():
    """It would be over every morning and back every night: of a disk that swings by a quarter, 3 % more is the same peak."""
    disk = Disk(0.68).live(14, 0.0, nightly(0.25)).live(0.5, 0.0, nightly(0.28))

    assert disk.raised is None


def test_a_jump_is_no_change_of_pace():
    """Two windows of 30 hours see the same jump, and two days that outgrow all before are still one event."""
    disk = Disk(0.6, every=HOUR).live(14, 0.002).jump(0.2)

    assert disk.live(1.9, 0.002).raised is None
    assert disk.answer.evidence["path"] == "trend"


def test_what_stays_at_the_floor_stays_told():
    """It does not become usual while a case is open about it."""
    disk = Disk(0.5, every=HOUR).live(10).jump(0.47).live(10)

    assert disk.severity is Severity.CRITICAL


@pytest.mark.parametrize("days", [0.3, 0.8, 2, 5, 10])
def test_space_that_a_person_frees_is_a_recovery_at_once(days):
    """However fast it had filled; and filling again is told again before it is full."""
    disk = Disk(0.1).live(days, 0.83 / days)
    assert disk.severity >= Severity.WARNING

    assert disk.jump(-0.85).severity is Severity.HEALTHY
    disk.live(1.5)
    assert disk.severity is Severity.HEALTHY

    disk.seen.clear()
    disk.live(days, 0.85 / days)
    assert disk.raised is not None


def test_space_that_is_freed_bit_by_bit_is_a_recovery_too():
    """A person deletes for an hour."""
    disk = Disk(0.3).live(6, 0.1)
    assert disk.severity >= Severity.WARNING

    for _ in range(30):
        disk.jump(-0.02)

    assert disk.severity is Severity.HEALTHY


def test_what_is_freed_of_a_disk_that_shrank_until_it_is_full_is_no_recovery():
    """The first look after it and the same look again say the same: it is full."""
    disk = Disk(0.5)
    disk.look()
    disk.jump(0.5)
    disk.whole /= 2
    disk.jump(-0.5)
    assert disk.severity is Severity.CRITICAL
    memory = disk.memory
    disk.look()
    assert (disk.severity, disk.memory) == (Severity.CRITICAL, memory)


def test_a_little_freed_space_is_no_recovery():
    """One per cent changes nothing of a disk that grows by two a day."""
    disk = Disk(0.6).live(16, 0.02).jump(-0.01)

    assert disk.severity is Severity.WARNING


def test_growth_that_stops_is_a_recovery_after_a_while():
    """Nobody freed anything: it has to look well for a day, and the past has to fade first."""
    disk = Disk(0.6).live(16, 0.02)

    assert disk.live(2).severity is Severity.WARNING
    assert disk.live(20).severity is Severity.HEALTHY


def test_a_larger_disk_is_no_clean_up():
    """The growth goes on, towards a limit that is farther away."""
    disk = Disk(0.6).live(16, 0.02)
    assert disk.severity is Severity.WARNING
    disk.whole = 4 * WHOLE

    disk.live(3, 0.02)

    assert disk.severity is Severity.HEALTHY
    assert disk.answer.evidence["growth_per_day"] == pytest.approx(0.02 * WHOLE, rel=0.05)


def test_an_amount_in_use_is_judged_like_what_remains():
    """The same disk, told by the other number."""
    remaining = Disk(0.6).live(15, 0.02)
    threshold = PLUGIN.build(ForecastLimits(measures="used"))
    memory = None
    for at, answer in remaining.seen:
        used, memory = threshold.evaluate(Observation(at, answer.evidence["used"], WHOLE), memory)

    assert used.severity is remaining.severity is Severity.WARNING
    assert used.forecast.expected == pytest.approx(remaining.answer.forecast.expected, abs=MINUTE)


@pytest.mark.parametrize("step", [-DAY, DAY, -2 * HOUR, 2 * HOUR])
def test_a_step_of_the_clock_makes_no_growth(step):
    """Neither a false alarm at the step, nor blindness after it."""
    disk = Disk(0.5, every=HOUR).live(10, 0.001)
    disk.now += step
    disk.live(3, 0.001)
    assert disk.raised is None

    disk.live(20, 0.03)

    assert disk.raised is not None


def test_a_week_without_readings_is_no_rise():
    """What grew while nobody looked did so in a week."""
    disk = Disk(0.4, every=HOUR).live(10, 0.01)
    disk.now += 7 * DAY
    disk.jump(0.07)

    disk.live(3, 0.01)

    assert disk.raised is None


def test_two_months_without_readings_begin_anew():
    """Nothing is claimed of a time that nobody saw."""
    disk = Disk(0.6, every=HOUR).live(14, 0.02)
    disk.now += 60 * DAY

    assert disk.jump(-0.5).answer.evidence["path"] == "learning"


def test_a_late_reading_changes_nothing():
    """What comes out of order has been overtaken."""
    disk = Disk(0.5).live(5, 0.01)
    memory = disk.memory

    _, after = disk.threshold.evaluate(Observation(disk.now - 30 * MINUTE, 0.1 * WHOLE, WHOLE), memory)

    assert after == memory


def test_what_is_older_than_four_weeks_does_not_count():
    """Whether it grew or swung then: the growth of now is the growth of these weeks."""
    grew = Disk(0.2).live(10, 0.02).live(32, 0.002)
    stood = Disk(0.4).live(10).live(32, 0.002)

    assert grew.answer.evidence["growth_per_day"] == pytest.approx(stood.answer.evidence["growth_per_day"], rel=1e-6)
    assert grew.severity is stood.severity


def test_memory_stays_small_however_long_it_lasts():
    """A year of readings takes as much as a month, a few kilobytes."""
    dice = random.Random(1)  # noqa: S311 - a series, not a secret
    disk = Disk(0.5, every=HOUR)
    sizes = []
    for _ in range(13):
        disk.live(28, 0.0, lambda _: dice.uniform(0, 0.2))
        sizes.append(len(msgspec.msgpack.encode(disk.memory)))

    assert max(sizes[3:]) <= 1.1 * sizes[2] <= 6000


def test_a_memory_of_an_earlier_version_goes_on_as_if_nothing_had_been():
    """It had no maxima of 30 hours beside those of its blocks."""
    disk = Disk(0.2, every=HOUR).live(20, 0.02, nightly(0.05))
    old, new = msgspec.structs.replace(disk.memory.usage, tops=()), disk.memory
    later = [(Observation(disk.now + n * HOUR, (0.4 - n * 1e-3) * WHOLE, WHOLE)) for n in range(1, 30)]
    disk.memory = msgspec.structs.replace(new, usage=old)
    for seen in later:
        answer, disk.memory = disk.threshold.evaluate(seen, disk.memory)
        expected, new = disk.threshold.evaluate(seen, new)
        assert answer == expected
    assert disk.memory == new


def test_limits_that_clear_what_they_raise_are_refused():
    """It would open and close with every reading."""
    with pytest.raises(ValueError, match="clear_probability"):
        PLUGIN.build(ForecastLimits(probability=0.3, clear_probability=0.4))


ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
STEPS = st.lists(
    st.tuples(st.floats(-2 * DAY, 20 * DAY), st.floats(0, 1), st.sampled_from([0.5, 1.0, 1.0, 1.0, 2.0])), max_size=120
)


def judge_all(observations):
    """Judge in turn; return all answers and the memory after each."""
    threshold = PLUGIN.build(ForecastLimits())
    memory, results = None, []
    for observation in observations:
        answer, memory = threshold.evaluate(observation, memory)
        results.append((answer, memory))
    return results


@given(st.lists(st.builds(Observation, ANY_FLOAT, ANY_FLOAT, st.none() | ANY_FLOAT), max_size=40))
def test_no_garbage_raises(observations):
    """Whatever the numbers, the order and the gaps; and what is remembered can be stored."""
    for _, memory in judge_all(observations):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=ForecastMemory) is not None


def observations(steps, *, scale=1.0, shift=0.0):
    """Make observations of steps: time passed, share used, size."""
    at, made = START + shift, []
    for passed, used, size in steps:
        at += round(passed)
        whole = size * WHOLE
        made.append(Observation(at, whole * (1 - used) * scale, whole * scale))
    return made


@given(STEPS)
def test_any_series_is_judged_in_bounds(steps):
    """Severity and forecast belong together, and a forecast is in order and not in the past."""
    for (answer, _), observation in zip(judge_all(observations(steps)), observations(steps), strict=True):
        if isinstance(answer, CouldNotJudge):
            continue
        if answer.forecast:
            latest = answer.forecast.latest
            times = [observation.at, answer.forecast.earliest, answer.forecast.expected, latest or math.inf]
            assert times == sorted(times)
            assert answer.severity >= Severity.WARNING
        assert answer.evidence["path"]


@given(STEPS, st.integers(-20, 20))
def test_the_unit_does_not_matter(steps, power):
    """Bytes or gibibytes: the same severities at the same times."""
    plain, scaled = judge_all(observations(steps)), judge_all(observations(steps, scale=2.0**power))

    assert [verdict(answer) for answer, _ in plain] == [verdict(answer) for answer, _ in scaled]


@given(STEPS, st.integers(-10_000, 10_000))
def test_the_date_does_not_matter(steps, days):
    """A clock that is wrong by days shifts the forecast by as much and changes nothing else."""
    shift = days * DAY
    plain, shifted = judge_all(observations(steps)), judge_all(observations(steps, shift=shift))

    assert [verdict(answer) for answer, _ in plain] == [verdict(answer) for answer, _ in shifted]
    for (answer, _), (other, _) in zip(plain, shifted, strict=True):
        if getattr(answer, "forecast", None):
            assert other.forecast.expected - answer.forecast.expected == pytest.approx(shift, abs=1)


@given(STEPS)
def test_the_same_reading_twice_changes_nothing(steps):
    """Of a collector that is not due, the agent passes the last reading again."""
    once = observations(steps)
    twice = [observation for one in once for observation in (one, one)]
    advancing = [0] + [number for number, (a, b) in enumerate(pairwise(once), 1) if b.at > a.at]
    if len(advancing) < len(once):
        return  # a clock that is set back has no "same reading"

    assert [memory for _, memory in judge_all(twice)][1::2] == [memory for _, memory in judge_all(once)]


@given(st.floats(0, 0.99), st.lists(st.floats(MINUTE, 2 * DAY), max_size=150))
def test_what_does_not_change_never_opens(used, gaps):
    """At any level but full, at any cadence."""
    steps = [(gap, used, 1.0) for gap in gaps]

    for answer, _ in judge_all(observations(steps)):
        assert isinstance(answer, CouldNotJudge) or answer.severity <= Severity.NOTICE


def verdict(answer):
    """What must be the same wherever and in whatever unit it is measured."""
    return answer.reason if isinstance(answer, CouldNotJudge) else (answer.severity, answer.evidence["path"])


@given(st.lists(st.floats(0, 0.02), max_size=12))
def test_what_is_older_than_four_weeks_weighs_nothing(older):
    """However it grew before: the same growth, dates and severity as of a disk that is known for just these weeks."""
    start = 0.4 - sum(older)
    before = Disk(start, every=6 * HOUR)
    for per_day in older:
        before.live(1, per_day)
    known, young = before.live(31, 0.018), Disk(0.4, every=6 * HOUR).live(31, 0.018)

    assert known.severity is young.severity is Severity.WARNING
    assert known.answer.evidence["growth_per_day"] == pytest.approx(young.answer.evidence["growth_per_day"], rel=1e-6)
    assert known.answer.forecast.expected - known.now == pytest.approx(
        young.answer.forecast.expected - young.now, rel=0.01, abs=HOUR
    )


@given(st.integers(1, 20), st.floats(0.0005, 0.012), st.floats(0.0005, 0.012))
def test_older_days_change_the_growth_by_no_more_than_their_weight(days, before, lately):
    """The newest week weighs double: another pace before it moves the growth by its own share of the weights at most."""
    disk = Disk(0.2, every=6 * HOUR).live(days, before).live(9, lately)

    evidence = disk.answer.evidence
    known = evidence["growth_days"]
    share = (known - 7) / (known + 7)
    assert abs(evidence["growth_per_day"] / WHOLE - lately) <= share * abs(before - lately) + 1e-9
