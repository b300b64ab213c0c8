"""`/metrics`: one Snapshot as Prometheus families, rendered once per cycle and served as bytes in between."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from agent.model import QueueState
from agent.status import Snapshot
from collectors import Reading
from thresholds import Severity

PREFIX = "foretell_"
WAITING_STATES: tuple[QueueState, ...] = ("queued", "sending", "rejected")

# By content type. Every scraper of today understands one of these two.
_FORMATS: Mapping[str, Callable[[Collector], bytes]] = {
    CONTENT_TYPE_PLAIN_0_0_4: generate_latest,
    openmetrics.CONTENT_TYPE_LATEST: openmetrics.generate_latest,
}


class Metrics:
    """The page of the last cycle. `update` and `text` may be called from different threads.

    meanings: what each reading says, by its name: the text of its HELP line.
    """

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = meanings
        self._families = _Families([])
        self._pages: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def update(self, snapshot: Snapshot) -> None:
        """Show `snapshot` from now on. Whatever format has been asked for before is rendered here, not during a scrape."""
        own = list(_own_families(snapshot))
        families = _Families([*own, *_reading_families(snapshot.readings, self._meanings, own)])
        with self._lock:
            self._families = families
            self._pages = {content_type: _FORMATS[content_type](families) for content_type in self._pages}

    def text(self, accept: str = "") -> tuple[str, bytes]:
        """Return content type and page for a request with this `Accept` header; an empty page before the first cycle."""
        wants_openmetrics = "application/openmetrics-text" in accept
        content_type = openmetrics.CONTENT_TYPE_LATEST if wants_openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        with self._lock:
            if content_type not in self._pages:
                self._pages[content_type] = _FORMATS[content_type](self._families)
            return content_type, self._pages[content_type]


class _Families(Collector):
    """Families made before, as prometheus_client wants them handed."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value=value)


def _gauges(name: str, meaning: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, meaning, labels=[label])
    for text, value in values:
        family.add_metric([text], value)
    return family


def _own_families(now: Snapshot) -> Iterator[Metric]:
    """Yield the agent's own health. Every label here takes its values from the configuration or from a closed set."""
    yield _gauges("build_info", "The agent's version; always 1.", "version", [(now.version, 1)])
    yield _gauge("start_timestamp_seconds", "When the agent started.", now.started_at)
    yield _gauge("last_cycle_timestamp_seconds", "When the last finished cycle began.", now.cycle_at)
    yield _gauge("cycle_duration_seconds", "How long the last cycle took.", now.cycle_duration)
    yield CounterMetricFamily(PREFIX + "cycles_total", "Cycles finished since the start.", value=now.cycle)
    yield from _collector_families(now)
    yield from _case_families(now)
    yield from _desk_families(now)
    meaning = "Modes in which the agent cannot do all it should; absent when it can."
    yield _gauges("degraded", meaning, "mode", [(mode, 1) for mode in now.degraded])
    yield _gauge("history_size_bytes", "Size of the history on disk.", now.history_bytes)


def _collector_families(now: Snapshot) -> Iterator[Metric]:
    runs = [run for run in now.collectors if not run.not_supported]
    meaning = "Whether the collector's last run could read its source."
    yield _gauges("collector_success", meaning, "collector", [(run.name, run.success) for run in runs])
    meaning = "How long the collector's last run took."
    yield _gauges("collector_duration_seconds", meaning, "collector", [(run.name, run.duration) for run in runs])
    meaning = "What the collector should have read and could not; never the same as healthy."
    yield _gauges("unchecked", meaning, "collector", [(run.name, len(run.unchecked)) for run in runs])


