"""A range of a Prometheus server's history as readings: Foretell's own metrics, and node_exporter's where those are not.

A host is what Prometheus calls an instance. Asked for some hosts at once and in pieces of time, so that memory is bounded by
what a host has, however many there are. The readings of one host come in the order of time, which is all that a replay needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import requests

from agent.replay.recording import Recorded, Series
from collectors import Labels
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
HOSTS_AT_ONCE = 20
MOST_POINTS = 500  # of one series in one answer; Prometheus gives at most 11,000
TIMEOUT = 120.0  # seconds for one answer


class PrometheusError(Exception):
    """The server could not be asked; the message says why."""


Told = TypeVar("Told")


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct, frozen=True):
    result: list[_Series] = []


class _Answer(msgspec.Struct, Generic[Told], frozen=True):
    status: str
    data: Told | None = None
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
        """Yield the readings, those of each host in the order of time. Raises PrometheusError."""
        self.progress = 0.0
        with requests.Session() as session:
            session.headers.update(self._headers)
            session.verify = self._verify
            hosts = self._values(session, HOST)
            recorded = set(self._values(session, "__name__"))
            names = [
                name
                for name in self._units
                if {f"foretell_{name}", *re.findall("node_[A-Za-z_]+", NODE_EXPORTER.get(name, ""))} & recorded
            ]
            for first in range(0, len(hosts), HOSTS_AT_ONCE):
                some = hosts[first : first + HOSTS_AT_ONCE]
                for share, piece in self._pieces(session, names, some):
                    yield from piece
                    self.progress = (first + share * len(some)) / len(hosts)
        self.progress = 1.0

    def _pieces(
        self, session: requests.Session, names: Sequence[str], hosts: Sequence[str]
    ) -> Iterator[tuple[float, list[Recorded]]]:
        """Yield what these hosts read, piece by piece of the range, each with the share of it that is done then."""
        known: dict[tuple[object, ...], Series] = {}
        match = _joined(self._match, f"{HOST}=~{_quoted('|'.join(map(re.escape, hosts)))}")
        at, length = self._start, MOST_POINTS * self._step
        while at <= self._end:
            until = min(at + length - self._step, self._end)
            piece = [one for name in names for one in self._ask(session, name, match, (at, until), known)]
            at = until + self._step
            share = min((at - self._start) / max(self._end - self._start, self._step), 1.0)
            yield share, sorted(piece, key=lambda recorded: recorded[2])

    def _ask(
        self,
        session: requests.Session,
        name: str,
        match: str,
        span: tuple[float, float],
        known: dict[tuple[object, ...], Series],
    ) -> Iterator[Recorded]:
        """Yield the readings of one name; the series that were met before are in `known`."""
        expression = f"foretell_{name}{{{match}}}"
        if name in NODE_EXPORTER:
            expression = f"{expression} or {NODE_EXPORTER[name] % match}"
        query: dict[str, str | float] = {"query": expression, "start": span[0], "end": span[1], "step": self._step}
        for told in self._answer(session, "query_range", query, _Data).result:
            host = told.metric.get(HOST, "")
            labels = sorted(pair for pair in told.metric.items() if pair[0] not in ABOUT_SCRAPING)
            series = known.setdefault(
                (host, name, *labels), Series(host, name, self._units[name], Labels(dict(labels)))
            )
            for at, value in told.values:
                number = self._number(value, expression)
                if math.isfinite(number):  # what was divided by nothing is no reading
                    yield series, number, at

    def _number(self, told: str, expression: str) -> float:
        try:
            return float(told)
        except ValueError as error:
            what = f"{self._url} answered `{expression}` with {told[:40]!r}, which is no number; is it a Prometheus?"
            raise PrometheusError(what) from error

    def _values(self, session: requests.Session, label: str) -> list[str]:
        """Return the values that a label has in the range, on series of ours and of node_exporter's that match."""
        series = _joined(self._match, '__name__=~"(foretell|node)_.+"')
        query: dict[str, str | float] = {"match[]": f"{{{series}}}", "start": self._start, "end": self._end}
        return self._answer(session, f"label/{label}/values", query, list[str])

    def _answer(self, session: requests.Session, path: str, query: Mapping[str, str | float], kind: type[Told]) -> Told:
        url = f"{self._url}/api/v1/{path}"
        # Only a query may be longer than an address, and only for one may it be posted.
        how: dict[str, Any] = {"data": query} if path == "query_range" else {"params": query}
        try:
            method = "POST" if path == "query_range" else "GET"
            response = session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **how)
            answer = msgspec.json.decode(response.content, type=_Answer[kind])  # type: ignore[valid-type]  # it is one
        except requests.RequestException as error:
            raise PrometheusError(f"{self._url} cannot be asked: {type(error).__name__}") from error
        except (ValueError, RecursionError) as error:
            what = f"{self._url} answered {response.status_code}, and not as Prometheus does; is this its address?"
            raise PrometheusError(what) from error
        if answer.status != "success" or answer.data is None:
            asked = query.get("query") or query.get("match[]")
            raise PrometheusError(f"{self._url} refused `{asked}`: {answer.error}")
        return answer.data


def _joined(*matchers: str) -> str:
    return ",".join(one for one in matchers if one)


def _quoted(text: str) -> str:
    """Return `text` as PromQL writes a string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
