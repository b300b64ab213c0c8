"""The relay's addresses as a WSGI application: Alertmanager's webhook, the agents' questions and files, and its own health.

| address                          | who          | what                                                                   |
|----------------------------------|--------------|------------------------------------------------------------------------|
| POST /alertmanager               | Alertmanager | a notification; 200 once the desk shows it, 503 to be sent again        |
| GET /v1/cases/KEY                | agents       | how the ticket of a case is (`CaseState`); 404 while nothing is known   |
| PUT /v1/cases/KEY/files/NAME     | agents       | a file for the ticket: passed on, not kept; 204 once it is there        |
| GET /healthz /readyz /metrics    | anybody      | that it runs; whether the desk serves it; its numbers                   |
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Protocol, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec

from agent.logs import get_logger
from agent.relay.access import Access
from agent.relay.alertmanager import NotKnown
from agent.relay.cases import CaseState
from agent.relay.group import Group
from agent.relay.metrics import RelayMetrics
from agent.relay.notification import Notification, NotUnderstood, parse
from agent.relay.tickets import Done
from ticketing_clients import Attachment, DeskError, Rejected, Throttled

LONGEST_READ = 30.0  # seconds in which a body has to be here
LONGEST_DRAIN = 5.0  # seconds for which a body that nobody wants is read on, so that its sender hears the answer
PIECE = 64 * 1024  # bytes of a body that are read at once
TRY_AGAIN = 30  # seconds, where the desk names no time
FILES_AT_ONCE = 2
JSON, TEXT = "application/json", "text/plain; charset=utf-8"

Result = TypeVar("Result")

log = get_logger()


class Work(Protocol):
    """What the application has done. Each may raise DeskError, NotKnown, and LookupError or ValueError of the configuration."""

    def carry_out(self, notification: Notification) -> tuple[Group, Done]:
        """Have the desk show the group of a notification as it is now."""

    def state_of(self, case: str) -> CaseState | None:
        """Return how the ticket of a case is; None when nothing is known."""

    def attach(self, case: str, file: Attachment) -> bool:
        """Pass a file on to the ticket of a case; return False when there is no such ticket."""

    def trouble(self) -> str:
        """Return why the desk does not serve us, empty while it does."""


class Answer(msgspec.Struct, frozen=True):
    """A response before it is written. outcome: for the metric of what was asked."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = TEXT
    retry_after: int | None = None
    outcome: str = ""


