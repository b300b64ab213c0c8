"""The judge: hands each rule its readings, joined by subject, and keeps what the thresholds remember. Pure.

Which reading is about what is worked out when other series are read than in the cycle before, which is seldom. Most readings
are the very ones of the cycle before, as their collector was not due: what was concluded from them stands.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, count
from operator import is_not, not_
from typing import Any, cast

import msgspec

from collectors import CouldNotCheck, Reading
from thresholds._finding import Finding, Severity, Unjudged
from thresholds._match import covers, may_select, selects, subject_of
from thresholds._plugin import Threshold
from thresholds._rule import Rule
from thresholds._subject import Subject

TOLD_FOR = 3600.0  # seconds for which a healthy subject's absence is told: it may have been taken away on purpose
MOST_SUBJECTS = 20_000  # beyond these, the longest gone are forgotten first
MOST_ROUTES = 50_000  # beyond these, series are looked at as if they were new
MISSING = -1  # instead of the number of a reading

KEPT_LAYOUTS = 4  # of a disk that is idle now and then, one series or another is missing

_Labels = frozenset[tuple[str, str]]
_Series = tuple[str, _Labels]
_Place = tuple[int, Subject, int | None, int | None]
_AllSeries = tuple[Sequence[str], Sequence[Mapping[str, str]]]  # of a cycle: the names, and beside them the labels


class _Remembered(msgspec.Struct, array_like=True):
    """One subject as `dump` writes it; times are unix seconds, `at` that of the reading judged last."""

    rule: str
    subject: dict[str, str]
    first_seen: float
    seen: float
    at: float
    severity: Severity | None
    memory: msgspec.Raw


class _Route:
    """Where the readings of one series go in one rule, and which series they are joined with."""

    __slots__ = ("since", "subject", "whole")

    def __init__(self, subject: Subject, labels: _Labels) -> None:
        select = subject.rule.select
        self.subject = subject
        self.whole: _Series | None = (select.of, labels) if select.of else None
        self.since: _Series | None = (select.since, labels) if select.since else None


class _Layout:
    """Which of a cycle's readings are about which subject. It is good for as long as the same series are read.

    series: what it was made for. places: for each reading, where it is judged: the number of the verdict, the subject, and the
    numbers of its whole and of its `since` among the readings, None where there is none. verdicts: how many there are.
    partial: where the whole was not read: the number of the verdict, the subject and the number of its reading.
    crowded: subjects of several readings. present: all of these subjects.
    """

    __slots__ = ("crowded", "partial", "places", "present", "series", "verdicts")

    def __init__(self, series: _AllSeries = ([], [])) -> None:
        self.series = series
        self.places: list[tuple[_Place, ...]] = [()] * len(series[0])  # many are judged nowhere
        self.verdicts = 0
        self.partial: list[tuple[int, Subject, int]] = []
        self.crowded: list[Subject] = []
        self.present: set[Subject] = set()

    def place(self, subject: Subject, number: int, whole: int | None, since: int | None) -> None:
        """Have the reading of this number judged."""
        if whole == MISSING:
            self.partial.append((self.verdicts, subject, number))
        else:
            self.places[number] += ((self.verdicts, subject, whole, since),)
        self.verdicts += 1


class Judge:
    """Judges a host's readings, cycle after cycle, by a set of rules.

    lost: how many of the memories given at the start could not be read; their subjects are learnt anew.
    """

    def __init__(self, rules: Sequence[tuple[Rule, Threshold[Any]]], memories: bytes | None = None) -> None:
        """Given rules with their thresholds, and what `dump` once returned, go on from there."""
        self.lost = 0
        self._rules = tuple(rules)
        self._subjects: dict[tuple[str, _Labels], Subject] = {}
        self._of_rule: defaultdict[str, set[Subject]] = defaultdict(set)
        self._routes: dict[_Series, tuple[_Route, ...]] = {}
        self._now = 0.0  # of the last cycle
        self._readings: tuple[Reading, ...] = ()  # of the last cycle
        self._layout = _Layout()  # of these readings
        self._verdicts: list[Finding | Unjudged | None] = []  # on these readings
        self._found: list[bool] = []  # which of these are findings
        # The last ones, for when the same series are read again.
        self._layouts: deque[_Layout] = deque(maxlen=KEPT_LAYOUTS)
        if memories:
            self._load(memories)

    def judge(
        self, readings: Sequence[Reading], unchecked: Sequence[CouldNotCheck], now: float
    ) -> tuple[list[Finding], list[Unjudged]]:
        """Return one verdict for each rule and subject: a Finding, healthy ones included, or why there is none.

        readings: the latest of each series; of a collector that was not due those of its last run, with their own `at`.
        now: unix seconds; how long something has been gone is counted up to it.
        """
        changed: Sequence[int] | None = self._changed(readings)
        if changed is None:
            self._enter(self._layout_of(readings, now))
            changed = range(len(readings))
        self._now = now
        layout, verdicts, found = self._layout, self._verdicts, self._found
        for number in changed:
            reading = readings[number]
            for place, subject, whole, since in layout.places[number]:
                verdict = subject.verdict
                if verdict is None or reading.at != subject.at:  # one that was judged before teaches nothing new
                    verdict = subject.judge(
                        reading,
                        None if whole is None else readings[whole].value,
                        None if since is None else readings[since].value,
                    )
                verdicts[place], found[place] = verdict, isinstance(verdict, Finding)
        for place, subject, number in layout.partial:
            reason = _reason(subject, unchecked) or f"there is no {subject.rule.select.of} to compare it with"
            verdicts[place] = subject.unjudged(reason, readings[number].at)
        self._readings = tuple(readings)  # only now: each of them is judged
        findings = cast("list[Finding]", [*compress(verdicts, found)])
        unjudged: list[Unjudged] = []
        if len(findings) < len(verdicts):
            unjudged += cast("list[Unjudged]", [*compress(verdicts, map(not_, found))])
        for subject in layout.crowded:
            reason = "several readings at once; add a label to the rule's `select.subject`"
            unjudged.append(subject.unjudged(reason, now))
        if unchecked or len(layout.present) < len(self._subjects):
            unjudged += self._absent(unchecked, now)
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
                    seen=self._seen(subject),
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
            subject = Subject(*thresholds[one.rule], one.subject, one.first_seen)
            try:
                subject.memory = msgspec.msgpack.decode(one.memory, type=subject.threshold.memory)
            except msgspec.MsgspecError:
                self.lost += 1
                continue
            subject.seen, subject.at, subject.severity = one.seen, one.at, one.severity
            self._know(subject)

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

    def _subject(self, rule: Rule, threshold: Threshold[Any], labels: Mapping[str, str], now: float) -> Subject:
        about = subject_of(rule.select, labels)
        key = rule.id, frozenset(about.items())
        if key not in self._subjects:
            self._know(Subject(rule, threshold, about, now))
        return self._subjects[key]

    def _know(self, subject: Subject) -> None:
        self._subjects[subject.rule.id, frozenset(subject.labels.items())] = subject
        self._of_rule[subject.rule.id].add(subject)

    def _changed(self, readings: Sequence[Reading]) -> list[int] | None:
        """Return the numbers of the readings that are not the very ones of the last cycle; None when other series are read."""
        before = self._readings
        if len(readings) != len(before):
            return None
        changed = [*compress(count(), map(is_not, readings, before))]
        for number in changed:
            now, then = readings[number], before[number]
            if now.name != then.name or now.labels != then.labels:
                return None
        return changed

    def _layout_of(self, readings: Sequence[Reading], now: float) -> _Layout:
        series = [reading.name for reading in readings], [reading.labels for reading in readings]
        for known in self._layouts:
            if known.series == series:
                return known
        return self._lay_out(series, now)

    def _lay_out(self, series: _AllSeries, now: float) -> _Layout:
        numbers = {
            (name, frozenset(labels.items())): number for number, (name, labels) in enumerate(zip(*series, strict=True))
        }
        found: dict[Subject, list[tuple[int, int | None, int | None]]] = {}
        for one, number in numbers.items():
            for route in self._route(one, now):
                whole = None if route.whole is None else numbers.get(route.whole, MISSING)
                since = None if route.since is None else numbers.get(route.since)
                found.setdefault(route.subject, []).append((number, whole, since))
        layout = _Layout(series)
        for subject, places in found.items():
            if len(places) == 1:
                layout.place(subject, *places[0])
            else:
                layout.crowded.append(subject)
        layout.present = set(found)
        self._layouts.append(layout)
        return layout

    def _enter(self, layout: _Layout) -> None:
        """Have readings of other series judged from now on; whose reading is not among them was last seen in the last cycle."""
        for subject in self._layout.present - layout.present:
            subject.seen, subject.gone = self._now, False
        self._layout, self._readings = layout, ()
        self._verdicts, self._found = [None] * layout.verdicts, [False] * layout.verdicts

    def _seen(self, subject: Subject) -> float:
        return self._now if subject in self._layout.present else subject.seen

    def _absent(self, unchecked: Sequence[CouldNotCheck], now: float) -> Iterator[Unjudged]:
        """Yield why the known subjects without a reading have none, and forget those that are long gone."""
        present = self._layout.present
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
        if len(self._subjects) > MOST_SUBJECTS:
            for subject in sorted(self._subjects.values(), key=lambda one: -self._seen(one))[MOST_SUBJECTS:]:
                self._forget(subject)

    def _forget(self, subject: Subject) -> None:
        del self._subjects[subject.rule.id, frozenset(subject.labels.items())]
        self._of_rule[subject.rule.id].remove(subject)
        self._routes.clear()  # some lead to it
        self._enter(_Layout())
        self._layouts.clear()

    def _never_seen(self, unchecked: Iterable[CouldNotCheck], now: float) -> Iterator[Unjudged]:
        """Yield what could not be checked and no known subject is about."""
        told = set()
        for missing in unchecked:
            for rule, threshold in self._rules:
                if missing.name != rule.select.reading or not may_select(rule.select, missing.labels):
                    continue
                about = subject_of(rule.select, missing.labels)
                key = rule.id, frozenset(about.items())
                if key in told:
                    continue
                if not any(covers(missing.labels, one.labels) for one in self._of_rule[rule.id]):
                    told.add(key)
                    yield Subject(rule, threshold, about, now).unjudged(missing.reason, now)


def _reason(subject: Subject, unchecked: Iterable[CouldNotCheck]) -> str | None:
    """Return why nothing could be read of `subject`, when a collector said so."""
    select = subject.rule.select
    for missing in unchecked:
        if missing.name and missing.name in (select.reading, select.of) and covers(missing.labels, subject.labels):
            return missing.reason
    return None
