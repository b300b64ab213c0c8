"""Deadline: a date that comes nearer, with lead times before it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from collectors import Seconds
from thresholds._finding import CouldNotJudge, Forecast, Judgement, Severity
from thresholds._plugin import Observation, ThresholdPlugin

DAY = 86400.0

_Lead = Annotated[Seconds | None, msgspec.Meta(description="How long before the date this severity begins.")]


class DeadlineLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lead times before a date (a reading of unit `timestamp`)."""

    notice: _Lead = None
    warning: _Lead = None
    critical: _Lead = None
    after: Annotated[
        Literal["notice", "warning", "critical"], msgspec.Meta(description="How bad it is once the date is past.")
    ] = "critical"
    no_date: Annotated[
        Literal["healthy", "unknown"],
        msgspec.Meta(
            description="What a reading without a number means: that no date is set, or that it is not known."
        ),
    ] = "unknown"


class DeadlineMemory(msgspec.Struct, frozen=True):
    """Nothing: a date says it all."""


class Deadline:
    """Judges the time left. Raises ValueError where a worse severity begins earlier than a milder one."""

    memory = DeadlineMemory

    def __init__(self, limits: DeadlineLimits) -> None:
        leads = (
            (Severity.CRITICAL, limits.critical),
            (Severity.WARNING, limits.warning),
            (Severity.NOTICE, limits.notice),
        )
        self._leads = [(severity, lead) for severity, lead in leads if lead is not None]
        for (worse, short), (milder, long) in zip(self._leads, self._leads[1:], strict=False):
            if short > long:
                raise ValueError(f"`{worse.name.lower()}` begins before `{milder.name.lower()}`")
        self._after = Severity[limits.after.upper()]
        self._no_date_is_healthy = limits.no_date == "healthy"

    def evaluate(
        self, observation: Observation, memory: DeadlineMemory | None
    ) -> tuple[Judgement | CouldNotJudge, DeadlineMemory]:
        """Judge how long the date is away."""
        memory = memory or DeadlineMemory()
        date = observation.value
        if math.isnan(date) and self._no_date_is_healthy:
            return Judgement(Severity.HEALTHY), memory
        left = date - observation.at
        if not (math.isfinite(left) and date > 0):
            return CouldNotJudge("the reading holds no date"), memory
        severity = self._after
        if left > 0:
            severity = next((severity for severity, lead in self._leads if left <= lead), Severity.HEALTHY)
        return Judgement(severity, {"value": date, "days_left": left / DAY}, Forecast(date, date, date)), memory


PLUGIN = ThresholdPlugin(
    name="deadline",
    summary="A date that comes nearer (end of support, end of a certificate), with lead times before it.",
    limits=DeadlineLimits,
    build=Deadline,
)
