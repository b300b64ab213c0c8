"""Forecast: when an amount that fills up reaches its capacity, from its own history.

It works on the amount in use, so that a resize is no clean-up and growth is not a percentage. What decides, as `path` in the
evidence says: `trend`, `change` and `teeth` (slow growth, see `thresholds._growth`), `rise` (a flow that fills it within
hours, see `thresholds._rise`), `floor` (hardly anything is left, and that is new). Without one of them it is healthy, or
`steady` below the floor, or `learning`, which is healthy only far from the limit.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from collectors import Seconds
from thresholds._finding import CouldNotJudge, Fact, Forecast, Judgement, Severity
from thresholds._growth import Growth, borne_out, growth
from thresholds._plugin import Observation, ThresholdPlugin
from thresholds._rise import Rise, Rises, follow, over, threat
from thresholds._usage import BLOCK, DAY, WINDOW, Usage, begin, learn, low_since, settle

NOTABLE = 0.02  # of the capacity: what somebody frees on purpose, and what makes the teeth of a saw
SAME = 0.005  # of the capacity: differences that do not make a level a new one
HIGHER_PEAK = 0.25  # of how far it swings in 30 hours: so much higher a peak may be and is still the same peak
HEADROOM = 1.2  # times the floor has to be free again before a shortage is over
NEARLY_NOTHING = 0.005  # of the capacity
SMALLEST, LARGEST = 1e-9, 1e30  # a whole; what is beyond is no measurement
LATEST = 1e12  # unix seconds; what is beyond is no date
FAR = 2.0  # times the floor has to be free to be far from the limit
SWELLS = 0.7  # of its time: a flow may become faster before it is full
FASTER = 1.5  # times the known growth is a flow of its own
PEAKS = WINDOW * BLOCK  # seconds
VERY_SOON = 0.125  # days


class ForecastLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a forecast. Probabilities and shares go from 0 to 1."""

    measures: Annotated[
        Literal["remaining", "used"],
        msgspec.Meta(description="Whether the reading is what remains of the whole or what is used."),
    ] = "remaining"
    horizon: Annotated[
        Seconds, msgspec.Meta(description="How far ahead growth is believed; never farther than it has been observed.")
    ] = 5 * DAY
    probability: Annotated[
        float, msgspec.Meta(gt=0, lt=1, description="Raise when it is full within `horizon` with this probability.")
    ] = 0.5
    clear_horizon: Annotated[Seconds, msgspec.Meta(description="How far ahead it has to look well again.")] = 10 * DAY
    clear_probability: Annotated[
        float, msgspec.Meta(gt=0, lt=1, description="Clear when it is full within `clear_horizon` with less than this.")
    ] = 0.2
    clear_after: Annotated[Seconds, msgspec.Meta(description="How long it has to look well before it is.")] = DAY
    critical_within: Annotated[
        Seconds, msgspec.Meta(description="Critical when it may be full (10th percentile) within this time.")
    ] = DAY
    floor: Annotated[
        float, msgspec.Meta(ge=0, lt=0.5, description="Critical when less than this share is left and that is new.")
    ] = 0.05


class ForecastMemory(msgspec.Struct, frozen=True):
    """What is remembered of one subject: a few hundred numbers, however long it has been known.

    growths: by the blocks that are complete, for a capacity of `whole`. raised: the path that raised the severity, or "";
    raised_at, raised_used: at what time (as in Usage) and amount; usual: the highest amount known before; calm_at: since
    when it has looked well again.
    """

    usage: Usage | None = None
    whole: float = 0.0
    rises: Rises = Rises()
    growths: tuple[Growth, ...] = ()
    raised: str = ""
    raised_at: float = 0.0
    raised_used: float = 0.0
    usual: float = 0.0
    calm_at: float | None = None


