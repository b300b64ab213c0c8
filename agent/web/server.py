"""The HTTP server: standard library only, asleep while nobody asks, and bounded in everything a client can spend.

Chosen by measured idle cost (a thread blocked in select wakes never; other small servers wake once or twice a second).
Longer than most files: what a client can spend is bounded in one place, from a handshake's first byte to an answer's last.
"""

from __future__ import annotations

import errno
import io
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast
from wsgiref.types import WSGIApplication

from agent.configuration.address import split_address
from agent.logs import get_logger
from agent.system.light_imports import leaving_out
from agent.web.crew import Crew

with leaving_out({"html": (), "mimetypes": (), "shutil": (), "ssl": ()}):
    from http.client import LineTooLong
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

MOST_CONNECTIONS = 16
LARGEST_HEAD = 16 * 1024
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
        self._server.set_app(self._app)
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


class _Server(WSGIServer):
    """At most MOST_CONNECTIONS at a time, each served by a thread of a Crew; one that overstays makes room when others wait."""

    allow_reuse_address = os.name == "posix"  # elsewhere it would let two programs share the port
    request_queue_size = 64

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int]) -> None:
        self.address_family = family
        self.tls: Tls = no_tls
        self._since: dict[socket.socket, float] = {}
        self._counting = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without http.server's look-up of our own name, which may ask the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def server_activate(self) -> None:
        """Listen, and do not block in accept: a connection that was seen waiting may be gone again."""
        super().server_activate()
        self.socket.settimeout(0)

    def take(self) -> Callable[[], None] | None:
        """Accept a connection, and return what serves it; refuse it, when too many are open, and return None."""
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
            request.send(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            log.debug("a refused connection was gone already")
        self.shutdown_request(request)
        return None

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
        """Forget the connection and close it."""
        with self._counting:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Say a failed connection in the log, where it can be filtered, instead of on standard error."""
        log.debug("a connection to the page failed", client=client_address[0], error=repr(sys.exc_info()[1]))


class _Handler(WSGIRequestHandler):
    """One request per connection, its head bounded, nothing said about us beyond our name, nothing logged."""

    timeout = LONGEST_CONNECTION
    wbufsize = -1  # one packet for head and body
    server_version = "foretell"
    sys_version = ""

    def setup(self) -> None:
        """Bound what will be read."""
        super().setup()
        self.rfile = cast("io.BufferedReader", _BoundedHead(self.rfile, LARGEST_HEAD))

    def handle(self) -> None:
        """Answer one request; an over-long request line is answered before anything else is read."""
        try:
            super().handle()
        except LineTooLong:
            self.requestline = self.request_version = self.command = ""
            self.send_error(431)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
        """Log nothing per request: the page is polled for ever."""

    def get_stderr(self) -> io.StringIO:
        """Give wsgiref no standard error: what it would say is that a client went away; the application logs for itself."""
        return io.StringIO()


class _BoundedHead:
    """The lines of a request's head, `most` bytes in all. Nothing here reads bodies."""

    def __init__(self, stream: io.BufferedIOBase, most: int) -> None:
        self._stream = stream
        self._left = most

    def readline(self, size: int = -1) -> bytes:
        line = self._stream.readline(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("request head")
        return line

    def close(self) -> None:
        self._stream.close()