class Refused(Exception):
    """A request is not worked on; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        """Given what is answered."""
        super().__init__(answer.status.phrase)
        self.answer = answer


def make_app(
    work: Work, access: Access, metrics: RelayMetrics, *, largest_body: int, largest_file: int
) -> WSGIApplication:
    """Return the application. largest_body, largest_file: bytes of a notification, and of a file."""
    relay = _Relay(work, access, metrics, largest_body, largest_file)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = relay.answer(environ)
        except Refused as refusal:
            answer = refusal.answer
        except Exception:
            log.exception("a request could not be worked on", path=environ.get("PATH_INFO", ""))
            answer = _text(HTTPStatus.INTERNAL_SERVER_ERROR, "a mistake in the relay; its log says more")
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
        if answer.retry_after is not None:
            headers.append(("Retry-After", str(answer.retry_after)))
        if answer.status is HTTPStatus.UNAUTHORIZED:
            headers.append(("WWW-Authenticate", "Bearer"))
        if not _drained(environ):
            headers.append(("Connection", "close"))
        start_response(f"{answer.status.value} {answer.status.phrase}", [*headers, ("Cache-Control", "no-store")])
        return [answer.body]

    return app


class _Relay:
    """Which address does what."""

    def __init__(self, work: Work, access: Access, metrics: RelayMetrics, largest_body: int, largest_file: int) -> None:
        self.work, self.access, self.metrics = work, access, metrics
        self.largest_body, self.largest_file = largest_body, largest_file
        self.files = threading.BoundedSemaphore(FILES_AT_ONCE)

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """Return the answer. Raises Refused."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        if path == "/alertmanager":
            return self._counted(self._notified, environ, method, "POST")
        if case := re.fullmatch(r"/v1/cases/([0-9a-f]{64})", path):
            return self._asked(case[1], environ, method)
        if file := re.fullmatch(r"/v1/cases/([0-9a-f]{64})/files/([A-Za-z0-9][A-Za-z0-9._-]{0,150})", path):
            return self._file(file[1], file[2], environ, method)
        fixed = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._numbers}
        if path not in fixed:
            return _text(HTTPStatus.NOT_FOUND, "there is nothing here")
        _need(method, "GET", "HEAD")
        return fixed[path]()

    # -- Alertmanager -------------------------------------------------------------------------------------------------

    def _counted(
        self, act: Callable[[WSGIEnvironment], Answer], environ: WSGIEnvironment, method: str, needed: str
    ) -> Answer:
        _need(method, needed)
        self._let_in(self.access.alertmanager, environ)
        began = time.monotonic()
        try:
            answer = act(environ)
        except Refused as refusal:
            answer = refusal.answer
        self.metrics.notifications.labels(answer.outcome or "not_understood").inc()
        self.metrics.seconds.observe(time.monotonic() - began)
        return answer

    def _notified(self, environ: WSGIEnvironment) -> Answer:
        try:
            notification = parse(_body(environ, self.largest_body))
        except NotUnderstood as error:
            log.warning("a notification was not understood", detail=str(error))
            return _text(HTTPStatus.BAD_REQUEST, str(error))
        _, done = _tried(lambda: self.work.carry_out(notification))
        self.metrics.alerts.inc(len(notification.alerts))
        self.metrics.duplicates.inc(done.duplicates)
        for deed in done.deeds:
            self.metrics.deeds.labels(deed).inc()
        said = {"ticket": done.ref.id if done.ref else None, "done": done.deeds}
        return Answer(HTTPStatus.OK, msgspec.json.encode(said), JSON, outcome="done")

    # -- agents -------------------------------------------------------------------------------------------------------

    def _asked(self, case: str, environ: WSGIEnvironment, method: str) -> Answer:
        _need(method, "GET")
        self._let_in(self.access.agent, environ)
        try:
            state = _tried(lambda: self.work.state_of(case))
        except Refused as refusal:
            self.metrics.reads.labels(refusal.answer.outcome).inc()
            raise
        self.metrics.reads.labels("unknown" if state is None else "known").inc()
        if state is None:
            return _text(HTTPStatus.NOT_FOUND, "no alert of this case is known now, or it has no ticket yet")
        return Answer(HTTPStatus.OK, msgspec.json.encode(state), JSON)

    def _file(self, case: str, name: str, environ: WSGIEnvironment, method: str) -> Answer:
        _need(method, "PUT")
        self._let_in(self.access.agent, environ)
        if not self.files.acquire(blocking=False):
            raise Refused(_later("as many files as may be are under way", "busy"))
        try:
            content = _body(environ, self.largest_file)
            media_type = environ.get("CONTENT_TYPE") or "application/octet-stream"
            file = Attachment(name=name, media_type=media_type, content=content)
            there = _tried(lambda: self.work.attach(case, file))
        except Refused as refusal:
            self.metrics.files.labels(refusal.answer.outcome or "not_understood").inc()
            raise
        finally:
            self.files.release()
        self.metrics.files.labels("done" if there else "unknown").inc()
        if not there:
            return _text(HTTPStatus.NOT_FOUND, "no alert of this case is known now, or it has no ticket yet")
        return Answer(HTTPStatus.NO_CONTENT)

    # -- its own health -----------------------------------------------------------------------------------------------

    def _health(self) -> Answer:
        return _text(HTTPStatus.OK, "alive")

    def _ready(self) -> Answer:
        trouble = self.work.trouble()
        return _text(HTTPStatus.SERVICE_UNAVAILABLE, trouble) if trouble else _text(HTTPStatus.OK, "ready")

    def _numbers(self) -> Answer:
        content_type, text = self.metrics.text()
        return Answer(HTTPStatus.OK, text, content_type)

    def _let_in(self, may: Callable[[str], bool], environ: WSGIEnvironment) -> None:
        try:
            admitted = may(environ.get("HTTP_AUTHORIZATION", ""))
        except LookupError as error:
            log.error("nobody can be let in", detail=str(error))  # noqa: TRY400 - the message says it all
            raise Refused(_later("the relay cannot read its own secret", "not_authorised")) from error
        if not admitted:
            log.warning("turned away", client=environ.get("REMOTE_ADDR", ""), path=environ.get("PATH_INFO", ""))
            raise Refused(_text(HTTPStatus.UNAUTHORIZED, "show the secret that the relay's configuration names"))


