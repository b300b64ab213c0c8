"""The WSGI application: two views of the host, a page for each case, and four fixed addresses. It changes nothing.

The customer's view is `/` and `/cases/KEY`. The engineer's, `/engineer` and below it, shows what goes on inside, so it is open
only where the page is reached from this host alone, or by people who log in.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from agent.logs import get_logger
from agent.status import LATE_CYCLES, CaseDetails, Snapshot, in_brief
from agent.web.admission import Door, host_check, is_loopback, refusal, who_is_it
from agent.web.answer import CSS, HTML, SVG, Answer, text
from agent.web.consent import ConsentView
from agent.web.reader import Reader, language_of
from agent.web.rendering import CasePage, EngineerPage, Page, PageRenderer, RenderFailed, StatusPage

_HEADERS = [
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "foretell"),
    ("X-Content-Type-Options", "nosniff"),
]

_PACKAGE = Path(__file__).parent.parent
_NOT_INSIDE = (
    "What goes on inside is shown on this host only: the page listens on the network, and nobody has to log in."
    " Name users in a web configuration file (web_config under [agent])."
)

log = get_logger()


class PageSource(Protocol):
    """What the daemon answers to the page. Called from several threads; never blocks for longer than a look at the store."""

    @property
    def cycle(self) -> float:
        """Seconds between two cycles."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The last finished cycle; None before the first."""

    @property
    def records(self) -> str:
        """The state folder, in which the page's child finds what was measured until now; empty when there is none."""

    @property
    def wording(self) -> str:
        """IT's folder of wording; empty when there is none."""

    def consent(self) -> ConsentView:
        """Return what may leave the host now."""

    def seconds_since_cycle(self) -> float:
        """Return how long ago, by the monotonic clock, the last cycle finished; before the first, how long we run."""

    def store_trouble(self) -> str:
        """Return why the store cannot be written, empty while it can."""

    def find_cases(self, prefix: str) -> list[CaseDetails]:
        """Return every case, closed ones too, whose key starts with `prefix`, at most ten."""

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return content type and bytes of `/metrics` for this `Accept` header (`Metrics.text`)."""


def make_app(
    source: PageSource, listen: str, renderer: PageRenderer | None = None, door: Door | None = None
) -> WSGIApplication:
    """Return the application that answers for `source` at `listen`, which also says by which names it may be called.

    door: asks people who they are; nobody is asked where there is none.
    """
    pages = renderer or PageRenderer()
    may_be_called = host_check(listen)
    local = is_loopback(listen)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inside = local or (door is not None and door.asks_who)
        answer = (
            refusal(environ, may_be_called)
            or (door and who_is_it(environ, door))
            or _route(environ, source, pages, inside=inside)
        )
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        start_response(f"{answer.status.value} {answer.status.phrase}", [*headers, *answer.headers, *_HEADERS])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    return app


def _route(environ: WSGIEnvironment, source: PageSource, pages: PageRenderer, *, inside: bool) -> Answer:
    path = environ.get("PATH_INFO") or "/"
    try:
        if path in _FIXED:
            return _FIXED[path](environ, source)
        page = re.fullmatch(r"(?P<inside>/engineer)?(?:/cases/(?P<case>[0-9a-f]{4,64}))?/?", path)
        if page and (path == "/" or not path.endswith("/")):
            if page["inside"] and not inside:
                return text(HTTPStatus.FORBIDDEN, _NOT_INSIDE)
            return _page(environ, source, pages, _reader(environ, source, page["inside"], inside=inside), page["case"])
    except Exception:
        log.exception("the page could not be made", path=path)
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, "This page could not be made; the agent's log says why.")
    return text(HTTPStatus.NOT_FOUND, "There is no such page.")


def _reader(environ: WSGIEnvironment, source: PageSource, engineer: str | None, *, inside: bool) -> Reader:
    own = Path(source.wording) / "languages" if source.wording else None
    language, chosen = language_of(environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT_LANGUAGE", ""), own)
    return Reader(
        language=language, chosen=chosen, audience="engineer" if engineer else "customer", may_look_inside=inside
    )


def _probe(trouble: str, well: str) -> Answer:
    return text(HTTPStatus.SERVICE_UNAVAILABLE, trouble) if trouble else text(HTTPStatus.OK, well)


def _stuck(source: PageSource) -> str:
    silent = source.seconds_since_cycle()
    if silent < LATE_CYCLES * source.cycle:
        return ""
    return f"no cycle has finished for {silent:.0f} s; one is due every {source.cycle:.0f} s"


def _unready(source: PageSource) -> str:
    if source.snapshot is None:
        return "the first cycle is not finished yet"
    return source.store_trouble()


def _page(
    environ: WSGIEnvironment, source: PageSource, pages: PageRenderer, reader: Reader, prefix: str | None
) -> Answer:
    snapshot = source.snapshot
    if prefix is None:
        if snapshot is None:
            return text(HTTPStatus.SERVICE_UNAVAILABLE, "The first cycle is not finished yet; look again in a moment.")
        return _rendered(environ, pages, snapshot, reader.name, lambda: _front(source, snapshot, reader))
    found = source.find_cases(prefix)
    if not reader.may_look_inside:
        found = [details for details in found if details.case.state != "pending"]  # nobody was told of those yet
    if snapshot is None or not found:
        return text(HTTPStatus.NOT_FOUND, "There is no case with this key.")
    if len(found) > 1:
        keys = "\n".join(f"/cases/{details.case.key}" for details in found)
        return text(HTTPStatus.MULTIPLE_CHOICES, f"Several cases have keys that begin so:\n{keys}")
    [details] = found
    name = f"{reader.name} {details.case.key}"
    return _rendered(environ, pages, snapshot, name, lambda: _case(source, snapshot, reader, details))


def _front(source: PageSource, snapshot: Snapshot, reader: Reader) -> Page:
    if reader.audience == "engineer":
        return EngineerPage(reader=reader, wording=source.wording, snapshot=snapshot, consent=source.consent())
    return StatusPage(
        reader=reader,
        records=source.records,
        wording=source.wording,
        summary=snapshot.summary,
        consent=source.consent(),
    )


def _case(source: PageSource, snapshot: Snapshot, reader: Reader, details: CaseDetails) -> Page:
    return CasePage(
        reader=reader, records=source.records, wording=source.wording, details=details, summary=snapshot.summary
    )


def _rendered(
    environ: WSGIEnvironment, pages: PageRenderer, snapshot: Snapshot, name: str, make: Callable[[], Page]
) -> Answer:
    try:
        packed = pages.render(snapshot, name, make)
    except RenderFailed:
        log.exception("the page could not be rendered")
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, in_brief(snapshot))
    headers = (("Vary", "Accept-Language, Accept-Encoding"),)
    if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
        return Answer(HTTPStatus.OK, HTML, packed, (*headers, ("Content-Encoding", "gzip")))
    return Answer(HTTPStatus.OK, HTML, gzip.decompress(packed), headers)


def _metrics(environ: WSGIEnvironment, source: PageSource) -> Answer:
    content_type, body = source.metrics(environ.get("HTTP_ACCEPT", ""))
    return Answer(HTTPStatus.OK, content_type, body)


def _style() -> Answer:
    style = b"".join((_PACKAGE / sheet).read_bytes() for sheet in ("web/templates/style.css", "chart/style.css"))
    return Answer(HTTPStatus.OK, CSS, style)


def _icon() -> Answer:
    return Answer(HTTPStatus.OK, SVG, (_PACKAGE / "web/templates/icon.svg").read_bytes())


_FIXED: Mapping[str, Callable[[WSGIEnvironment, PageSource], Answer]] = {
    "/metrics": _metrics,
    "/healthz": lambda _, source: _probe(_stuck(source), "alive"),
    "/readyz": lambda _, source: _probe(_unready(source), "ready"),
    "/style.css": lambda *_: _style(),
    "/icon.svg": lambda *_: _icon(),
}
