"""Baseline: a load above its limit for longer than a peak, at an hour at which it is not usual.

What is usual is learnt for each hour of the day over two weeks, so that the backup of every night and the report of every
Sunday are known after their first times, while the load of a runaway program is not. Until half a day is known nothing is
called usual or unusual: what is below the limit is healthy, what is above it could not be judged.

A shortage that has become usual is a shortage all the same: where the limit is exceeded during half of a week it is told as
`chronic`, once in thirty days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec

from collectors import Seconds
from thresholds._finding import CouldNotJudge, Fact, Judgement, Severity
from thresholds._plugin import Observation, ThresholdPlugin

HOUR, DAY = 3600.0, 86400.0
HOURS_A_DAY = 24
REMEMBERED = 14 * HOURS_A_DAY  # hours
WEEK = 7 * HOURS_A_DAY  # hours
LEARNING = 12  # hours that have to be known before anything is unusual
AROUND = 1  # hours before and after: jobs begin a little early or late, and twice a year the clock moves by one
FEWEST = 3  # values of an hour and those around it; where there are fewer, all hours count
SLOTS = 6  # into which the averaging time is divided
DEFAULT_GAP = 0.1  # of the limit: what dances around it moves less
CHRONIC_AGAIN = 30 * DAY
NO_LONGER = 0.5  # of the share that made it chronic
DISORDER = HOUR  # a reading this late is out of order; one that is later still shows that the clock was set back
LARGEST = 1e30  # what is beyond is no measurement
LATEST = 1e12  # unix seconds; what is beyond is no date

Slot = tuple[int, float, int]  # number, sum of the readings in it, how many
Hour = tuple[float, float]  # highest average in it, share of the readings at which the average was above the limit


class BaselineLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a load, in the reading's unit; as shares of the whole (0 to 1) where the rule selects `of`."""

    warning: Annotated[float, msgspec.Meta(gt=0, description="From here on, on average, it is saturated.")]
    clear: Annotated[
        float | None,
        msgspec.Meta(description="Below this the saturation is over; 10 % below `warning` when left out."),
    ] = None
    average: Annotated[
        Seconds, msgspec.Meta(description="Over how long readings are averaged before they are judged.")
    ] = 1800.0
    usual_share: Annotated[
        float,
        msgspec.Meta(gt=0.5, lt=1, description="What this share of the hours like this one did not exceed is usual."),
    ] = 0.95
    margin: Annotated[
        float, msgspec.Meta(ge=0, lt=1, description="By which share of `warning` the usual has to be exceeded.")
    ] = 0.05
    chronic_share: Annotated[
        float, msgspec.Meta(gt=0, le=1, description="Chronic when saturated during this share of the last seven days.")
    ] = 0.5


class Habit(msgspec.Struct, frozen=True, array_like=True):
    """What the hours before say. usual: the load that is usual at this hour; busy: share of the last seven days (0 to 1)."""

    usual: float
    busy: float


class BaselineMemory(msgspec.Struct, frozen=True):
    """What is remembered of one subject: two weeks of hours, whatever the cadence.

    at: unix seconds of the newest observation. slots: the averaging time so far. hour: number of the present hour (unix
    seconds / 3600); high, above, count: the highest average in it, how many averages were above the limit, of how many.
    hours: those before, oldest first, None where nothing was read; known: how many are not None. raised: "", "unusual" or
    "chronic"; chronic_at: when it was told last that it is chronic. habit: what `hours` say, once it mattered in this hour.
    """

    at: float
    slots: tuple[Slot, ...]
    hour: int
    high: float
    above: int
    count: int
    hours: tuple[Hour | None, ...] = ()
    known: int = 0
    raised: str = ""
    chronic_at: float | None = None
    habit: Habit | None = None


