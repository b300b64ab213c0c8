"""The WSGI application: four fixed addresses and one page per case. It reads what the daemon knows and changes nothing."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from importlib import resources
from typing import Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec
import structlog

from agent.address import split_address
from agent.status import LATE_CYCLES, CaseDetails, Snapshot, in_brief
from agent.web.rendering import CasePage, Page, PageRenderer, RenderFailed, StatusPage

HTML, TEXT, CSS = "text/html; charset=utf-8", "text/plain; charset=utf-8", "text/css; charset=utf-8"
_HEADERS = [
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "foretell"),
    ("X-Content-Type-Options", "nosniff"),
]

log = structlog.get_logger()


class PageSource(Protocol):
    """What the daemon answers to the page. Called from several threads; never blocks for longer than a look at the store."""

    @property
    def cycle(self) -> float:
        """Seconds between two cycles."""

    @property
    def snapshot(self) -> Snapshot | None:
        """The last finished cycle; None before the first."""

    def seconds_since_cycle(self) -> float:
        """Return how long ago, by the monotonic clock, the last cycle finished; before the first, how long we run."""

    def store_trouble(self) -> str:
        """Return why the store cannot be written, empty while it can."""

    def find_cases(self, prefix: str) -> list[CaseDetails]:
        """Return every case, closed ones too, whose key starts with `prefix`, at most ten."""

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return content type and bytes of `/metrics` for this `Accept` header (`Metrics.text`)."""


class Answer(msgspec.Struct, frozen=True):
    """A response before it is written."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def make_app(source: PageSource, listen: str, renderer: PageRenderer | None = None) -> WSGIApplication:
    """Return the application that answers for `source` at `listen`, which also says by which names it may be called."""
    pages = renderer or PageRenderer()
    may_be_called = _host_check(listen)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = _refusal(environ, may_be_called) or _route(environ, source, pages)
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        start_response(f"{answer.status.value} {answer.status.phrase}", [*headers, *answer.headers, *_HEADERS])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    return app


def _host_check(listen: str) -> Callable[[str], bool]:
    """Return a test of `Host` headers: a web page that points its own name at this address (DNS rebinding) fails it."""
    configured = split_address(listen)[0].lower()
    own_address = _address(configured)
    everywhere = own_address is not None and own_address.is_unspecified
    names = {"localhost", configured} | ({socket.gethostname().lower()} if everywhere else set())

    def may_be_called(host: str) -> bool:
        name = host.lower()
        address = _address(name)
        if address is None:
            return name in names
        # An address as such cannot be rebound, so on all interfaces every one of them is good.
        return address.is_loopback or everywhere or address == own_address

    return may_be_called


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _refusal(environ: WSGIEnvironment, may_be_called: Callable[[str], bool]) -> Answer | None:
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        allow = (("Allow", "GET, HEAD"),)
        return _text(HTTPStatus.METHOD_NOT_ALLOWED, "Nothing can be changed from here; use the command line.", allow)
    host = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::\d+)?", environ.get("HTTP_HOST", ""))
    if host is None:
        return _text(HTTPStatus.BAD_REQUEST, "The request has no usable Host header.")
    if not may_be_called(host[1] or host[2]):
        return _text(
            HTTPStatus.MISDIRECTED_REQUEST, "This page is not known by that name; use the address it listens on."
        )
    return None


def _route(environ: WSGIEnvironment, source: PageSource, pages: PageRenderer) -> Answer:
    path = environ.get("PATH_INFO") or "/"
    case = re.fullmatch(r"/cases/([0-9a-f]{4,64})", path)
    try:
        if case:
            return _case_page(case[1], source, pages)
        if path in _FIXED:
            return _FIXED[path](environ, source, pages)
    except Exception:
        log.exception("the page could not be made", path=path)
        return _text(HTTPStatus.INTERNAL_SERVER_ERROR, "This page could not be made; the agent's log says why.")
    return _text(HTTPStatus.NOT_FOUND, "There is no such page.")


def _text(status: HTTPStatus, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, TEXT, f"{sentence}\n".encode(), headers)


def _probe(trouble: str, well: str) -> Answer:
    return _text(HTTPStatus.SERVICE_UNAVAILABLE, trouble) if trouble else _text(HTTPStatus.OK, well)


def _stuck(source: PageSource) -> str:
    silent = source.seconds_since_cycle()
    if silent < LATE_CYCLES * source.cycle:
        return ""
    return f"no cycle has finished for {silent:.0f} s; one is due every {source.cycle:.0f} s"


def _unready(source: PageSource) -> str:
    if source.snapshot is None:
        return "the first cycle is not finished yet"
    return source.store_trouble()


def _status_page(source: PageSource, pages: PageRenderer) -> Answer:
    snapshot = source.snapshot
    if snapshot is None:
        return _text(HTTPStatus.SERVICE_UNAVAILABLE, "The first cycle is not finished yet; look again in a moment.")
    return _page(pages, snapshot, "", StatusPage(snapshot=snapshot))


def _case_page(prefix: str, source: PageSource, pages: PageRenderer) -> Answer:
    snapshot = source.snapshot
    found = source.find_cases(prefix)
    if snapshot is None or not found:
        return _text(HTTPStatus.NOT_FOUND, "There is no case with this key.")
    if len(found) > 1:
        keys = "\n".join(f"/cases/{details.case.key}" for details in found)
        return _text(HTTPStatus.MULTIPLE_CHOICES, f"Several cases have keys that begin so:\n{keys}")
    return _page(pages, snapshot, found[0].case.key, CasePage(details=found[0], summary=snapshot.summary))


def _page(pages: PageRenderer, snapshot: Snapshot, name: str, page: Page) -> Answer:
    try:
        return Answer(HTTPStatus.OK, HTML, pages.render(snapshot, name, page))
    except RenderFailed:
        log.exception("the page could not be rendered")
        return _text(HTTPStatus.INTERNAL_SERVER_ERROR, in_brief(snapshot))


def _metrics(environ: WSGIEnvironment, source: PageSource) -> Answer:
    content_type, body = source.metrics(environ.get("HTTP_ACCEPT", ""))
    return Answer(HTTPStatus.OK, content_type, body)


def _style() -> Answer:
    style = resources.files("agent.web").joinpath("templates/style.css").read_bytes()
    return Answer(HTTPStatus.OK, CSS, style)


_FIXED: Mapping[str, Callable[[WSGIEnvironment, PageSource, PageRenderer], Answer]] = {
    "/": lambda _, source, pages: _status_page(source, pages),
    "/metrics": lambda environ, source, _: _metrics(environ, source),
    "/healthz": lambda _, source, __: _probe(_stuck(source), "alive"),
    "/readyz": lambda _, source, __: _probe(_unready(source), "ready"),
    "/style.css": lambda *_: _style(),
}