def _tried(act: Callable[[], Result]) -> Result:
    """Return what `act` does; raise Refused with what its failure means to whoever asked.

    What may work later is 503, which Alertmanager sends again at once and then more slowly. What the desk refuses as it is would
    be refused again: 422, which Alertmanager counts as failed, and brings back with the group's next change.
    """
    try:
        return act()
    except Rejected as error:
        log.warning("the desk refused it", reason=error.reason, detail=str(error))
        raise Refused(_text(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), error.reason)) from error
    except DeskError as error:
        log.warning("not done, to be sent again", reason=error.reason, detail=str(error))
        wait = error.retry_after if isinstance(error, Throttled) else None
        raise Refused(_later(str(error), error.reason, wait)) from error
    except NotKnown as error:
        log.warning("not done, Alertmanager says nothing", detail=str(error))
        raise Refused(_later(str(error), "alertmanager_unreachable")) from error
    except (LookupError, ValueError) as error:
        log.warning("the desk cannot be used as it is configured", detail=str(error))
        raise Refused(_later(str(error), "not_authorised")) from error


def _body(environ: WSGIEnvironment, most: int) -> bytes:
    """Return the request's body, read in bounded time. Raises Refused when it is too large, too slow or cut off."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise Refused(_text(HTTPStatus.LENGTH_REQUIRED, "a body needs its Content-Length"))
    left = int(length)
    if left > most:
        raise Refused(_text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {most} bytes are read", "too_large"))
    end, body = time.monotonic() + LONGEST_READ, io.BytesIO()
    while left and time.monotonic() < end:
        piece = environ["wsgi.input"].read(min(left, PIECE))
        if not piece:
            break
        body.write(piece)
        left -= len(piece)
    if left:
        raise Refused(_text(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time"))
    return body.getvalue()  # the same bytes, not a second time


def _drained(environ: WSGIEnvironment) -> bool:
    """Read what is left of a body that is not wanted and let it go; return whether all of it came in time.

    A connection that is closed while its client still writes is reset, and the answer with it; and the server itself would read
    the rest at once, so that whoever is refused would take as much memory as the file they bring.
    """
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return False  # its length is not known
    end = time.monotonic() + LONGEST_DRAIN
    while time.monotonic() < end:
        if not environ["wsgi.input"].read(PIECE):
            return True
    return False


def _need(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(_text(HTTPStatus.METHOD_NOT_ALLOWED, f"this takes {' and '.join(allowed)}"))


def _text(status: HTTPStatus, sentence: str, outcome: str = "") -> Answer:
    return Answer(status, f"{sentence}\n".encode(), outcome=outcome)


def _later(sentence: str, outcome: str, wait: float | None = None) -> Answer:
    again = TRY_AGAIN if wait is None else max(1, int(wait))
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{sentence}\n".encode(), retry_after=again, outcome=outcome)
