"""Level: a number, or its share of a whole, beyond a limit. It falls back only past a second limit (hysteresis)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from thresholds._finding import CouldNotJudge, Fact, Judgement, Severity
from thresholds._plugin import Observation, ThresholdPlugin

# A value that dances around its limit moves less than this share of it; the case's `for` time does the rest.
DEFAULT_GAP = 0.1

_Limit = Annotated[float | None, msgspec.Meta(description="Raises this severity when reached. With `of`: a share.")]
_Clear = Annotated[
    float | None,
    msgspec.Meta(description="Where this severity ends; 10 % of its limit back towards healthy when left out."),
]


class LevelLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a level, in the reading's unit; as shares of the whole (0 to 1) where the rule selects `of`."""

    direction: Annotated[
        Literal["above", "below"], msgspec.Meta(description="On which side of its limits a value is bad.")
    ] = "above"
    warning: _Limit = None
    critical: _Limit = None
    warning_clear: _Clear = None
    critical_clear: _Clear = None


class LevelMemory(msgspec.Struct, frozen=True):
    """The severity that stands until its clear limit is passed."""

    severity: Severity = Severity.HEALTHY


class Level:
    """Judges a level. Raises ValueError where a limit is on the wrong side of another."""

    memory = LevelMemory

    def __init__(self, limits: LevelLimits) -> None:
        # Judged with its sign turned where low is bad, so that everywhere below "more" is "worse".
        self._sign = 1.0 if limits.direction == "above" else -1.0
        self._steps = [
            (severity, self._sign * limit, self._sign * _clear(limit, clear, self._sign))
            for severity, limit, clear in (
                (Severity.CRITICAL, limits.critical, limits.critical_clear),
                (Severity.WARNING, limits.warning, limits.warning_clear),
            )
            if limit is not None
        ]
        if not self._steps:
            raise ValueError("a level needs `warning`, `critical` or both")
        if self._steps[0][1] < self._steps[-1][1]:
            raise ValueError(f"`critical` is reached before `warning`, although {limits.direction} is bad")
        for severity, limit, clear in self._steps:
            if clear > limit:
                name = severity.name.lower()
                raise ValueError(f"`{name}_clear` is beyond `{name}`, although {limits.direction} is bad")

    def evaluate(
        self, observation: Observation, memory: LevelMemory | None
    ) -> tuple[Judgement | CouldNotJudge, LevelMemory]:
        """Judge the value, or its share of the whole when there is one."""
        before = memory or LevelMemory()
        value, whole = observation.value, observation.whole
        if not math.isfinite(value):
            return CouldNotJudge("the reading holds no number"), before
        if whole is not None and not (math.isfinite(whole) and whole > 0):
            return CouldNotJudge("the whole it is part of is not above 0"), before
        level = self._sign * (value if whole is None else value / whole)
        for severity, limit, clear in self._steps:
            if level >= limit or (before.severity >= severity and level >= clear):
                break
        else:
            severity, (_, limit, clear) = Severity.HEALTHY, self._steps[-1]
        scale = self._sign * (whole or 1.0)
        evidence: dict[str, Fact] = {"value": value, "limit": limit * scale, "clear": clear * scale}
        if whole is not None:
            evidence["whole"] = whole
            if self._sign < 0:
                evidence["available"] = value
        return Judgement(severity, evidence), before if severity is before.severity else LevelMemory(severity)


def _clear(limit: float, clear: float | None, sign: float) -> float:
    return limit - sign * DEFAULT_GAP * abs(limit) if clear is None else clear


PLUGIN = ThresholdPlugin(
    name="level",
    summary="A number, or its share of a whole, above or below a limit, with a second limit to clear it.",
    limits=LevelLimits,
    build=Level,
)
