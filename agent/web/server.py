"""The HTTP server: standard library only, asleep while nobody asks, and bounded in everything a client can spend.

Chosen by measured idle cost (a thread blocked in accept wakes never; other small servers wake once or twice a second).
"""

from __future__ import annotations

import errno
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, cast
from wsgiref.types import WSGIApplication

from agent.configuration.address import split_address
from agent.logs import get_logger
from agent.web.crew import Crew
from agent.web.exchange import RequestRefused, bare, environment, read_head, respond

MOST_CONNECTIONS = 16
# A client that neither finishes asking nor reading within this time makes room for the next one.
LONGEST_CONNECTION = 10.0
# Where no more files can be opened, whoever waits to be accepted waits on; to try at once would keep a processor busy. Seconds.
OUT_OF_FILES = 0.5

log = get_logger()


class Context(Protocol):
    """An ssl.SSLContext, without its module: that comes only with a web configuration."""

    def wrap_socket(self, sock: socket.socket, *, server_side: bool, do_handshake_on_connect: bool) -> socket.socket:
        """Return `sock` encrypted."""


Tls = Callable[[], Context | None]


def no_tls() -> None:
    """Serve without encryption."""


class ListenError(Exception):
    """The page's address cannot be used; the message is one line that says why and how to mend it."""


def can_listen(listen: str) -> None:
    """Bind `listen` and let go of it again. Raises ListenError."""
    _bind(listen).server_close()


class WebServer:
    """Serves `app` at `listen` (`HOST:PORT`, port 0 for any free one) from `start` to `stop`."""

    def __init__(self, listen: str, app: WSGIApplication, tls: Tls = no_tls) -> None:
        """`tls` is asked at each connection with what it is encrypted."""
        self._listen = listen
        self._app = app
        self._tls = tls
        self._server: _Server | None = None

    def start(self) -> None:
        """Bind and serve, from threads of its own. Raises ListenError."""
        self._server = _bind(self._listen)
        self._server.app = self._app
        self._server.tls = self._tls
        self._crew = Crew(self._server)

    def stop(self) -> None:
        """Take no more requests and free the port at once; answers under way end with the process. May be called twice."""
        if self._server is not None:
            self._crew.end()
            self._server.server_close()
            self._server = None

    @property
    def scheme(self) -> str:
        """How addresses of pages begin."""
        return "https" if self._tls() else "http"

    @property
    def address(self) -> str:
        """Where it really listens, as `HOST:PORT`; only between `start` and `stop`."""
        if self._server is None:
            raise RuntimeError("the page is not being served")
        host, port = self._server.server_address[:2]
        text = host.decode() if isinstance(host, bytes) else str(host)
        return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def _bind(listen: str) -> _Server:
    try:
        host, port = split_address(listen)
    except ValueError as error:
        raise ListenError(f"cannot listen on {listen}: {error}") from error
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return _Server(family, cast("tuple[str, int]", address))
    except OSError as error:
        raise ListenError(_explain(listen, error)) from error


def _explain(listen: str, error: OSError) -> str:
    ways = "--listen HOST:PORT, FORETELL_LISTEN=HOST:PORT, `listen` under [agent] or `make run LISTEN=HOST:PORT`"
    choose = f"choose another with {ways}"
    if isinstance(error, socket.gaierror):
        return f"cannot listen on {listen}: no address is known for this host name; {choose}"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {listen}: the port is in use by another program; {choose}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen on {listen}: this host has no such address; {choose}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"cannot listen on {listen}: not permitted (ports below 1024 belong to root); {choose}"
    return f"cannot listen on {listen}: {error.strerror or error}; {choose}"


class _Server(socketserver.TCPServer):
    """At most MOST_CONNECTIONS at a time, each served by a thread of a Crew; one that overstays makes room when others wait."""

    allow_reuse_address = os.name == "posix"  # elsewhere it would let two programs share the port
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int]) -> None:
        self.address_family = family
        self.app: WSGIApplication
        self.tls: Tls = no_tls
        self._since: dict[socket.socket, float] = {}
        self._counting = threading.Lock()
        super().__init__(address, _Handler)

    def take(self) -> Callable[[], None] | None:
        """Wait for a connection, and return what serves it; refuse it, when too many are open, and return None."""
        try:
            request, client_address = self.get_request()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                time.sleep(OUT_OF_FILES)
            return None
        with self._counting:
            if len(self._since) < MOST_CONNECTIONS:
                self._since[request] = time.monotonic()
                return partial(self._serve, request, client_address)
            self._hang_up_overdue()
        request.settimeout(0)
        try:
            request.send(bare(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "1")))
        except OSError:
            log.debug("a refused connection was gone already")
        self.shutdown_request(request)
        return None

    def wake(self) -> None:
        """Let nobody wait for a connection any more."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - whatever a client does, it is told in one place and the next one is served
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer, after the handshake if there is one; it is done here, where a client that is slow at it keeps nobody."""
        context = self.tls()
        if context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(LONGEST_CONNECTION)
        encrypted = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with self._counting:
            self._since[encrypted] = self._since.pop(
                request
            )  # so that it can be hung up: the other has lost its socket
        try:
            encrypted.do_handshake()  # type: ignore[attr-defined]  # an ssl.SSLSocket
            super().finish_request(encrypted, client_address)
        finally:
            self.shutdown_request(encrypted)

    def _hang_up_overdue(self) -> None:
        """End the connections that overstay; their own threads then close them."""
        overdue = time.monotonic() - LONGEST_CONNECTION
        for connection, since in self._since.items():
            if since < overdue:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    log.debug("an overdue connection was gone already")

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it, which also ends it: nobody else has it."""
        with self._counting:
            self._since.pop(request, None)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Say a failed connection in the log, where it can be filtered, instead of on standard error."""
        log.debug("a connection to the page failed", client=client_address[0], error=repr(sys.exc_info()[1]))


class _Handler(socketserver.BaseRequestHandler):
    """One request per connection, nothing said about us beyond our name, nothing logged: the page is polled for ever."""

    server: _Server

    def handle(self) -> None:
        """Answer one request, in one piece."""
        self.request.settimeout(LONGEST_CONNECTION)
        left = memoryview(self._answer())
        while left:
            left = left[self.request.send(left) :]

    def _answer(self) -> bytes:
        try:
            head = read_head(self.request)
            if not head:
                return b""
            environ = environment(head, cast("tuple[str, int]", self.server.server_address))
        except RequestRefused as refused:
            return bare(refused.status)
        try:
            return respond(self.server.app, environ)
        except Exception:
            log.exception("a request was not answered")
            return bare(HTTPStatus.INTERNAL_SERVER_ERROR)
