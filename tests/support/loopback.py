"""Small servers on loopback for the collectors' tests: a web server that answers by path, and a socket of a container engine."""

from __future__ import annotations

import contextlib
import http.server
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Seen = list[tuple[str, dict[str, str]]]  # requests: path, headers


class Page:
    """What is answered at one path: `slowly` seconds are waited before, `raw` is sent as it stands instead of HTTP."""

    def __init__(
        self,
        body: str = "",
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        slowly: float = 0.0,
        raw: bytes = b"",
    ) -> None:
        """Keep what is answered."""
        self.body, self.status, self.headers, self.slowly, self.raw = body, status, headers or {}, slowly, raw


@contextlib.contextmanager
def web_server(pages: Mapping[str, Page], tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, Seen]]:
    """Serve `pages` by path (without query); yield its address and the list of requests: path, headers."""
    seen: Seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            page = pages.get(self.path.partition("?")[0], Page("there is no such page", 404))
            time.sleep(page.slowly)
            with contextlib.suppress(OSError):  # whoever asked has not waited
                if page.raw:
                    self.wfile.write(page.raw)
                    return
                body = page.body.encode("utf-8", "surrogateescape")
                self.send_response(page.status)
                for name, text in {"Content-Type": "text/plain", **page.headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the library's own name

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that refuses our certificate

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with running(server):
        yield f"{'https' if tls else 'http'}://localhost:{server.server_port}", seen


@contextlib.contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread for the time of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextlib.contextmanager
def container_engine(path: Path, listed: bytes, sick: bytes = b"[]", status: int = 200) -> Iterator[None]:
    """Answer on the socket `path` as an engine: `listed` are all containers, `sick` those that are unhealthy (JSON)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = sick if "filters=" in self.path else listed
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

        def address_string(self) -> str:
            return "socket"

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            request, _ = super().get_request()
            return request, ("socket", 0)

    path.parent.mkdir(parents=True, exist_ok=True)
    with running(Server(str(path), Handler)):
        yield
