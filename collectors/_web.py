"""One HTTP request of a collector, bounded in time and size. By the standard library, which the daemon carries anyway."""

from __future__ import annotations

import http.client
import math
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import msgspec

from collectors._network import connect, is_loopback
from collectors._plugin import CollectorError

if TYPE_CHECKING:
    import ssl  # OpenSSL is 5 MB of the daemon: it is loaded when the first https address is asked

_CHUNK = 1 << 16
_AUTHORITIES_KEPT = 3600.0  # seconds
_PORTS = {"http": 80, "https": 443}


class Answer(msgspec.Struct, frozen=True):
    """What a server answered. headers: names in lower case. body: its first bytes, all of them unless `truncated`."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool


class Broken(Exception):
    """What came back is no HTTP."""


def split_url(url: str) -> SplitResult:
    """Return the parts of an address that may be asked. Raises ValueError, which never holds what could be a password."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("a URL is written in ASCII: its path percent-encoded, its host in punycode (xn--)")
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("a URL must hold no user or password; name a secret instead")
    if parts.scheme not in _PORTS or not parts.hostname or parts.hostname.startswith("-"):
        raise ValueError(f"{url.partition('?')[0]!r} is no http:// or https:// address")
    if parts.port == 0:
        raise ValueError(f"{url.partition('?')[0]!r}: there is no port 0")
    return parts


def shown(parts: SplitResult) -> str:
    """Return an address as it may be shown: a query may hold a token.

    >>> shown(split_url("https://shop.example/health?key=secret"))
    'https://shop.example/health'
    """
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def is_private_way(parts: SplitResult) -> bool:
    """Return whether a secret may be sent there: over TLS, or to this machine."""
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port: who would see a secret that is sent there."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


class Trust:
    """By whom servers are verified. Authorities are read anew each hour: one read costs 20 ms, and they change."""

    def __init__(self) -> None:
        self._read: dict[str | None, tuple[float, ssl.SSLContext]] = {}

    def context(self, ca_file: str | None = None) -> ssl.SSLContext:
        """Return the system's authorities, or those in `ca_file` alone. Raises CollectorError when that cannot be read."""
        import ssl  # noqa: PLC0415 - as above

        at, context = self._read.get(ca_file, (-math.inf, None))
        if context is None or time.monotonic() - at > _AUTHORITIES_KEPT:
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except OSError as error:
                raise CollectorError(
                    f"{ca_file}: {error.strerror or error}; it has to be a readable PEM file"
                ) from error
            self._read[ca_file] = time.monotonic(), context
        return context


def refused_by_tls(error: OSError) -> bool:
    """Return whether `error` is that no secure connection came about, or that one broke."""
    import ssl  # noqa: PLC0415 - as above

    return isinstance(error, ssl.SSLError)


def fetch(
    parts: SplitResult,
    *,
    timeout: float,
    largest: int,
    tls: ssl.SSLContext | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    opened: Callable[[], socket.socket] | None = None,
) -> Answer:
    """Ask once within about `timeout` seconds, and return the answer with at most `largest` bytes of its body.

    opened: where to connect to when it is not where the address says. No redirect is followed, no proxy is used.
    Raises NoSuchName, CollectorError, Broken, ssl.SSLError, or OSError.
    """
    end = time.monotonic() + timeout
    scheme, host, port = origin(parts)

    def open_socket() -> socket.socket:
        plain = opened() if opened else connect(host, port, timeout)
        plain.settimeout(max(0.01, end - time.monotonic()))
        return tls.wrap_socket(plain, server_hostname=host) if scheme == "https" and tls else plain

    connection = _Connection(host, port if parts.port else None, open_socket)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path, headers={"User-Agent": "foretell", "Accept": "*/*", **(headers or {})})
        response = connection.getresponse()
        body = bytearray()
        while len(body) <= largest and (chunk := response.read1(_CHUNK)):
            body += chunk
            connection.sock.settimeout(max(0.01, end - time.monotonic())) if connection.sock else None
        received = {name.lower(): text for name, text in response.getheaders()}
        return Answer(response.status, received, bytes(body[:largest]), len(body) > largest)
    except (http.client.HTTPException, OverflowError) as error:  # a length beyond what a machine can count
        raise Broken(f"the answer is no HTTP: {type(error).__name__}") from error
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int | None, opened: Callable[[], socket.socket]) -> None:
        super().__init__(host, port)
        self._opened = opened

    def connect(self) -> None:
        self.sock = self._opened()
