"""Rate: how much a counter, or any other value, changes within a time. A counter that begins anew has not fallen.

The change is judged like a level, with the same limits and the same hysteresis.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from collectors import Seconds
from thresholds._finding import CouldNotJudge, Judgement
from thresholds._plugin import Observation, ThresholdPlugin
from thresholds.level import Level, LevelLimits, LevelMemory

SLOTS = 12  # into which the time is divided: a change is forgotten one of them too early at most
DISORDER = 3600.0  # seconds; a reading this late is out of order, one that is later shows that the clock was set back
LARGEST = 1e30  # what is beyond is no measurement
LATEST = 1e12  # unix seconds; what is beyond is no date

Slot = tuple[int, float]  # number (unix seconds / its length), change in it


class RateLimits(LevelLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a change, in the reading's unit; as shares of the whole (0 to 1) where the rule selects `of`."""

    over: Annotated[Seconds, msgspec.Meta(description="The time within which the change is counted.")] = 3600.0
    counter: Annotated[
        bool, msgspec.Meta(description="Whether it only ever grows, so that a fall is a new beginning at 0.")
    ] = True
    from_first_look: Annotated[
        bool,
        msgspec.Meta(
            description="Whether only what happens from the first look on counts, so that less than the whole time is enough."
        ),
    ] = False


class RateMemory(msgspec.Struct, frozen=True):
    """The changes of one time, and the severity that stands.

    since: unix seconds from which on changes are known. at, value: of the newest reading. slots: the changes, oldest first; there
    is none where nothing changed.
    """

    since: float
    at: float
    value: float
    slots: tuple[Slot, ...] = ()
    level: LevelMemory = LevelMemory()


class Rate:
    """Judges a change. Raises ValueError where a limit is on the wrong side of another, or can never be reached."""

    memory = RateMemory

    def __init__(self, limits: RateLimits) -> None:
        if limits.counter and limits.direction == "below":
            raise ValueError("`counter` never falls: a `direction` of below needs `counter = false`")
        if limits.over <= 0:
            raise ValueError("`over` has to be longer than nothing")
        self._level = Level(limits)
        self._over = limits.over
        self._counter = limits.counter
        self._needed = 0.0 if limits.from_first_look else limits.over
        self._slot = limits.over / SLOTS

    def evaluate(
        self, observation: Observation, memory: RateMemory | None
    ) -> tuple[Judgement | CouldNotJudge, RateMemory]:
        """Judge by how much the value has changed within the time up to now."""
        at, value = observation.at, observation.value
        if not (abs(value) <= LARGEST and abs(at) <= LATEST):
            return CouldNotJudge("the reading holds no number, or no time"), memory or RateMemory(0.0, 0.0, math.nan)
        memory = self._learn(memory, at, value)
        change = math.fsum(one for _, one in memory.slots)
        answer, level = self._level.evaluate(Observation(memory.at, change, observation.whole), memory.level)
        if level is not memory.level:
            memory = RateMemory(memory.since, memory.at, memory.value, memory.slots, level)
        if isinstance(answer, CouldNotJudge):
            return answer, memory
        if not answer.severity and memory.at - memory.since < self._needed:
            return CouldNotJudge("not seen for long enough to know how fast it changes"), memory
        evidence = answer.evidence
        evidence.pop("available", None)
        evidence["total"], evidence["within"] = value, self._over
        return answer, memory

    def _learn(self, memory: RateMemory | None, at: float, value: float) -> RateMemory:
        """Return the memory with the change since the reading before; what is late or was judged before changes nothing."""
        if memory is None or math.isnan(memory.value):
            return RateMemory(at, at, value)
        passed = at - memory.at
        if -DISORDER < passed <= 0:
            return memory
        if passed <= 0:  # the clock was set back: what has changed meanwhile has done so at no known time
            return RateMemory(at, at, value, level=memory.level)
        change = value - memory.value
        if self._counter and change < 0:
            change = max(value, 0.0)
        if passed > self._over:
            change *= self._over / passed  # nobody knows when; evenly is the least that is claimed
        number, slots = int(at // self._slot), memory.slots
        if slots and slots[0][0] <= number - SLOTS:
            slots = tuple([slot for slot in slots if number - SLOTS < slot[0]])
        if change:
            if slots and slots[-1][0] == number:
                change += slots[-1][1]
                slots = slots[:-1]
            slots = (*slots, (number, change))
        return RateMemory(memory.since, at, value, slots, memory.level)


PLUGIN = ThresholdPlugin(
    name="rate",
    summary="How much a counter or a value changes within a time, with a second limit to clear it.",
    limits=RateLimits,
    build=Rate,
)