def _case_families(now: Snapshot) -> Iterator[Metric]:
    yield _gauges("cases", "Cases that are not closed, by state.", "state", now.cases_by_state.items())
    count = Counter(finding.severity for finding in now.findings)
    by_severity = [(severity.name.lower(), count[severity]) for severity in Severity if severity]
    yield _gauges("findings", "Findings of the last cycle that are not healthy.", "severity", by_severity)
    yield _gauge("unjudged", "Subjects on which a rule had no verdict in the last cycle.", len(now.unjudged))
    crossings = GaugeMetricFamily(
        PREFIX + "forecast_crossing_timestamp_seconds",
        "The earliest time at which the limit may be crossed, for every finding with a forecast.",
        labels=["rule", "subject"],
    )
    for finding in now.findings:
        if finding.forecast is not None:
            subject = ",".join(f"{label}={text}" for label, text in sorted(finding.subject.items()))
            crossings.add_metric([finding.rule, subject], finding.forecast.earliest)
    yield crossings


def _desk_families(now: Snapshot) -> Iterator[Metric]:
    """Yield what is known of each desk, under its configured name."""
    operations = GaugeMetricFamily(
        PREFIX + "desk_operations", "Operations in the outbox that are not done.", labels=["desk", "state"]
    )
    requests = CounterMetricFamily(
        PREFIX + "desk_requests_total", "Batches at the desk since the start, by outcome.", labels=["desk", "outcome"]
    )
    attempts = CounterMetricFamily(
        PREFIX + "desk_attempts_total",
        "Tries of operations since the records began, by outcome: done, or the reason why not.",
        labels=["desk", "outcome"],
    )
    for desk in now.desks:
        for state in WAITING_STATES:
            operations.add_metric([desk.name, state], desk.queue.counts.get(state, 0))
        for outcome, count in desk.requests.items():
            requests.add_metric([desk.name, outcome], count)
        for outcome, count in desk.queue.attempts.items():
            attempts.add_metric([desk.name, outcome], count)
    yield operations
    waited = [
        (desk.name, now.cycle_at - desk.queue.oldest_at if desk.queue.oldest_at is not None else 0.0)
        for desk in now.desks
    ]
    yield _gauges("desk_oldest_seconds", "How long the oldest waiting operation has waited.", "desk", waited)
    reachable = [(desk.name, desk.reachable) for desk in now.desks if desk.reachable is not None]
    yield _gauges("desk_reachable", "Whether the desk answered when last asked; absent before.", "desk", reachable)
    contact = [(desk.name, desk.last_contact) for desk in now.desks if desk.last_contact is not None]
    yield _gauges("desk_last_contact_timestamp_seconds", "When the desk last answered.", "desk", contact)
    yield requests
    yield attempts


def _reading_families(
    readings: Iterable[Reading], meanings: Mapping[str, str], own: Iterable[Metric]
) -> Iterator[Metric]:
    """Yield a family for each reading name. Whatever a third party's collector calls things, the page stays well-formed."""
    by_name: dict[str, list[Reading]] = {}
    for reading in readings:
        by_name.setdefault(_valid(reading.name), []).append(reading)
    taken = {family.name for family in own}
    for name, group in by_name.items():
        counter = name.endswith("_total")
        full = PREFIX + name
        while full.removesuffix("_total") in taken:  # two families of one name would make the whole page unreadable
            full = full.replace(PREFIX, PREFIX + "reading_", 1)
        family_type = CounterMetricFamily if counter else GaugeMetricFamily
        labels = sorted({_valid_label(label) for reading in group for label in reading.labels})
        family = family_type(full, meanings.get(group[0].name) or f"Reading {name} of this host.", labels=labels)
        taken.add(family.name)
        for texts, value in _series(group, labels).items():
            family.add_metric(texts, value)
        yield family


def _series(group: Iterable[Reading], labels: list[str]) -> dict[tuple[str, ...], float]:
    """Return the values by label texts; a label that a reading lacks is empty, and of two equal series the last counts."""
    series = {}
    for reading in group:
        texts = {_valid_label(label): text for label, text in reading.labels.items()}
        series[tuple(texts.get(label, "") for label in labels)] = reading.value
    return series


def _valid(name: str) -> str:
    """Return `name` as every Prometheus accepts it behind our prefix."""
    return re.sub(r"[^a-zA-Z0-9_]|^(?=[0-9])", "_", name)


def _valid_label(name: str) -> str:
    """Return `name` as a label: never empty, never one of those with two underscores that Prometheus keeps for itself."""
    return re.sub(r"^_{2,}", "_", _valid(name)) or "_"
