"""Gathers what a report is made of: from the cases and the outbox, the history, and what the daemon left of its last cycle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.chart import Mark, Point, thinned
from agent.configuration.config import Configuration
from agent.configuration.settings import DAY, HOUR
from agent.delivery.outbox import Outbox
from agent.following.facts import unpack
from agent.following.model import Case
from agent.report.capacity import crossing, trend, weekly_highs
from agent.report.coverage import gap, together
from agent.report.model import About, Capacity, Coverage, Gap, Lifecycle, Load, Report, Ticket, Unseen
from agent.report.schedule import Period
from agent.report.tickets import Happened, Opening, promises, recurrences, risks, tickets
from agent.status import Summary, read_summary
from agent.store import History, Hour, Store
from agent.system.host import HostIdentity
from agent.version import VERSION
from thresholds import Finding, Forecast, Rule, selects, subject_of
from thresholds.forecast import NEARLY_NOTHING

#: what is dated, by the reading that says so: what it is, and the labels that name it and its version
LIFECYCLES: Mapping[str, tuple[str, str, str]] = {
    "os_support_end_timestamp_seconds": ("system", "id", "version"),
    "software_support_end_timestamp_seconds": ("software", "product", "version"),
    "certificate_end_timestamp_seconds": ("certificate", "target", ""),
}
BUSY = "cpu_utilization_ratio{}"
MEMORY, ALL_MEMORY = "memory_available_bytes{}", "memory_total_bytes{}"
# What was not read for so long is not there any more.
PRESENT = 2 * DAY
# So much before the period's beginning belongs to what a gap in it began with.
BEFORE = 2 * DAY
_LABEL = re.compile(r'([a-zA-Z_]\w*)="(.*?)"(?=,[a-zA-Z_]\w*="|$)')

Progress = Callable[[float], None]


class Series(NamedTuple):
    """One series of the history, as `Reading.series` names it."""

    text: str
    name: str
    labels: dict[str, str]

    @classmethod
    def named(cls, text: str) -> Series:
        """Return the series that is called so."""
        name, _, inside = text.partition("{")
        return cls(text, name, dict(_LABEL.findall(inside.removesuffix("}"))))


class Gatherer:
    """Reads one state folder beside its daemon. Raises StoreUnavailable everywhere."""

    def __init__(self, configuration: Configuration, state_dir: Path, store: Store, host: HostIdentity) -> None:
        """Given the configuration with its rules."""
        self._configuration = configuration
        self._state_dir = state_dir
        self._store = store
        self._host = host
        self._history = History(store, configuration.settings.history)
        self._rules = configuration.rules_by_id

    def gather(self, period: Period, now: float, progress: Progress = lambda _: None) -> Report:
        """Return the report of `period`, made at `now` (unix seconds); `progress` hears the share that is done, 0 to 1."""
        settings = self._configuration.settings
        cases = self._store.cases(include_closed=True)
        summary = read_summary(self._state_dir)
        self._series = [Series.named(text) for text in self._history.series()]
        told = tickets(cases, self._rules, self._openings(), self._reached, period)
        gaps, silent, lifecycle = self._look(period, progress)
        return Report(
            host=self._host.name,
            host_id=self._host.id,
            role=settings.host.role,
            customer=settings.customer.name,
            version=VERSION,
            zone=self._configuration.zone,
            since=period.since,
            until=period.until,
            made_at=now,
            tickets=told,
            recurrences=recurrences(cases, told, self._rules),
            promises=promises(self._happened(period), cases),
            risks=risks(cases, _findings(summary), self._rules),
            capacities=sorted(self._capacities(cases, told, period), key=_most_urgent),
            loads=list(self._loads(period)),
            lifecycle=sorted(lifecycle, key=lambda one: (one.ends_at is None, one.ends_at or 0.0, one.name)),
            coverage=_coverage(gaps, silent, summary, max(period.since, self._store.installed_at)),
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def _openings(self) -> Iterator[Opening]:
        for operation in Outbox(self._store).openings():
            try:
                forecast = unpack(operation.facts).forecast
            except (
                msgspec.ValidationError
            ):  # of a version that knew other facts: of this ticket nobody knows what it warned of
                forecast = None
            yield Opening(operation.case, operation.created_at, forecast)

    def _happened(self, period: Period) -> Iterator[Happened]:
        return (Happened(key, one.at, one.what) for key, one in self._store.happenings(*period))

    def _reached(self, case: Case, begin: float, end: float) -> bool | None:
        """Return whether what `case` warns of had come about between two times, by the readings themselves."""
        rule = self._rules.get(case.rule)
        if rule is None or rule.kind != "forecast":
            return None
        found = [
            one for one in self._series if _is_about(rule, one) and subject_of(rule.select, one.labels) == case.subject
        ]
        if not found:
            return None
        hours = [hour for hour in self._used(rule, found[0], Period(begin // HOUR * HOUR, end)) if hour.whole > 0]
        return any(hour.high >= (1 - NEARLY_NOTHING) * hour.whole for hour in hours) if hours else None

    # -- the history ------------------------------------------------------------------------------------------------

    def _look(self, period: Period, progress: Progress) -> tuple[list[Gap], float, list[Lifecycle]]:
        """Return what each series lacks, for how long there was none at all, and what the dated ones say.

        One series at a time is in memory, however many there are.
        """
        read: set[float] = set()
        gaps: list[Gap] = []
        dated: list[Lifecycle] = []
        for number, series in enumerate(self._series):
            hours = self._history.hourly(series.text, period.since - BEFORE, period.until)
            times = [hour.at for hour in hours]
            read.update(times)
            if found := gap(series.name, times, *period):
                gaps.append(found)
            if series.name in LIFECYCLES:
                dated += self._lifecycle(series, hours, period)
            progress((number + 1) / len(self._series))
        silent = gap("", sorted(read), *period)
        return gaps, silent.missing if silent else 0.0, dated

    def _lifecycle(self, series: Series, hours: list[Hour], period: Period) -> Iterator[Lifecycle]:
        kind, name, version = LIFECYCLES[series.name]
        ends_at = hours[-1].mean if hours and hours[-1].at >= period.until - PRESENT else None
        # One that is no number, as no day is announced, is in no hour's summary.
        present = ends_at is not None or any(self._history.read(series.text, period.until - PRESENT, period.until))
        own = series.labels.get("part", "own") == "own"
        if present and own:
            yield Lifecycle(
                kind=kind,  # type: ignore[arg-type]  # one of ours
                name=series.labels.get(name, ""),
                version=series.labels.get(version, ""),
                ends_at=ends_at,
            )

    def _capacities(self, cases: list[Case], told: list[Ticket], period: Period) -> Iterator[Capacity]:
        warned = {
            (case.rule, frozenset(case.subject.items())): case.forecast
            for case in cases
            if case.state in {"open", "acknowledged", "deferred"}
        }
        for rule in (one for one in self._rules.values() if one.kind == "forecast"):
            for series in self._series:
                if not _is_about(rule, series):
                    continue
                about = About(
                    rule=rule.id,
                    summary=rule.summary,
                    remedy=rule.remedy or rule.id,
                    subject=subject_of(rule.select, series.labels),
                )
                used = list(self._used(rule, series, period))
                if used and used[-1].at >= period.until - PRESENT:
                    key = rule.id, frozenset(about.subject.items())
                    marks = [Mark(one.opened_at, one.number) for one in told if one.about == about]
                    unit = self._configuration.units.get(series.name, "bytes" if "bytes" in series.name else "count")
                    yield _capacity(about, used, period, unit=unit, warned=warned.get(key), marks=marks)

    def _used(self, rule: Rule, series: Series, period: Period) -> Iterator[Used]:
        """Yield how much was used of how much, hour by hour."""
        remaining = rule.limits.get("measures", "remaining") == "remaining"
        whole = Series.named(series.text.replace(series.name, rule.select.of or "", 1))
        wholes = {hour.at: hour.mean for hour in self._history.hourly(whole.text, *period)}
        for hour in self._history.hourly(series.text, *period):
            size = wholes.get(hour.at)
            if size is not None and size > 0:
                high = size - hour.low if remaining else hour.high
                mean = size - hour.mean if remaining else hour.mean
                yield Used(hour.at, mean, high, size)

    def _loads(self, period: Period) -> Iterator[Load]:
        busy = [(hour.at, hour.mean, hour.high) for hour in self._history.hourly(BUSY, *period)]
        wholes = {hour.at: hour.mean for hour in self._history.hourly(ALL_MEMORY, *period)}
        memory = [
            (hour.at, 1 - hour.mean / wholes[hour.at], 1 - hour.low / wholes[hour.at])
            for hour in self._history.hourly(MEMORY, *period)
            if wholes.get(hour.at)
        ]
        for what, hours in (("cpu", busy), ("memory", memory)):
            if hours:
                quarter = max(len(hours) // 4, 1)
                yield Load(
                    what=what,  # type: ignore[arg-type]  # one of the two
                    before=sum(mean for _, mean, _ in hours[:quarter]) / quarter,
                    now=sum(mean for _, mean, _ in hours[-quarter:]) / quarter,
                    highest=max(high for _, _, high in hours),
                    points=thinned([Point(at, mean) for at, mean, _ in hours]),
                )


class Used(NamedTuple):
    """How much was used in one hour: on average and at most, of how much."""

    at: float
    mean: float
    high: float
    whole: float


def _is_about(rule: Rule, series: Series) -> bool:
    return series.name == rule.select.reading and selects(rule.select, series.labels)


def _capacity(
    about: About, used: list[Used], period: Period, *, unit: str, warned: Forecast | None, marks: list[Mark]
) -> Capacity:
    """Return how it went; the open ticket's date goes before the trend's, so that nobody reads two."""
    whole = used[-1].whole
    highs = weekly_highs(((one.at, one.high) for one in used), period.until)
    grows = trend(highs)
    forecast = warned
    if forecast is None and grows is not None:
        forecast = crossing(grows, highs[-1][1], whole, period.until, period.until - used[0].at)
    return Capacity(
        about=about,
        unit=unit,
        used=used[-1].mean,
        whole=whole,
        used_before=used[0].mean,
        per_day=grows.median if grows else None,
        forecast=forecast,
        source="ticket" if warned else "trend" if forecast else None,
        points=thinned([Point(one.at, one.mean) for one in used]),
        marks=marks,
    )


def _most_urgent(one: Capacity) -> tuple[float, float]:
    return (one.forecast.expected if one.forecast else float("inf"), -one.share)


def _findings(summary: Summary | None) -> list[Finding]:
    return summary.findings if summary else []


def _coverage(gaps: list[Gap], silent: float, summary: Summary | None, known_since: float) -> Coverage:
    added = together(gaps)
    unseen = [
        Unseen(name=one.name or collector, subject=one.labels, reason=one.reason)
        for collector, one in (summary.unchecked if summary else [])
    ]
    return Coverage(
        expected=sum(one.expected for one in added),
        missing=sum(one.missing for one in added),
        silent=silent,
        gaps=added,
        unseen=unseen,
        known_since=known_since,
    )
