"""The judge: hands each rule its readings, joined by subject, and keeps what the thresholds remember. Pure.

What is remembered of a subject that is gone: as long as it had been known, at most 30 days, so that a unit that lived a
minute leaves nothing behind; always 30 days when it was not healthy, because a case may be open about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from collectors import CouldNotCheck, Reading
from thresholds._finding import CouldNotJudge, Finding, Severity, Unjudged
from thresholds._match import covers, may_select, selects, subject_of
from thresholds._plugin import Observation, Threshold
from thresholds._rule import Rule

FORGOTTEN_AFTER = 30 * 86400.0  # seconds
TOLD_FOR = 3600.0  # seconds for which a healthy subject's absence is told: it may have been taken away on purpose
MOST_SUBJECTS = 20_000  # beyond these, the longest gone are forgotten first
MOST_ROUTES = 50_000  # beyond these, series are looked at as if they were new

_Labels = frozenset[tuple[str, str]]
_Series = tuple[str, _Labels]


class _Remembered(msgspec.Struct, array_like=True):
    """One subject as `dump` writes it; times are unix seconds, `at` that of the reading judged last."""

    rule: str
    subject: dict[str, str]
    first_seen: float
    seen: float
    at: float
    severity: Severity | None
    memory: msgspec.Raw


class _Subject:
    """One subject of one rule: what the threshold remembers of it, and the verdict on its newest reading."""

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
        """Return the verdict on `reading`; one that was judged before teaches nothing new."""
        if reading.at == self.at and self.verdict is not None:
            return self.verdict
        answer, memory = self.threshold.evaluate(Observation(reading.at, reading.value, whole, since), self.memory)
        if reading.at != self.at:
            self.at, self.memory = reading.at, memory
        if isinstance(answer, CouldNotJudge):
            self.verdict = self.unjudged(answer.reason, reading.at)
        else:
            self.severity = answer.severity
            self.verdict = Finding(
                rule=self.rule.id,
                subject=self.labels,
                severity=answer.severity,
                at=reading.at,
                evidence={**answer.evidence, "unit": reading.unit},
                forecast=answer.forecast,
                labels=reading.labels,
                since=answer.since,
            )
        return self.verdict

    def unjudged(self, reason: str, at: float) -> Unjudged:
        return Unjudged(rule=self.rule.id, subject=self.labels, reason=reason, at=at)

    def is_forgotten(self, now: float, *, explained: bool) -> bool:
        """Return whether it has been away for so long; a first absence and one with a reason are no farewell."""
        keep = FORGOTTEN_AFTER
        if self.gone and not explained and not self.severity:
            keep = min(self.seen - self.first_seen, keep)
        return now - self.seen > keep


class _Route:
    """Where the readings of one series go in one rule, and which series they are joined with."""

    __slots__ = ("since", "subject", "whole")

    def __init__(self, subject: _Subject, labels: _Labels) -> None:
        select = subject.rule.select
        self.subject = subject
        self.whole: _Series | None = (select.of, labels) if select.of else None
        self.since: _Series | None = (select.since, labels) if select.since else None


class Judge:
    """Judges a host's readings, cycle after cycle, by a set of rules.

    lost: how many of the memories given at the start could not be read; their subjects are learnt anew.
    """

    def __init__(self, rules: Sequence[tuple[Rule, Threshold[Any]]], memories: bytes | None = None) -> None:
        """Given rules with their thresholds, and what `dump` once returned, go on from there."""
        self.lost = 0
        self._rules = tuple(rules)
        self._subjects: dict[tuple[str, _Labels], _Subject] = {}
        self._routes: dict[_Series, tuple[_Route, ...]] = {}
        selects = [rule.select for rule, _ in rules]
        self._wanted = {name for select in selects for name in (select.reading, select.of, select.since) if name}
        if memories:
            self._load(memories)

    def judge(
        self, readings: Sequence[Reading], unchecked: Sequence[CouldNotCheck], now: float
    ) -> tuple[list[Finding], list[Unjudged]]:
        """Return one verdict for each rule and subject: a Finding, healthy ones included, or why there is none.

        readings: the latest of each series; of a collector that was not due those of its last run, with their own `at`.
        now: unix seconds; how long something has been gone is counted up to it.
        """
        wanted = self._wanted
        present: dict[_Series, Reading] = {
            (reading.name, frozenset(reading.labels.items())): reading for reading in readings if reading.name in wanted
        }
        routed: dict[_Subject, tuple[_Route, Reading]] = {}
        crowded: set[_Subject] = set()
        for series, reading in present.items():
            for route in self._route(series, now):
                if route.subject in routed:
                    crowded.add(route.subject)
                routed[route.subject] = (route, reading)
        findings: list[Finding] = []
        unjudged: list[Unjudged] = []
        for subject, (route, reading) in routed.items():
            subject.seen, subject.gone = now, False
            verdict = (
                subject.unjudged("several readings at once; add a label to the rule's `select.subject`", now)
                if subject in crowded
                else self._judge(route, reading, present, unchecked)
            )
            if isinstance(verdict, Finding):
                findings.append(verdict)
            else:
                unjudged.append(verdict)
        unjudged += self._absent(routed, unchecked, now)
        unjudged += self._never_seen(unchecked, now)
        return findings, unjudged

    @property
    def never_judged(self) -> int:
        """How many of the subjects that are known now have never had a verdict."""
        return sum(subject.at is None or subject.severity is None for subject in self._subjects.values())

    def dump(self) -> bytes:
        """Return what is remembered, for a later Judge to go on from."""
        return msgspec.msgpack.encode(
            [
                _Remembered(
                    rule=subject.rule.id,
                    subject=subject.labels,
                    first_seen=subject.first_seen,
                    seen=subject.seen,
                    at=subject.at,
                    severity=subject.severity,
                    memory=msgspec.Raw(msgspec.msgpack.encode(subject.memory)),
                )
                for subject in self._subjects.values()
                if subject.at is not None
            ]
        )

    def _load(self, memories: bytes) -> None:
        thresholds = {rule.id: (rule, threshold) for rule, threshold in self._rules}
        try:
            remembered = msgspec.msgpack.decode(memories, type=list[_Remembered])
        except msgspec.MsgspecError:
            self.lost = 1
            return
        for one in remembered:
            if one.rule not in thresholds:
                continue  # the rule was switched off since
            subject = _Subject(*thresholds[one.rule], one.subject, one.first_seen)
            try:
                subject.memory = msgspec.msgpack.decode(one.memory, type=subject.threshold.memory)
            except msgspec.MsgspecError:
                self.lost += 1
                continue
            subject.seen, subject.at, subject.severity = one.seen, one.at, one.severity
            self._subjects[one.rule, frozenset(one.subject.items())] = subject

    def _route(self, series: _Series, now: float) -> tuple[_Route, ...]:
        routes = self._routes.get(series)
        if routes is None:
            if len(self._routes) >= MOST_ROUTES:
                self._routes.clear()
            name, labels = series
            routes = tuple(
                _Route(self._subject(rule, threshold, dict(labels), now), labels)
                for rule, threshold in self._rules
                if rule.select.reading == name and selects(rule.select, dict(labels))
            )
            self._routes[series] = routes
        return routes

    def _subject(self, rule: Rule, threshold: Threshold[Any], labels: Mapping[str, str], now: float) -> _Subject:
        about = subject_of(rule.select, labels)
        key = rule.id, frozenset(about.items())
        if key not in self._subjects:
            self._subjects[key] = _Subject(rule, threshold, about, now)
        return self._subjects[key]

    def _judge(
        self, route: _Route, reading: Reading, present: Mapping[_Series, Reading], unchecked: Iterable[CouldNotCheck]
    ) -> Finding | Unjudged:
        subject = route.subject
        whole = None if route.whole is None else present.get(route.whole)
        if route.whole is not None and whole is None:
            reason = _reason(subject, unchecked) or f"there is no {route.whole[0]} to compare it with"
            return subject.unjudged(reason, reading.at)
        since = None if route.since is None else present.get(route.since)
        return subject.judge(reading, whole.value if whole else None, since.value if since else None)

    def _absent(
        self, present: Mapping[_Subject, object], unchecked: Sequence[CouldNotCheck], now: float
    ) -> Iterator[Unjudged]:
        """Yield why the known subjects without a reading have none, and forget those that are long gone."""
        if len(present) == len(self._subjects):
            return
        failed = [one.reason for one in unchecked if not one.name]
        for subject in [one for one in self._subjects.values() if one not in present]:
            reason = _reason(subject, unchecked)
            if reason is None and failed and not subject.gone:
                # Nothing here says which collector it comes from: one that failed is plausible, of several none is.
                reason = failed[0] if len(failed) == 1 else "no reading this time"
            if subject.is_forgotten(now, explained=reason is not None):
                self._forget(subject)
            elif reason is not None:
                yield subject.unjudged(reason, now)
            else:
                news = not subject.rule.select.come_and_go and (not subject.gone or now - subject.seen <= TOLD_FOR)
                if subject.severity or news:
                    yield subject.unjudged("no longer seen", now)
                subject.gone = True
        for subject in sorted(self._subjects.values(), key=lambda one: -one.seen)[MOST_SUBJECTS:]:
            self._forget(subject)

    def _forget(self, subject: _Subject) -> None:
        del self._subjects[subject.rule.id, frozenset(subject.labels.items())]
        self._routes.clear()  # some lead to it

    def _never_seen(self, unchecked: Iterable[CouldNotCheck], now: float) -> Iterator[Unjudged]:
        """Yield what could not be checked and no known subject is about."""
        told = set()
        for missing in unchecked:
            for rule, threshold in self._rules:
                about = subject_of(rule.select, missing.labels)
                key = rule.id, frozenset(about.items())
                if missing.name != rule.select.reading or not may_select(rule.select, missing.labels) or key in told:
                    continue
                if not any(one.rule is rule and covers(missing.labels, one.labels) for one in self._subjects.values()):
                    told.add(key)
                    yield _Subject(rule, threshold, about, now).unjudged(missing.reason, now)


def _reason(subject: _Subject, unchecked: Iterable[CouldNotCheck]) -> str | None:
    """Return why nothing could be read of `subject`, when a collector said so."""
    select = subject.rule.select
    for missing in unchecked:
        if missing.name and missing.name in (select.reading, select.of) and covers(missing.labels, subject.labels):
            return missing.reason
    return None
