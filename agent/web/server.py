"""The HTTP server: standard library only, asleep while nobody asks, and bounded in everything a client can spend.

Chosen by measured idle cost (a thread blocked in select wakes never; other small servers wake once or twice a second).
"""

from __future__ import annotations

import errno
import http.client
import io
import os
import selectors
import socket
import socketserver
import sys
import threading
import time
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import structlog

from agent.address import split_address

MOST_CONNECTIONS = 16
LARGEST_HEAD = 16 * 1024
# A client that neither finishes asking nor reading within this time makes room for the next one.
LONGEST_CONNECTION = 10.0

log = structlog.get_logger()


class ListenError(Exception):
    """The page's address cannot be used; the message is one line that says why and how to mend it."""


def can_listen(listen: str) -> None:
    """Bind `listen` and let go of it again. Raises ListenError."""
    _bind(listen).server_close()


class WebServer:
    """Serves `app` at `listen` (`HOST:PORT`, port 0 for any free one) from `start` to `stop`."""

    def __init__(self, listen: str, app: WSGIApplication) -> None:
        self._listen = listen
        self._app = app
        self._server: _Server | None = None

    def start(self) -> None:
        """Bind and serve from a thread of its own. Raises ListenError."""
        self._server = _bind(self._listen)
        self._server.set_app(self._app)
        self._wake, woken = socket.socketpair()
        self._thread = threading.Thread(target=_serve, args=(self._server, woken), name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests and free the port at once; answers under way end with the process. May be called twice."""
        if self._server is not None:
            self._wake.close()
            self._thread.join()
            self._server.server_close()
            self._server = None

    @property
    def address(self) -> str:
        """Where it really listens, as `HOST:PORT`; only between `start` and `stop`."""
        if self._server is None:
            raise RuntimeError("the page is not being served")
        host, port = self._server.server_address[:2]
        text = host.decode() if isinstance(host, bytes) else str(host)
        return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def _serve(server: _Server, woken: socket.socket) -> None:
    """Answer until the other end of `woken` is closed; asleep in between, without a time-out."""
    with woken, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while all(key.fileobj is not woken for key, _ in selector.select()):
            server.handle_request()


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


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread per connection, at most MOST_CONNECTIONS of them; one that overstays makes room when others wait."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two programs share the port
    request_queue_size = 64
    timeout = 0  # handle_request is called when a connection waits; should it be gone again, do not block

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int]) -> None:
        self.address_family = family
        self._since: dict[socket.socket, float] = {}
        self._counting = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without http.server's look-up of our own name, which may ask the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand the connection to a thread, or refuse it when too many are open."""
        with self._counting:
            if len(self._since) >= MOST_CONNECTIONS:
                self._hang_up_overdue()
                admitted = False
            else:
                self._since[request] = time.monotonic()
                admitted = True
        if admitted:
            super().process_request(request, client_address)
            return
        request.settimeout(0)
        try:
            request.send(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            log.debug("a refused connection was gone already")
        self.shutdown_request(request)

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
        except http.client.LineTooLong:
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
            raise http.client.LineTooLong("request head")
        return line

    def close(self) -> None:
        self._stream.close()