class _Outlook(msgspec.Struct, frozen=True):
    """What is to be expected of one observation.

    room: what is left now, peak_room: what was left at the 30-hour maximum, as shares. growth: the slow growth that most
    likely fills it within its horizon, and how likely. fills: whether that is likely enough to say so. rise: the flow that
    fills it within hours. short: hardly anything is left, which nothing announced. well: nothing fills it within the
    clear horizon.
    """

    room: float
    peak_room: float
    growth: Growth | None
    likely: float
    fills: bool
    rise: Rise | None
    short: bool
    well: bool


class Forecaster:
    """Judges how soon it is full. Raises ValueError where it would clear what it has just raised."""

    memory = ForecastMemory

    def __init__(self, limits: ForecastLimits) -> None:
        if limits.clear_probability > limits.probability:
            raise ValueError("`clear_probability` is above `probability`: it would clear what it has just raised")
        self._limits = limits
        self._horizon = limits.horizon / DAY
        self._look_again = limits.clear_horizon / max(limits.horizon, 1.0)

    def evaluate(
        self, observation: Observation, memory: ForecastMemory | None
    ) -> tuple[Judgement | CouldNotJudge, ForecastMemory]:
        """Learn from the observation, then judge by everything learnt."""
        memory = memory or ForecastMemory()
        value, whole = observation.value, observation.whole
        if whole is None:
            return CouldNotJudge("the rule does not say of what the amount is a part (`of`)"), memory
        if not (math.isfinite(value) and SMALLEST <= whole <= LARGEST):
            return CouldNotJudge("the reading, or the whole it is part of, is no number above 0"), memory
        if not abs(observation.at) <= LATEST:
            return CouldNotJudge("the reading has no time"), memory
        used = min(max(value if self._limits.measures == "used" else whole - value, 0.0), whole)
        usage, memory = self._learn(memory, observation.at, used, whole)
        outlook = self._outlook(usage, memory, used)
        if memory.raised:
            memory, outlook = self._fall_back(usage, memory, outlook, used)
        else:
            memory = self._raise(usage, memory, outlook, used)
        return self._judge(observation.at, used, memory, outlook), memory

    def _learn(self, memory: ForecastMemory, at: float, used: float, whole: float) -> tuple[Usage, ForecastMemory]:
        before = memory.usage
        if before is None:
            usage = begin(at, used)
        else:
            usage = learn(before, at, used, notable=NOTABLE * whole, attended=bool(memory.raised))
            if usage is before:
                return usage, memory
            if usage.at < before.at:  # it was away for so long that it is learnt anew
                before, memory = None, ForecastMemory()
        rises, growths = memory.rises, memory.growths
        if before is None or usage.points is not before.points:
            rises = follow(rises, usage.points, attended=bool(memory.raised))
        if before is None or usage.block != before.block or whole != memory.whole:
            growths = tuple(growth(usage, whole, self._horizon))
        return usage, msgspec.structs.replace(memory, usage=usage, whole=whole, rises=rises, growths=growths)

    def _outlook(self, usage: Usage, memory: ForecastMemory, used: float) -> _Outlook:
        whole = memory.whole
        room = 1.0 - used / whole
        peak_room = min(room, 1.0 - usage.recent_high / whole)
        most, likely = None, 0.0
        for one in memory.growths:
            probability = one.walk.reaches(peak_room, one.horizon)
            if most is None or probability > likely:
                most, likely = one, probability
        floor = self._limits.floor * (HEADROOM if memory.raised else 1.0)
        return _Outlook(
            room=room,
            peak_room=peak_room,
            growth=most,
            likely=likely,
            fills=most is not None
            and likely >= self._limits.probability
            and (bool(memory.raised) or self._begins(usage, memory, room, peak_room, most)),
            rise=self._rise(usage, memory, used, most) if memory.rises.running else None,
            short=room < floor and self._surprises(usage, memory, used),
            well=not memory.raised or self._well(memory, peak_room),
        )

    def _surprises(self, usage: Usage, memory: ForecastMemory, used: float) -> bool:
        """Return whether so little has never been left, and no growth has said for when it would be.

        What creeps to its floor is known by its growth: it is told when that fills it soon, which may be weeks later. Nor is
        a nightly peak that is a little higher a surprise, and it would be over every morning.
        """
        if memory.raised:
            return used > memory.usual + SAME * memory.whole
        if not memory.growths:
            return used > usage.earlier_high + SAME * memory.whole
        swing = usage.earlier_high - min(usage.lows, default=usage.low)
        return used > usage.earlier_high + max(NOTABLE * memory.whole, HIGHER_PEAK * swing)

    def _begins(self, usage: Usage, memory: ForecastMemory, room: float, peak_room: float, growth: Growth) -> bool:
        """Return whether slow growth may open a case now.

        Not when it has just fallen from its peak: of a dump that comes every night, the peak will come too. Not when the
        peaks deny the growth. Where hardly anything is left any swing would fill it: there the growth itself has to.
        """
        at_its_peak = room - peak_room <= NOTABLE
        grows = peak_room >= NEARLY_NOTHING or growth.walk.drift * growth.horizon >= peak_room > 0
        return at_its_peak and grows and borne_out(growth, usage, memory.whole)

    def _well(self, memory: ForecastMemory, peak_room: float) -> bool:
        """Return whether nothing fills it within the clear horizon; of what is believed for less, within as many times less."""
        return all(
            one.walk.reaches(peak_room, one.horizon * self._look_again) < self._limits.clear_probability
            for one in memory.growths
        )

    def _rise(self, usage: Usage, memory: ForecastMemory, used: float, slow: Growth | None) -> Rise | None:
        """Return the flow that fills it soon, if it is more than the growth that is known already.

        Where it has been as full lately, only one that fills it very soon is.
        """
        room = memory.whole - used
        rise = threat(memory.rises, room)
        if rise is None or (slow and rise.per_day <= FASTER * slow.walk.drift * memory.whole):
            return None
        seen_lately = used < usage.recent_high - SAME * memory.whole
        return None if seen_lately and room / rise.per_day > VERY_SOON else rise

    def _path(self, outlook: _Outlook) -> str:
        """Return what says that it fills up, the most urgent first; empty when nothing does."""
        if outlook.rise:
            return "rise"
        if outlook.growth and outlook.fills:
            return outlook.growth.path
        return "floor" if outlook.short else ""

    def _raise(self, usage: Usage, memory: ForecastMemory, outlook: _Outlook, used: float) -> ForecastMemory:
        """Return the memory with what is said now, if anything is."""
        path = self._path(outlook)
        if not path:
            return memory
        return msgspec.structs.replace(
            memory, raised=path, raised_at=usage.at, raised_used=used, usual=usage.earlier_high, calm_at=None
        )

    def _fall_back(
        self, usage: Usage, memory: ForecastMemory, outlook: _Outlook, used: float
    ) -> tuple[ForecastMemory, _Outlook]:
        """Return to healthy at once when somebody made room enough, or when it has looked well for long enough."""
        freed = self._freed(usage, memory, used)
        if freed:
            usage = settle(usage, freed)
            growths = tuple(growth(usage, memory.whole, self._horizon))
            memory = msgspec.structs.replace(memory, usage=usage, rises=over(memory.rises), growths=growths)
            outlook = self._outlook(usage, memory, used)
            if not self._path(outlook) and outlook.likely < self._limits.clear_probability:
                memory = msgspec.structs.replace(memory, raised="", calm_at=None)
                outlook = self._outlook(usage, memory, used)
                return self._raise(usage, memory, outlook, used), outlook  # where what was freed is not enough
        if self._path(outlook) or outlook.short or not outlook.well:
            return (msgspec.structs.replace(memory, calm_at=None) if memory.calm_at is not None else memory), outlook
        if memory.calm_at is None:
            memory = msgspec.structs.replace(memory, calm_at=usage.at)
        elif usage.at - memory.calm_at >= self._limits.clear_after:
            memory = msgspec.structs.replace(memory, raised="", calm_at=None)
        return memory, outlook

    def _freed(self, usage: Usage, memory: ForecastMemory, used: float) -> float:
        """Return how much was freed, if by more than the usage falls from by itself in 30 hours; else 0."""
        start = usage.at - PEAKS
        if memory.raised in ("rise", "floor") and memory.raised_at > start:
            # What came at one go is also taken away at one go: then the level before it says nothing.
            low = low_since(usage, memory.raised_at)
            low = memory.raised_used if low is None else low
        else:
            low = low_since(usage, start)
        if low is None or used > low - NOTABLE * memory.whole:
            return 0.0
        return max(usage.recent_high - used, 0.0)

    def _judge(self, at: float, used: float, memory: ForecastMemory, outlook: _Outlook) -> Judgement | CouldNotJudge:
        limits, whole = self._limits, memory.whole
        forecast = self._forecast(at, outlook, whole) if memory.raised else None
        severity = Severity.HEALTHY
        if memory.raised:
            path = self._path(outlook) or memory.raised
            soon = forecast is not None and forecast.earliest - at <= limits.critical_within
            severity = (
                Severity.CRITICAL if soon or (path == "floor" and outlook.room < limits.floor) else Severity.WARNING
            )
        elif outlook.room < limits.floor:
            path = "steady"
            severity = Severity.WARNING if outlook.room < NEARLY_NOTHING else Severity.NOTICE
        elif outlook.growth is None:
            path = "learning"
            if outlook.room < FAR * limits.floor:
                return CouldNotJudge("too little history to forecast, and not far from the limit")
        else:
            path = outlook.growth.path
        return Judgement(severity, self._evidence(used, memory, outlook, path), forecast)

    def _evidence(self, used: float, memory: ForecastMemory, outlook: _Outlook, path: str) -> dict[str, Fact]:
        """Return why it is believed: what is used of what, how it grows, for how long that was seen, what fell back before."""
        whole, usage = memory.whole, memory.usage
        remaining = self._limits.measures == "remaining"
        evidence: dict[str, Fact] = {
            "value": whole - used if remaining else used,
            "limit": 0.0 if remaining else whole,
            "whole": whole,
            "available": whole - used,
            "used": used,
            "path": path,
            "days_observed": usage.at / DAY if usage else 0.0,
        }
        if outlook.growth:
            evidence["growth_per_day"] = outlook.growth.walk.drift * whole
            evidence["growth_days"] = outlook.growth.days
            evidence["jumps_ignored"] = outlook.growth.ignored
        if outlook.rise and usage:
            evidence["growth_per_day"] = outlook.rise.per_day
            evidence["growth_days"] = (usage.at - memory.rises.began[0]) / DAY
        if usage and usage.crests:
            evidence["last_clean_up"] = usage.origin + usage.crests[-1].at
        return evidence

    def _forecast(self, at: float, outlook: _Outlook, whole: float) -> Forecast | None:
        """Return when it is full; None when that is not within the time a forecast can be made for."""
        days: list[float | None] = [None, None, None]
        if outlook.growth:
            days = outlook.growth.walk.days_until(outlook.peak_room, (0.1, 0.5, 0.9))
        earliest, expected, latest = days
        if outlook.rise:
            full = outlook.room * whole / outlook.rise.per_day
            expected = min(full, full if expected is None else expected)
            earliest = min(full * SWELLS, expected if earliest is None else earliest)
        if earliest is None or expected is None:
            return None
        return Forecast(at + earliest * DAY, at + expected * DAY, None if latest is None else at + latest * DAY)


PLUGIN = ThresholdPlugin(
    name="forecast",
    summary="When an amount that fills up will be full, from its own history, by probability.",
    limits=ForecastLimits,
    build=Forecaster,
)
