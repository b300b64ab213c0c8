"""Prometheus exporters: the metrics that are wanted of each, read as Prometheus reads them, so that rules can judge them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated

import msgspec

from collectors._exposition import Series, Wanted
from collectors._network import NoSuchName, is_loopback
from collectors._plugin import (
    AbsolutePath,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._side_by_side import SideBySide
from collectors._web import Answer, Broken, Trust, fetch, is_private_way, split_url

DEADLINE = 30.0
# The plain format can be read line by line; OpenMetrics is taken from those that have nothing else.
_ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"
_OK = 200


class ExporterTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exporter."""

    url: Annotated[
        str, msgspec.Meta(description="Where it shows its metrics.", examples=["http://127.0.0.1:9100/metrics"])
    ]
    metrics: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1)]],
        msgspec.Meta(
            min_length=1, description="Names of the metrics to take, or shell patterns.", examples=[["node_load*"]]
        ),
    ]
    remote: Annotated[bool, msgspec.Meta(description="Whether it may be on another host than this one.")] = False
    token_secret: Annotated[str | None, msgspec.Meta(description="Name of the secret that holds a bearer token.")] = (
        None
    )
    ca_file: Annotated[
        AbsolutePath | None, msgspec.Meta(description="Authorities to trust instead of the system's, a PEM file.")
    ] = None
    series: Annotated[int, msgspec.Meta(ge=1, le=20_000, description="The most series that are taken.")] = 1000
    largest: Annotated[int, msgspec.Meta(ge=1000, le=50_000_000, description="Bytes that its whole page may have.")] = (
        5_000_000
    )

    def __post_init__(self) -> None:
        """Refuse another host where none was meant, and a secret that would leave in the clear."""
        parts = split_url(self.url)
        if not (self.remote or is_loopback(parts.hostname or "")):
            raise ValueError("url: it is not on this host; if that is meant, write remote = true")
        if self.token_secret and not is_private_way(parts):
            raise ValueError("a secret is sent over https only, or to this machine")


class ExporterOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the exporter collector."""

    targets: Annotated[
        dict[str, ExporterTarget],
        msgspec.Meta(
            description="Exporters, by a name of your choice, which becomes the label `exporter`.",
            examples=[{"node": {"url": "http://127.0.0.1:9100/metrics", "metrics": ["node_load*"]}}],
        ),
    ] = msgspec.field(default_factory=dict)
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time an exporter may take.")] = 10.0


class ExporterCollector:
    """Asks each exporter once."""

    def __init__(self, options: ExporterOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context
        self._probes = SideBySide[str, Answer](2 * options.timeout, options.deadline or DEADLINE)
        self._trust = Trust()
        self._wanted = {name: Wanted(target.metrics, target.series) for name, target in options.targets.items()}

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what is wanted of each exporter. Raises NotSupported when none is named."""
        if not self._options.targets:
            raise NotSupported("no exporter is named")
        taken: dict[Series, str] = {}
        questions = {name: partial(self._ask, target) for name, target in self._options.targets.items()}
        for name, answer in self._probes.ask(questions):
            labels = {"exporter": name}
            try:
                text, strict = _page(answer)
                # All of a page or nothing: half of one that is malformed would be taken for what there is.
                items = list(self._wanted[name].read(text, labels, at, taken, name, strict=strict))
            except (CollectorError, OSError, NoSuchName, Broken, ValueError) as error:
                yield Reading("exporter_series", 0.0, "count", labels, at)
                yield from self._wanted[name].missed(labels, f"{name} cannot be read: {error}")
            else:
                yield Reading(
                    "exporter_series", float(sum(isinstance(one, Reading) for one in items)), "count", labels, at
                )
                yield from items
                yield from self._wanted[name].absent({one.name for one in items}, labels)

    def _ask(self, target: ExporterTarget) -> Answer:
        parts = split_url(target.url)
        headers = {"Accept": _ACCEPT}
        if target.token_secret:
            headers["Authorization"] = f"Bearer {self._context.secret(target.token_secret)}"
        tls = self._trust.context(target.ca_file) if parts.scheme == "https" else None
        return fetch(parts, timeout=self._options.timeout, largest=target.largest, tls=tls, headers=headers)


def _page(answer: Answer | Exception) -> tuple[str, bool]:
    """Return the text of a page, and whether it is OpenMetrics."""
    if isinstance(answer, Exception):
        raise answer
    if answer.status != _OK:
        raise CollectorError(f"it answers with status {answer.status}")
    if answer.truncated:
        raise CollectorError("its page is longer than `largest` allows")
    return answer.body.decode("utf-8"), "openmetrics" in answer.headers.get("content-type", "")


def _declared(options: ExporterOptions) -> Iterable[DeclaredReading]:
    for name, target in options.targets.items():
        for metric in target.metrics:
            yield DeclaredReading(metric, "*", ("*",), f"From the exporter {name}.")


PLUGIN = CollectorPlugin(
    name="exporter",
    summary="Metrics of Prometheus exporters, under their own names with the label `exporter`, so that rules can judge them.",
    options=ExporterOptions,
    build=ExporterCollector,
    readings=(
        DeclaredReading(
            "exporter_series", "count", ("exporter",), "How many series were taken; 0 where it cannot be read."
        ),
    ),
    deadline=DEADLINE,
    when_configured=True,
    declares=_declared,
)
