"""`/metrics`: one Snapshot as Prometheus families, rendered once per cycle and served as bytes in between.

A line is rendered once, and only its value anew: on a quiet host most have not even another value.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from agent.following.model import Promised, QueueState
from agent.metric_family import FORMATS, OPENMETRICS, PLAIN, CounterMetricFamily, Family, GaugeMetricFamily, Part
from agent.reading_families import ReadingFamilies
from agent.status import Snapshot
from thresholds import Severity

PREFIX = "foretell_"
WAITING_STATES: tuple[QueueState, ...] = ("queued", "sending", "rejected")


class Metrics:
    """The page of the last cycle. `update` and `text` may be called from different threads.

    meanings: what each reading says, by its name: the text of its HELP line.
    """

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._readings = ReadingFamilies(PREFIX, meanings, [one.name for one in own_metrics()])
        self._parts: dict[str, Part] = {}
        self._pages: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def update(self, snapshot: Snapshot) -> None:
        """Show `snapshot` from now on. Whatever format has been asked for before is rendered here, not during a scrape."""
        families = [*_own_families(snapshot), *self._readings.of(snapshot.readings)]
        with self._lock:
            self._parts = {family.name: self._part(family) for family in families}
            self._pages = {content_type: self._page(content_type) for content_type in self._pages}

    def text(self, accept: str = "") -> tuple[str, bytes]:
        """Return content type and page for a request with this `Accept` header; an empty page before the first cycle."""
        wants_openmetrics = "application/openmetrics-text" in accept
        content_type = OPENMETRICS if wants_openmetrics else PLAIN
        with self._lock:
            if content_type not in self._pages:
                self._pages[content_type] = self._page(content_type)
            return content_type, self._pages[content_type]

    def _part(self, family: Family) -> Part:
        """Return the part of the page that shows `family`; the one that showed it before, if there was one."""
        if part := self._parts.get(family.name):
            part.show(family)
            return part
        return Part(family)

    def _page(self, content_type: str) -> bytes:
        _, end = FORMATS[content_type]
        return b"".join([part.text(content_type) for part in self._parts.values()] + [end])


def _gauge(name: str, meaning: str, value: float) -> Family:
    return Family(PREFIX + name, GaugeMetricFamily, meaning, (), {(): value})


def _gauges(name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]) -> Family:
    return Family(PREFIX + name, GaugeMetricFamily, meaning, (label,), {(text,): value for text, value in values})


def _counters(
    name: str, meaning: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, ...], float]]
) -> Family:
    return Family(PREFIX + name, CounterMetricFamily, meaning, labels, dict(counts))


#: what each label of the agent's own metrics says; its values are from the configuration or from a closed set
LABELS: Mapping[str, str] = {
    "collector": "a collector's name",
    "desk": "a desk's configured name",
    "kept": "`met` or `missed`",
    "mode": "what the agent cannot do",
    "outcome": "`ok` or `done`, or why not",
    "priority": "`P1` to `P4`",
    "promised": "`first_response` or `fix`",
    "rule": "a rule's id",
    "severity": "`notice`, `warning` or `critical`",
    "state": "of a case, or of an operation in the outbox",
    "subject": "what the rule judged, as `label=text` joined by commas",
    "version": "the agent's",
}


class OwnMetric(NamedTuple):
    """One of the agent's own metrics, as the reference lists it. type: `gauge` or `counter`."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str


def own_metrics() -> list[OwnMetric]:
    """Return the agent's own metrics, in their order on the page."""
    nothing = Snapshot(
        version="", host_id="", host_name="", started_at=0, cycle=0, cycle_at=0, cycle_duration=0, next_cycle_at=0
    )
    return [
        OwnMetric(
            name=family.name,
            type="counter" if family.kind is CounterMetricFamily else "gauge",
            labels=tuple(family.labels),
            meaning=family.meaning,
        )
        for family in _own_families(nothing)
    ]


def _own_families(now: Snapshot) -> Iterator[Family]:
    """Yield the agent's own health. Every label here takes its values from the configuration or from a closed set."""
    yield _gauges("build_info", "The agent's version; always 1.", "version", [(now.version, 1)])
    yield _gauge("start_timestamp_seconds", "When the agent started.", now.started_at)
    yield _gauge("last_cycle_timestamp_seconds", "When the last finished cycle began.", now.cycle_at)
    yield _gauge("next_cycle_timestamp_seconds", "When the next cycle is due.", now.next_cycle_at)
    yield _gauge("cycle_duration_seconds", "How long the last cycle took.", now.cycle_duration)
    yield _counters("cycles_total", "Cycles finished since the start.", (), [((), now.cycle)])
    yield from _collector_families(now)
    yield from _case_families(now)
    yield from _promise_families(now)
    yield from _desk_families(now)
    meaning = "Modes in which the agent cannot do all it should; absent when it can."
    yield _gauges("degraded", meaning, "mode", [(mode, 1) for mode in now.degraded])
    yield _gauge("history_size_bytes", "Size of the history on disk.", now.history_bytes)