class Baseline:
    """Judges a load by what is usual at this hour. Raises ValueError where its limits make no sense."""

    memory = BaselineMemory

    def __init__(self, limits: BaselineLimits) -> None:
        self._limits = limits
        self._limit = limits.warning
        self._clear = limits.warning * (1 - DEFAULT_GAP) if limits.clear is None else limits.clear
        self._slot = limits.average / SLOTS
        if limits.average <= 0:
            raise ValueError("`average` has to be longer than nothing")
        if self._clear > self._limit:
            raise ValueError("`clear` is above `warning`: it would clear what it has just raised")

    def evaluate(
        self, observation: Observation, memory: BaselineMemory | None
    ) -> tuple[Judgement | CouldNotJudge, BaselineMemory]:
        """Average, judge by what was usual before, and learn."""
        at, value, whole = observation.at, observation.value, observation.whole
        if whole is not None:
            value = value / whole if math.isfinite(whole) and whole > 0 else math.nan
        if not (abs(value) <= LARGEST and abs(at) <= LATEST):
            return CouldNotJudge("the reading holds no number, or no time"), memory or _begin(0.0)
        if memory is None or at - memory.at > REMEMBERED * HOUR:
            memory = _begin(at)
        if memory.slots and memory.at - DISORDER < at <= memory.at:
            mean = _mean(memory.slots)  # it is late, or was judged before: nothing is learnt
        else:
            slots = self._averaged(memory.slots, at, value)
            mean = _mean(slots)
            memory = self._learn(memory, at, slots, mean)
        raised: str | None = ""
        if mean >= self._limit or memory.raised:
            memory = self._with_habit(memory)
            raised = self._raised(memory, mean)
        if raised is None:
            return CouldNotJudge("still learning what is usual, and it is above its limit"), memory
        if raised != memory.raised:
            chronic_at = at if raised == "chronic" else memory.chronic_at
            memory = msgspec.structs.replace(memory, raised=raised, chronic_at=chronic_at)
        return self._judgement(memory, mean, whole or 1.0), memory

    def _averaged(self, slots: tuple[Slot, ...], at: float, value: float) -> tuple[Slot, ...]:
        """Return the slots with a reading more, without those that are too old; with it alone when the clock was set back."""
        number = int(at // self._slot)
        if slots:
            newest, total, count = slots[-1]
            if newest == number:
                return (*slots[:-1], (number, total + value, count + 1))
            if newest > number:
                slots = ()
        young = 0
        for slot in slots:
            if slot[0] > number - SLOTS:
                break
            young += 1
        return (*slots[young:], (number, value, 1))

    def _learn(self, memory: BaselineMemory, at: float, slots: tuple[Slot, ...], mean: float) -> BaselineMemory:
        """Return the memory with the average of now; when an hour is over it joins those before."""
        hour, hours, many, habit = int(at // HOUR), memory.hours, memory.known, memory.habit
        high, above, count = memory.high, memory.above, memory.count
        if hour > memory.hour:
            known = (high, above / count) if count else None
            hours = (*hours, known, *(None,) * (hour - memory.hour - 1))
            too_old = hours[:-REMEMBERED]
            hours = hours[len(too_old) :]
            many += (known is not None) - sum(one is not None for one in too_old)
            high, above, count, habit = -math.inf, 0, 0, None
        elif hour == memory.hour - 1:  # a reading that is a little late, or a clock that was set a little
            hour = memory.hour
        return BaselineMemory(
            at=at,
            slots=slots,
            hour=hour,
            high=max(high, mean),
            above=above + 1 if mean >= self._limit else above,
            count=count + 1,
            hours=hours,
            known=many,
            raised=memory.raised,
            chronic_at=memory.chronic_at,
            habit=habit,
        )

    def _with_habit(self, memory: BaselineMemory) -> BaselineMemory:
        """Return the memory with what its hours say, as far as they are known."""
        if memory.habit is not None or memory.known < LEARNING:
            return memory
        return msgspec.structs.replace(memory, habit=Habit(self._usual(memory.hours), _busy(memory.hours)))

    def _raised(self, memory: BaselineMemory, mean: float) -> str | None:
        """Return what is wrong, empty when nothing is; None when it is not known."""
        habit, limits = memory.habit, self._limits
        if memory.raised == "unusual" and mean >= self._clear:
            return "unusual"
        if memory.raised == "chronic":
            return "chronic" if habit and habit.busy >= NO_LONGER * limits.chronic_share else ""
        if mean < self._limit:
            return ""
        if habit is None:
            return None
        if habit.usual < self._limit and mean >= habit.usual + limits.margin * self._limit:
            return "unusual"
        told = memory.chronic_at is not None and 0 <= memory.at - memory.chronic_at < CHRONIC_AGAIN
        return "chronic" if habit.busy >= limits.chronic_share and not told else ""

    def _usual(self, hours: Sequence[Hour | None]) -> float:
        """Return what is usual at the hour that follows `hours`."""
        ends = range(len(hours) - HOURS_A_DAY, -AROUND - 1, -HOURS_A_DAY)
        same = [hour[0] for end in ends for hour in hours[max(end - AROUND, 0) : end + AROUND + 1] if hour]
        known = sorted(same if len(same) >= FEWEST else [hour[0] for hour in hours if hour])
        return known[math.floor(self._limits.usual_share * (len(known) - 1))]

    def _judgement(self, memory: BaselineMemory, mean: float, whole: float) -> Judgement:
        known, raised, habit = memory.known, memory.raised, memory.habit
        evidence: dict[str, Fact] = {
            "value": mean * whole,
            "limit": self._limit * whole,
            "clear": self._clear * whole,
            "path": raised or ("usual" if known >= LEARNING else "learning"),
            "days_observed": known / HOURS_A_DAY,
        }
        if not raised:
            return Judgement(Severity.HEALTHY, evidence)
        if habit is not None:
            evidence["usual"] = habit.usual * whole
            evidence["busy_share"] = habit.busy
        return Judgement(Severity.WARNING, evidence)


def _begin(at: float) -> BaselineMemory:
    return BaselineMemory(at=at, slots=(), hour=int(at // HOUR), high=-math.inf, above=0, count=0)


def _mean(slots: Sequence[Slot]) -> float:
    total, count = 0.0, 0
    for _, one, many in slots:
        total += one
        count += many
    return total / count


def _busy(hours: Sequence[Hour | None]) -> float:
    """Return in which share of the last seven days (0 to 1) the average was above the limit; 0 while they are not known."""
    week = [hour[1] for hour in hours[-WEEK:] if hour]
    return sum(week) / len(week) if len(week) >= WEEK * 0.9 else 0.0


PLUGIN = ThresholdPlugin(
    name="baseline",
    summary="A load above its limit at an hour at which that is not usual, or for most of the week.",
    limits=BaselineLimits,
    build=Baseline,
)
