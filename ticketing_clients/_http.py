"""The HTTP base of the clients: it asks once, and tells apart what was never sent from what may have been.

What a failure means (`_errors` names the events):

===============================================  =====================  ======================
event                                            a read                 a change
===============================================  =====================  ======================
no name, refused, TLS not verified, no byte out  DeskUnreachable        DeskUnreachable
time-out or reset after the first byte went out  DeskUnreachable        OutcomeUnknown
5xx, 408, redirect, 2xx that is not as promised  DeskUnreachable        OutcomeUnknown
401, 403                                         NotAuthorised          NotAuthorised
429                                              Throttled              Throttled
404, 410 where a ticket was asked about          TicketGone             TicketGone
any other 4xx                                    Rejected               Rejected
===============================================  =====================  ======================

A read that failed has changed nothing, whatever happened on the way, so it counts as never sent. There are no retries here: the
courier has the journal that makes a retry safe.
"""

from __future__ import annotations

import contextlib
import email.utils
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection

from ticketing_clients._document import cut
from ticketing_clients._errors import (
    DeskError,
    DeskUnreachable,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketGone,
)

LONGEST_MESSAGE = 200  # code points of the desk's own words that an error repeats
T = TypeVar("T")


class Http:
    """Requests to one desk, each on a connection of its own: a stale kept-alive one would look like an unknown outcome.

    desk: the configured name, for messages. url: the base of all paths. headers: sent with each request, authorisation among them.
    secrets: strings that must not come out in any message, even if the desk says them. ca_file: PEM authorities to trust instead
    of the public ones. connect, read: seconds for one step on the network; deadline: seconds for the whole exchange, however
    slowly it drips. largest: bytes of an answer.

    Raises ValueError for an address that must not be used: plain http beyond loopback, credentials in it, link-local.
    """

    def __init__(
        self,
        desk: str,
        url: str,
        *,
        headers: Mapping[str, str],
        secrets: tuple[str, ...] = (),
        ca_file: str = "",
        connect: float = 10,
        read: float = 30,
        deadline: float = 60,
        largest: int = 16 * 1024 * 1024,
    ) -> None:
        self._desk = desk
        self._loopback = _checked(url)
        self._url = url.rstrip("/")
        # Compressed answers are not asked for: the size limit would have to be kept while unpacking.
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        self._secrets = tuple(secret for secret in secrets if secret)
        if ca_file and not Path(ca_file).is_file():
            raise ValueError(f"ca_file: {ca_file} is not a file")
        self._verify: str | bool = ca_file or True
        self._timeout = (connect, read)
        self._deadline = deadline
        self._largest = largest

    def get(self, path: str, kind: type[T], *, params: Mapping[str, str | int] | None = None, ticket: str = "") -> T:
        """Return what is at `path`, decoded as `kind`. `ticket` names the ticket asked about, if it is one."""
        return self._decode(
            "GET", path, self._exchange("GET", path, ticket, changes=False, params=params), kind, changes=False
        )

    def change(self, method: str, path: str, kind: type[T], *, ticket: str = "", **content: Any) -> T:
        """Ask for a change and return the answer decoded as `kind` (`None` as kind takes any answer for granted).

        content: `json`, `data`, `files`, `params` or `headers` as requests takes them.
        """
        return self._decode(
            method, path, self._exchange(method, path, ticket, changes=True, **content), kind, changes=True
        )

    def _exchange(self, method: str, path: str, ticket: str, *, changes: bool, **content: Any) -> bytes:
        """Send one request and return the body of a 2xx answer."""
        exchange = _Exchange()
        status, headers, body = 0, requests.structures.CaseInsensitiveDict[str](), b""
        failure: DeskError | None = None
        try:
            with exchange.limited_to(self._deadline):
                status, headers, body = self._send(exchange, method, path, content)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = self._untrustworthy(method, path, _cause(error), changes=changes and exchange.sent)
        if exchange.expired:
            what = f"no whole answer within {self._deadline:g} s"
            failure = self._untrustworthy(method, path, what, changes=changes and exchange.sent)
        if failure is None and not 200 <= status < 300:  # noqa: PLR2004 - the range of success in HTTP
            failure = self._refusal(method, path, status, headers, body, ticket, changes=changes)
        if failure is not None:
            raise failure  # outside the except block: the library's exception holds the request and its headers
        return body

    def _send(
        self, exchange: _Exchange, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, requests.structures.CaseInsensitiveDict[str], bytes]:
        with requests.Session() as session:
            session.trust_env = False  # or ~/.netrc would replace our authorisation
            session.mount(self._url, _Adapter(exchange))
            url = f"{self._url}/{path}"
            headers = {**self._headers, **content.pop("headers", {})}
            proxies = {} if self._loopback else requests.utils.get_environ_proxies(url)
            with session.request(
                method,
                url,
                headers=headers,
                timeout=self._timeout,
                verify=self._verify,
                proxies=proxies,
                allow_redirects=False,
                stream=True,
                **content,
            ) as response:
                body = bytearray()
                for piece in response.raw.stream(64 * 1024, decode_content=False):
                    body += piece
                    if len(body) > self._largest:
                        raise urllib3.exceptions.HTTPError(f"the answer is larger than {self._largest} bytes")
                return response.status_code, response.headers, bytes(body)

    def _refusal(
        self,
        method: str,
        path: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        ticket: str,
        *,
        changes: bool,
    ) -> DeskError:
        said = _words_of(body)
        message = self._message(method, path, f"answered {status}" + (f": {said}" if said else ""))
        match status:
            case 401 | 403:
                return NotAuthorised(message)
            case 429:
                return Throttled(message, _seconds(headers.get("Retry-After", ""), headers.get("Date", "")))
            case 404 | 410 if ticket:
                return TicketGone(self._message(method, path, f"ticket {ticket} is not there ({status})"))
            case _ if 300 <= status < 400:  # noqa: PLR2004 - the range of redirects in HTTP
                to = urlsplit(headers.get("Location", ""))
                where = f" to {to.scheme}://{to.hostname}" if to.hostname else ""
                what = f"answered {status}, a redirect{where}, which is not followed; set url to the final address"
                return self._untrustworthy(method, path, what, changes=changes)
            case 408:
                return self._untrustworthy(method, path, f"answered {status}", changes=changes)
            case _ if 400 <= status < 500:  # noqa: PLR2004 - the range of refusals in HTTP
                return Rejected(message)
            case _:
                return self._untrustworthy(method, path, f"answered {status}", changes=changes)

    def _decode(self, method: str, path: str, body: bytes, kind: type[T], *, changes: bool) -> T:
        what = ""
        try:
            return msgspec.json.decode(body, type=kind, strict=False)
        except msgspec.MsgspecError as error:
            what = f"answered with success, but not with the JSON expected ({error})"
        raise self._untrustworthy(method, path, what, changes=changes)

    def _untrustworthy(self, method: str, path: str, what: str, *, changes: bool) -> DeskError:
        return (OutcomeUnknown if changes else DeskUnreachable)(self._message(method, path, what))

    def _message(self, method: str, path: str, what: str) -> str:
        """Return a message without query, body or secret."""
        text = f"desk {self._desk}: {method} {self._url}/{path}: {what}"
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


