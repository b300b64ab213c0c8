"""A web server on loopback with one file, as a mirror of the support catalogue has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class OneFile(ThreadingHTTPServer):
    """Serves `content` at `url`; `seen` counts requests."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.seen = content, 0
        self.url = f"http://127.0.0.1:{self.server_port}/full.json"


class _Handler(BaseHTTPRequestHandler):
    server: OneFile

    def do_GET(self) -> None:
        self.server.seen += 1
        self.send_response(200 if self.path == "/full.json" else 404)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(content: bytes) -> Iterator[OneFile]:
    """Serve `content` meanwhile."""
    server = OneFile(content)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
