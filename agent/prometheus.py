"""A range of a Prometheus server's history as readings: Foretell's own metrics, and node_exporter's where those are not.

A host is what Prometheus calls an instance. Asked in pieces of time, so that memory is bounded by the number of series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import requests

from agent.recording import Recorded
from collectors import Reading
from ticketing_clients import check_address

#: a reading's name to the expression that gives it from node_exporter's metrics; %s is where more matchers go
NODE_EXPORTER: Mapping[str, str] = {
    "filesystem_avail_bytes": "node_filesystem_avail_bytes{%s}",
    "filesystem_size_bytes": "node_filesystem_size_bytes{%s}",
    "filesystem_files_free": "node_filesystem_files_free{%s}",
    "filesystem_files": "node_filesystem_files{%s}",
    "filesystem_readonly": "node_filesystem_readonly{%s}",
    "cpu_utilization_ratio": '1 - avg without (cpu, mode) (rate(node_cpu_seconds_total{mode="idle",%s}[5m]))',
    "memory_available_bytes": "node_memory_MemAvailable_bytes{%s}",
    "memory_total_bytes": "node_memory_MemTotal_bytes{%s}",
}
HOST = "instance"
# Of a series, what only says how Prometheus came by it.
ABOUT_SCRAPING = frozenset({"__name__", "job", HOST})
MOST_POINTS = 500  # of one series in one answer; Prometheus gives at most 11,000
TIMEOUT = 120.0  # seconds for one answer


class PrometheusError(Exception):
    """The server could not be asked; the message says why."""


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct, frozen=True):
    result: list[_Series] = []


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""


class PrometheusRange:
    """A range of time on a server, read as often as wanted. progress: the share that was read, 0 to 1.

    units: each reading's unit by name; these are asked for. start, end: unix seconds; step: seconds between two readings.
    match: more matchers for every series, as PromQL writes them. token: sent as bearer token; then only over https or loopback.
    """

    def __init__(
        self,
        url: str,
        units: Mapping[str, str],
        *,
        start: float,
        end: float,
        step: float,
        match: str = "",
        token: str = "",
        ca_file: Path | None = None,
    ) -> None:
        """Connect to nothing yet. Raises ValueError for a token that would leave in the clear, and for a wrong address."""
        if token:
            check_address(url)
        self._url = url.rstrip("/")
        self._units = units
        self._start, self._end, self._step = start, end, step
        self._match = match
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._verify: str | bool = str(ca_file) if ca_file else True
        self.progress = 0.0

    def readings(self) -> Iterator[Recorded]:
        """Yield the readings in the order of time. Raises PrometheusError."""
        self.progress = 0.0
        at, length = self._start, MOST_POINTS * self._step
        with requests.Session() as session:
            session.headers.update(self._headers)
            session.verify = self._verify
            while at <= self._end:
                until = min(at + length - self._step, self._end)
                piece = [one for name in self._units for one in self._ask(session, name, at, until)]
                yield from sorted(piece, key=lambda one: one.reading.at)
                at = until + self._step
                self.progress = min((at - self._start) / max(self._end - self._start, self._step), 1.0)

    def _ask(self, session: requests.Session, name: str, start: float, end: float) -> Iterator[Recorded]:
        expression = f"foretell_{name}{{{self._match}}}"
        if name in NODE_EXPORTER:
            expression = f"{expression} or {NODE_EXPORTER[name] % self._match}"
        query: dict[str, str | float] = {"query": expression, "start": start, "end": end, "step": self._step}
        for series in self._answer(session, query).data.result:
            labels = {label: text for label, text in series.metric.items() if label not in ABOUT_SCRAPING}
            told = ";".join(f"{label}={text}" for label, text in sorted(labels.items()))
            for at, value in series.values:
                reading = Reading(name, float(value), self._units[name], labels, at)
                yield Recorded(series.metric.get(HOST, ""), told, reading)

    def _answer(self, session: requests.Session, query: Mapping[str, str | float]) -> _Answer:
        url = f"{self._url}/api/v1/query_range"
        try:
            response = session.post(url, data=query, timeout=TIMEOUT, allow_redirects=False)
            answer = msgspec.json.decode(response.content, type=_Answer)
        except requests.RequestException as error:
            raise PrometheusError(f"{self._url} cannot be asked: {type(error).__name__}") from error
        except msgspec.MsgspecError as error:
            what = f"{self._url} answered {response.status_code}, and not as Prometheus does; is this its address?"
            raise PrometheusError(what) from error
        if answer.status != "success":
            raise PrometheusError(f"{self._url} refused `{query['query']}`: {answer.error}")
        return answer