@contextlib.contextmanager
def read_back(what: str) -> Iterator[None]:
    """Guard a read that follows a change: the change was made, so a failing read must not claim that nothing was sent.

    A read that is not permitted becomes Rejected, not OutcomeUnknown: asking by key would not see the ticket either, and every
    retry would make one more.
    """
    try:
        yield
    except NotAuthorised as error:
        raise Rejected(f"{what}, but it may not be read back: {error}") from error
    except (DeskUnreachable, Throttled) as error:
        raise OutcomeUnknown(f"{what}, but it could not be read back: {error}") from error


class _Exchange:
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

    exchange: _Exchange

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


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **options)
        watched = type("_WatchedConnection", (_Watched, pool.ConnectionCls), {"exchange": self._exchange})
        pool.ConnectionCls = watched
        return pool


def _checked(url: str) -> bool:
    """Return whether `url` is on this machine. Raises ValueError when it must not be used."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("url: write it as https://desk.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: credentials do not belong in an address; name a secret instead")
    if parts.query or parts.fragment:
        raise ValueError("url: leave out everything from ? or # on")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name, not a number
        loopback = host == "localhost"
    else:
        loopback = address.is_loopback
        if address.is_link_local:
            raise ValueError(f"url: {host} is a link-local address, where no desk lives")
    if parts.scheme == "http" and not loopback:
        raise ValueError(f"url: http to {host} would send the secret in the clear; use https (http only to loopback)")
    return loopback


def _cause(error: BaseException) -> str:
    """Return what lies at the bottom of `error`; the upper layers' texts repeat the whole address."""
    while True:
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
            return cut(f"{type(error).__name__}: {error}", LONGEST_MESSAGE)


def _words_of(body: bytes) -> str:
    """Return the desk's own short message from an error body: only what looks like one, never the body as such."""
    with contextlib.suppress(msgspec.MsgspecError):
        words = _strings(msgspec.json.decode(body))
        text = "".join(letter if letter.isprintable() else " " for letter in "; ".join(words))
        return cut(" ".join(text.split()), LONGEST_MESSAGE)
    return ""


def _strings(said: Any) -> list[str]:
    """Return the sentences in the shapes desks use: {"message": …}, {"errors": [… or {field: …}]}, {"error": {…}}, [ … ]."""
    match said:
        case str():
            return [said]
        case list():
            return [text for one in said for text in _strings(one)]
        case {"errors": dict() as fields, **rest}:
            named = [f"{field}: {text}" for field, one in fields.items() for text in _strings(one)]
            return _strings(rest.get("errorMessages", [])) + named
        case dict():
            keys = ("message", "error", "errors", "errorMessages", "detail", "description", "title")
            return [text for key in keys if key in said for text in _strings(said[key])]
        case _:
            return []


def _seconds(retry_after: str, date: str) -> float | None:
    """Return Retry-After as seconds: a number as it is, a date against the desk's own clock where it tells it."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        then = email.utils.parsedate_to_datetime(retry_after)
        now = email.utils.parsedate_to_datetime(date) if date else datetime.now(UTC)
    except ValueError:
        return None
    return max(0.0, (then - now).total_seconds())
