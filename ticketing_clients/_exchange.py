"""One request on the network: its whole time limited, and known whether a byte of it went out."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import requests.adapters
import urllib3
import urllib3.connection

from ticketing_clients._document import cut

LONGEST_CAUSE = 200  # code points


class Exchange:
    """One request under way: whether its first byte went out, and whether its time is over."""

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def watch(self, connected: socket.socket) -> None:
        """Take hold of the connection, so that it can be cut from outside whatever TLS makes of it."""
        with self._lock:
            if self.expired:
                connected.close()
                raise TimeoutError("connected too late")
            self._socket = connected.dup()

    @contextlib.contextmanager
    def limited_to(self, seconds: float) -> Iterator[None]:
        """Cut the connection after `seconds`: time-outs of the library start anew with every byte."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                    self._socket = None

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the desk may have hung up meanwhile
                    self._socket.shutdown(socket.SHUT_RDWR)


class _Watched(urllib3.connection.HTTPConnection):
    """Mixed into the library's connection: tells the exchange of its socket and of the first byte."""

    exchange: Exchange

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self.exchange.watch(connected)
        return connected

    def endheaders(self, *args: Any, **options: Any) -> None:
        """Send the head of the request; whatever goes wrong from here on may have reached the desk."""
        if self.sock is None:
            self.connect()
        self.exchange.sent = True
        super().endheaders(*args, **options)


class Adapter(requests.adapters.HTTPAdapter):
    """Sends over watched connections, and never sends again by itself."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the library's pool, made to open watched connections."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        watched = type("_WatchedConnection", (_Watched, pool.ConnectionCls), {"exchange": self._exchange})
        pool.ConnectionCls = watched
        return pool


def cause(error: BaseException) -> str:
    """Return what lies at the bottom of `error`; the upper layers' texts repeat the whole address."""
    while type(error) is not urllib3.exceptions.ConnectTimeoutError:
        inner = getattr(error, "reason", None)  # where urllib3 keeps it; ssl.SSLError has a string there
        if not isinstance(inner, BaseException):
            inner = next((one for one in error.args if isinstance(one, BaseException)), None) or error.__cause__
        if inner is None:
            break
        error = inner
    match error:
        case ssl.SSLCertVerificationError():
            return f"certificate not accepted, {error.verify_message}; name a private authority in ca_file"
        case socket.gaierror():
            return f"no address for this name ({error.strerror})"
        case urllib3.exceptions.ConnectTimeoutError():
            return "no connection in time"
        case urllib3.exceptions.ReadTimeoutError() | TimeoutError():
            return "no answer in time"
        case OSError() if error.strerror:
            return error.strerror.lower()
        case _:
            return cut(f"{type(error).__name__}: {error}", LONGEST_CAUSE)
