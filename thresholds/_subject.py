"""One subject of one rule: what the threshold remembers of it, and the verdict on its newest reading. Pure.

What is remembered of a subject that is gone: as long as it had been known, at most 30 days, so that a unit that lived a
minute leaves nothing behind; always 30 days when it was not healthy, because a case may be open about it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from collectors import Reading
from thresholds._finding import CouldNotJudge, Finding, Severity, Unjudged
from thresholds._plugin import Observation, Threshold
from thresholds._rule import Rule

FORGOTTEN_AFTER = 30 * 86400.0  # seconds


class Subject:
    """A subject from first sight until it is forgotten. Times are unix seconds; `at` is that of the reading judged last.

    seen, gone: when it was last seen, and whether its absence was told. Of one that is there now neither is kept up.
    """

    __slots__ = ("at", "first_seen", "gone", "labels", "memory", "rule", "seen", "severity", "threshold", "verdict")

    def __init__(self, rule: Rule, threshold: Threshold[Any], labels: dict[str, str], now: float) -> None:
        self.rule = rule
        self.threshold = threshold
        self.labels = labels
        self.first_seen = self.seen = now
        self.at: float | None = None
        self.memory: msgspec.Struct | None = None
        self.severity: Severity | None = None
        self.verdict: Finding | Unjudged | None = None
        self.gone = False

    def judge(self, reading: Reading, whole: float | None, since: float | None) -> Finding | Unjudged:
        """Return the verdict on `reading`."""
        at = reading.at
        answer, memory = self.threshold.evaluate(Observation(at, reading.value, whole, since), self.memory)
        if at != self.at:
            self.at, self.memory = at, memory
        verdict: Finding | Unjudged
        if isinstance(answer, CouldNotJudge):
            verdict = self.unjudged(answer.reason, at)
        else:
            severity, evidence = answer.severity, answer.evidence
            self.severity = severity
            evidence["unit"] = reading.unit
            verdict = Finding(
                self.rule.id, self.labels, severity, at, evidence, answer.forecast, reading.labels, answer.since
            )
        self.verdict = verdict
        return verdict

    def unjudged(self, reason: str, at: float) -> Unjudged:
        """Return that there is no verdict, and why."""
        return Unjudged(rule=self.rule.id, subject=self.labels, reason=reason, at=at)

    def is_forgotten(self, now: float, *, explained: bool) -> bool:
        """Return whether it has been away for so long; a first absence and one with a reason are no farewell."""
        keep = FORGOTTEN_AFTER
        if self.gone and not explained and not self.severity:
            keep = min(self.seen - self.first_seen, keep)
        return now - self.seen > keep