def _collector_families(now: Snapshot) -> Iterator[Family]:
    runs = [run for run in now.collectors if not run.not_supported]
    meaning = "Whether the collector's last run could read its source."
    yield _gauges("collector_success", meaning, "collector", [(run.name, run.success) for run in runs])
    meaning = "How long the collector's last run took."
    yield _gauges("collector_duration_seconds", meaning, "collector", [(run.name, run.duration) for run in runs])
    meaning = "What the collector should have read and could not; never the same as healthy."
    yield _gauges("unchecked", meaning, "collector", [(run.name, len(run.unchecked)) for run in runs])


def _case_families(now: Snapshot) -> Iterator[Family]:
    yield _gauges("cases", "Cases that are not closed, by state.", "state", now.cases_by_state.items())
    count = Counter(finding.severity for finding in now.findings)
    by_severity = [(severity.name.lower(), count[severity]) for severity in Severity if severity]
    yield _gauges("findings", "Findings of the last cycle that are not healthy.", "severity", by_severity)
    yield _gauge("unjudged", "Subjects on which a rule had no verdict in the last cycle.", len(now.unjudged))
    crossings: dict[tuple[str, ...], float] = {
        (finding.rule, ",".join(f"{label}={text}" for label, text in sorted(finding.subject.items()))): at.earliest
        for finding in now.findings
        if (at := finding.forecast) is not None
    }
    meaning = "The earliest time at which the limit may be crossed, for every finding with a forecast."
    name = PREFIX + "forecast_crossing_timestamp_seconds"
    yield Family(name, GaugeMetricFamily, meaning, ("rule", "subject"), crossings)


def _promise_families(now: Snapshot) -> Iterator[Family]:
    """Yield how service levels were kept, and what is due next."""
    meaning = "Promises of service levels since the records began, by what was promised and whether it was kept."
    kept = [(one.of, one.count) for one in now.promises]
    yield _counters("sla_promises_total", meaning, ("promised", "priority", "kept"), kept)
    due: dict[Promised, list[float]] = {"first_response": [], "fix": []}
    at_risk: Counter[Promised] = Counter(due.keys())
    at_risk.subtract(due.keys())
    for case in now.cases:
        care = case.care
        if care.promise is None or case.parent is not None:
            continue
        if care.answered_at is None and care.fixed_at is None:
            due["first_response"].append(care.promise.answer_due)
        if care.fixed_at is None:
            due["fix"].append(care.promise.fix_due)
        at_risk.update(what for what in care.warned if what not in care.settled)
    meaning = "When the next promise of an open case is due; absent when none is."
    yield _gauges("sla_due_timestamp_seconds", meaning, "promised", [(what, min(at)) for what, at in due.items() if at])
    meaning = "Open cases of which it was warned that the promise may be missed."
    yield _gauges("sla_at_risk", meaning, "promised", at_risk.items())


def _desk_families(now: Snapshot) -> Iterator[Family]:
    """Yield what is known of each desk, under its configured name."""
    operations: dict[tuple[str, ...], float] = {
        (desk.name, state): desk.queue.counts.get(state, 0) for desk in now.desks for state in WAITING_STATES
    }
    meaning = "Operations in the outbox that are not done."
    yield Family(PREFIX + "desk_operations", GaugeMetricFamily, meaning, ("desk", "state"), operations)
    waited = [
        (desk.name, now.cycle_at - desk.queue.oldest_at if desk.queue.oldest_at is not None else 0.0)
        for desk in now.desks
    ]
    yield _gauges("desk_oldest_seconds", "How long the oldest waiting operation has waited.", "desk", waited)
    reachable = [(desk.name, desk.reachable) for desk in now.desks if desk.reachable is not None]
    yield _gauges("desk_reachable", "Whether the desk answered when last asked; absent before.", "desk", reachable)
    contact = [(desk.name, desk.last_contact) for desk in now.desks if desk.last_contact is not None]
    yield _gauges("desk_last_contact_timestamp_seconds", "When the desk last answered.", "desk", contact)
    requests = [((desk.name, outcome), count) for desk in now.desks for outcome, count in desk.requests.items()]
    meaning = "Batches at the desk since the start, by outcome."
    yield _counters("desk_requests_total", meaning, ("desk", "outcome"), requests)
    attempts = [((desk.name, outcome), count) for desk in now.desks for outcome, count in desk.queue.attempts.items()]
    meaning = "Tries of operations since the records began, by outcome: done, or the reason why not."
    yield _counters("desk_attempts_total", meaning, ("desk", "outcome"), attempts)
