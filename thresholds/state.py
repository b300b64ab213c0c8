"""State: each value has a meaning (1 is failed, 0 is not). A bad state that is older than our first look is milder."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from collectors import Seconds
from thresholds._finding import CouldNotJudge, Fact, Judgement, Severity
from thresholds._plugin import Observation, ThresholdPlugin

# A state is not said to last from the future: clocks of the source and of the agent differ by a little.
_SKEW = 300.0  # seconds

_Values = list[float]


class StateLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The meaning of each value. A value in no list is not judged: what it means nobody has said."""

    healthy: Annotated[_Values, msgspec.Meta(description="Values that are as they should be.")] = msgspec.field(
        default_factory=lambda: [0.0]
    )
    notice: Annotated[_Values, msgspec.Meta(description="Values worth a line in a report.")] = []
    warning: Annotated[_Values, msgspec.Meta(description="Values that want work, in time.")] = []
    critical: Annotated[_Values, msgspec.Meta(description="Values that say it failed.")] = []
    unknown: Annotated[_Values, msgspec.Meta(description="Values by which the source says that it does not know.")] = []
    stale_after: Annotated[
        Seconds | None,
        msgspec.Meta(
            description="A state that began longer than this before the agent first saw the subject is old news, as is "
            "one found at first sight whose beginning is unknown; it is then `stale` severe. Never when left out."
        ),
    ] = None
    stale: Annotated[
        Literal["notice", "warning"] | None,
        msgspec.Meta(description="The most that old news is; one degree milder than new when left out."),
    ] = None


class StateMemory(msgspec.Struct, frozen=True):
    """When the subject was first seen (unix seconds), and the value it had then, as long as it has not changed since."""

    first_seen: float
    found: float | None


class State:
    """Judges a state. Raises ValueError where a value has two meanings, or none is bad."""

    memory = StateMemory

    def __init__(self, limits: StateLimits) -> None:
        self._limits = limits
        self._meaning: dict[float, Severity | None] = {}
        for meaning, values in (
            (Severity.HEALTHY, limits.healthy),
            (Severity.NOTICE, limits.notice),
            (Severity.WARNING, limits.warning),
            (Severity.CRITICAL, limits.critical),
            (None, limits.unknown),
        ):
            for value in values:
                if value in self._meaning:
                    raise ValueError(f"the value {value:g} has two meanings")
                self._meaning[value] = meaning
        if not any(self._meaning.values()):
            raise ValueError("no value is a `notice`, a `warning` or `critical`")

    def evaluate(
        self, observation: Observation, memory: StateMemory | None
    ) -> tuple[Judgement | CouldNotJudge, StateMemory]:
        """Judge the value by its meaning, and by how long before our first look it began."""
        value, since = observation.value, observation.since
        if math.isnan(value):
            return CouldNotJudge("the reading holds no number"), memory or StateMemory(observation.at, None)
        if memory is None:
            memory = StateMemory(observation.at, value)
        elif memory.found is not None and memory.found != value:
            memory = StateMemory(memory.first_seen, None)
        severity = self._meaning.get(value)
        if severity is None:
            known = value in self._meaning
            return CouldNotJudge("the source does not know" if known else f"{value:g} has no meaning here"), memory
        if since is not None and not 0 < since <= observation.at + _SKEW:
            since = None
        evidence: dict[str, Fact] = {"value": value}
        if severity and self._is_old_news(since, memory):
            severity = min(severity, self._milder(severity))
            evidence["stale"] = True
        return Judgement(severity, evidence, since=since), memory

    def _is_old_news(self, since: float | None, memory: StateMemory) -> bool:
        after = self._limits.stale_after
        if after is None:
            return False
        return memory.found is not None if since is None else since < memory.first_seen - after

    def _milder(self, severity: Severity) -> Severity:
        if self._limits.stale is None:
            return Severity(max(severity - 1, Severity.NOTICE))
        return Severity[self._limits.stale.upper()]


PLUGIN = ThresholdPlugin(
    name="state",
    summary="A value that stands for a state, each of which is healthy, notable, a warning, critical or unknown.",
    limits=StateLimits,
    build=State,
)
