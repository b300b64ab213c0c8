"""One family of `/metrics`, as prometheus-client renders it, line by line: what was rendered before is not rendered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from agent.system.light_imports import leaving_out

# Of its own ways to serve and to push a page we use none.
with leaving_out(
    {
        "gzip": (),
        "ssl": ["PROTOCOL_TLS_CLIENT", "PROTOCOL_TLS_SERVER", "SSLContext", "TLSVersion"],
        "http.server": ["BaseHTTPRequestHandler"],
        "urllib.request": [
            "BaseHandler",
            "HTTPHandler",
            "HTTPRedirectHandler",
            "HTTPSHandler",
            "Request",
            "build_opener",
        ],
        "wsgiref.simple_server": ["WSGIRequestHandler", "WSGIServer", "make_server"],
    }
):
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
    from prometheus_client.openmetrics import exposition as openmetrics
    from prometheus_client.registry import Collector
    from prometheus_client.utils import floatToGoString

__all__ = ["FORMATS", "OPENMETRICS", "PLAIN", "CounterMetricFamily", "Family", "GaugeMetricFamily", "Metric", "Part"]

PLAIN, OPENMETRICS = CONTENT_TYPE_PLAIN_0_0_4, openmetrics.CONTENT_TYPE_LATEST
Kind = type[CounterMetricFamily] | type[GaugeMetricFamily]

# By content type: what renders, and what ends the page. Every scraper of today understands one of these two.
FORMATS: Mapping[str, tuple[Callable[[Collector], bytes], bytes]] = {
    PLAIN: (generate_latest, b""),
    OPENMETRICS: (openmetrics.generate_latest, b"# EOF\n"),
}


class Family(NamedTuple):
    """What one family says: value by label texts. name: as on the page, that of a counter with its `_total`."""

    name: str
    kind: Kind
    meaning: str
    labels: Sequence[str]
    series: Mapping[tuple[str, ...], float]


class Part:
    """A family's part of the page, in each format that was asked for.

    To render a line takes 25 us, and of a host's hundreds most say what they said the last time: those are kept. Of the others
    only the value is written anew.
    """

    def __init__(self, family: Family) -> None:
        self._family = family
        self._heads: dict[str, list[bytes]] = {}
        self._rendered: dict[str, dict[tuple[str, ...], bytes]] = {}
        self._texts: dict[str, bytes] = {}

    def show(self, family: Family) -> None:
        """Show `family` from now on: what it was given before as it is now."""
        before, self._family = self._family, family
        if family is before:  # its readings are the last cycle's, as most are
            return
        if (before.meaning, before.labels) != (family.meaning, family.labels):
            self._heads, self._rendered, self._texts = {}, {}, {}
        elif before.series != family.series:
            self._texts = {}
            for content_type, lines in self._rendered.items():
                self._rendered[content_type] = {
                    texts: lines[texts] if before.series[texts] == value else _with_value(lines[texts], value)
                    for texts, value in family.series.items()
                    if texts in lines
                }

    def text(self, content_type: str) -> bytes:
        """Return the part in that format."""
        if content_type not in self._texts:
            self._texts[content_type] = b"".join(self._lines(content_type))
        return self._texts[content_type]

    def _lines(self, content_type: str) -> list[bytes]:
        name, kind, meaning, labels, series = self._family
        known = self._rendered.setdefault(content_type, {})
        new = [texts for texts in series if texts not in known]
        if new or content_type not in self._heads:
            family = kind(name, meaning, labels=labels)
            for texts in new:
                family.add_metric(texts, series[texts])
            generate, end = FORMATS[content_type]
            text = generate(_Families([family])).removesuffix(end)
            written = [line + b"\n" for line in text.split(b"\n")[:-1]]
            self._heads[content_type] = [line for line in written if line.startswith(b"#")]
            known.update(zip(new, written[len(self._heads[content_type]) :], strict=True))
        return [*self._heads[content_type], *[known[texts] for texts in series]]


def _with_value(line: bytes, value: float) -> bytes:
    """Return a line of the page with another value; it stands behind the last space, for our lines have no time."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return b"%s %s\n" % (line[: line.rindex(b" ")], text.encode())


class _Families(Collector):
    """Families made before, as prometheus_client wants them handed."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
