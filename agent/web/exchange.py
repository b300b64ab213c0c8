"""One request and its answer: HTTP as it comes and goes, and WSGI between. Bodies are never read: nothing is changed from here.

http.server reads a head as if it were mail, and wsgiref copies the environment for each request: that was most of a scrape.
"""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote
from wsgiref.handlers import format_date_time
from wsgiref.types import WSGIApplication, WSGIEnvironment

LARGEST_HEAD = 16 * 1024

_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_END = 4  # bytes
_REQUEST = re.compile(r"(\S+) (\S+) (HTTP/1\.\d)")
_FIELD = re.compile(r"([\w!#$%&'*+.^`|~-]+):([^\r\0]*)", re.ASCII)
_WSGI: Mapping[str, object] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class RequestRefused(Exception):
    """What came is not answered by the application. status: what is said instead."""

    def __init__(self, status: HTTPStatus) -> None:
        """Given what is said to the client."""
        super().__init__(status.phrase)
        self.status = status


def read_head(connection: socket.socket) -> str:
    """Return the head of a request without its end, in lines that end with a line feed; empty when the client left before that.

    Raises RequestRefused when it is longer than LARGEST_HEAD bytes, and OSError.
    """
    read = bytearray()
    while len(read) <= LARGEST_HEAD:
        part = connection.recv(LARGEST_HEAD + 1 - len(read))
        if not part:
            return ""
        read += part
        # What was searched before is not searched again: a client may send a byte at a time.
        if end := _END.search(read, max(0, len(read) - len(part) - _LONGEST_END)):
            return read[: end.start()].decode("latin-1").replace("\r\n", "\n")
    raise RequestRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def environment(head: str, server: tuple[str, int]) -> WSGIEnvironment:
    """Return what the request with this `head` asks of the `server` at an address and port.

    Raises RequestRefused when it is not HTTP/1.
    """
    line, *fields = head.split("\n")
    request = _REQUEST.fullmatch(line)
    if request is None:
        raise RequestRefused(HTTPStatus.BAD_REQUEST)
    method, target, protocol = request.groups()
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        **_WSGI,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": protocol,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),  # what is wrong the application logs for itself
    }
    for one in fields:
        field = _FIELD.fullmatch(one)
        if field is None:
            raise RequestRefused(HTTPStatus.BAD_REQUEST)
        name, value = "HTTP_" + field[1].replace("-", "_").upper(), field[2].strip(" \t")
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ


def respond(app: WSGIApplication, environ: WSGIEnvironment) -> bytes:
    """Return the whole of what `app` answers."""
    parts: list[bytes] = []

    def start_response(status: str, headers: Iterable[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
        parts[:] = [_head(status, headers)]
        return parts.append

    body = b"".join(app(environ, start_response))
    return b"".join([*parts, body])


def bare(status: HTTPStatus, *headers: tuple[str, str]) -> bytes:
    """Return an answer that is nothing but its status, and why."""
    return _head(f"{status.value} {status.phrase}", [*headers, ("Content-Length", "0")])


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.0 {status}", f"Date: {format_date_time(time.time())}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
