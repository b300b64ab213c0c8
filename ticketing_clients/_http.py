"""The HTTP base of the clients: it asks once, and tells apart what was never sent from what may have been.

What a failure means (`_errors` names the events):

===============================================  =====================  ======================
event                                            a read                 a change
===============================================  =====================  ======================
no name, refused, TLS not verified, no byte out  DeskUnreachable        DeskUnreachable
time-out or reset after the first byte went out  DeskUnreachable        OutcomeUnknown
5xx, 408, 2xx that is not as promised            DeskUnreachable        OutcomeUnknown
redirect                                         Moved                  OutcomeUnknown
401, 403                                         NotAuthorised          NotAuthorised
429, 403 that names a wait or a limit            Throttled              Throttled
404, 410 where a ticket was asked about          TicketGone             TicketGone
409, 412                                         Conflict               Conflict
any other 4xx                                    Rejected               Rejected
===============================================  =====================  ======================

A read that failed has changed nothing, whatever happened on the way, so it counts as never sent. There are no retries here: the
courier has the journal that makes a retry safe.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
import requests
import requests.utils
import urllib3

from ticketing_clients._address import check_address
from ticketing_clients._asking import LONGEST_MESSAGE
from ticketing_clients._document import cut
from ticketing_clients._errors import (
    Conflict,
    DeskError,
    DeskUnreachable,
    Moved,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketGone,
)
from ticketing_clients._exchange import Adapter, Exchange, cause
from ticketing_clients._refusals import date_told, wait_told, words_of

UNNAMED_WAIT = 60.0  # seconds, where a desk says that there is a limit and not for how long

T = TypeVar("T")


class _Asked(NamedTuple):
    """What was asked: enough to say what a failure means. `ticket` is the one asked about, if any."""

    method: str
    path: str
    ticket: str
    changes: bool


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """Requests to one desk, each on a connection of its own: a stale kept-alive one would look like an unknown outcome.

    desk: the configured name, for messages. url: the base of all paths. headers: sent with each request, authorisation
    among them. secrets: strings that must not come out in any message, even if the desk says them. ca_file: PEM authorities
    to trust instead of the public ones. certificate: PEM files of our certificate and its key, read for each request, so that a
    renewed one is used without a restart. connect, read: seconds for one step on the network; deadline: seconds for the whole
    exchange, however slowly it drips. largest: bytes of an answer. ticket_limit: given headers and body of a 429 about a
    ticket, whether the desk's limit is on this one ticket alone.

    Raises ValueError for an address that must not be used (plain http beyond loopback, credentials in it, link-local), for a
    header that cannot be sent, and for a `ca_file` or `certificate` that is not there.
    """

    def __init__(
        self,
        desk: str,
        url: str,
        *,
        headers: Mapping[str, str],
        secrets: tuple[str, ...] = (),
        ca_file: str = "",
        certificate: tuple[str, str] | None = None,
        connect: float = 10,
        read: float = 30,
        deadline: float = 60,
        largest: int = 16 * 1024 * 1024,
        ticket_limit: Callable[[Mapping[str, str], bytes], bool] = lambda headers, body: False,  # noqa: ARG005 - none known
    ) -> None:
        self._desk = desk
        self._loopback = check_address(url)
        self._url = url.rstrip("/")
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ValueError("a secret holds a letter that no header can carry; look for a line break in its file")
        # Compressed answers are not asked for: the size limit would have to be kept while unpacking.
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        self._secrets = tuple(secret for secret in secrets if secret)
        if ca_file and not Path(ca_file).is_file():
            raise ValueError(f"ca_file: {ca_file} is not a file")
        for file in certificate or ():
            if not Path(file).is_file():
                raise ValueError(f"certificate_file, key_file: {file} is not a file")
        self._verify: str | bool = ca_file or True
        self._certificate = certificate
        self._date = ""
        self._timeout = (connect, read)
        self._deadline = deadline
        self._largest = largest
        self._ticket_limit = ticket_limit

    @property
    def date(self) -> datetime | None:
        """The desk's own clock as it told it with its last answer; None before, and where it tells none."""
        return date_told(self._date)

    def get(
        self, path: str, kind: type[T], *, params: Mapping[str, str | int | list[str]] | None = None, ticket: str = ""
    ) -> T:
        """Return what is at `path`, decoded as `kind`. `ticket` names the ticket asked about, if it is one."""
        return self._ask(_Asked("GET", path, ticket, changes=False), kind, {"params": params})

    def part(
        self, path: str, name: str, kind: type[T], *, params: Mapping[str, str | int | list[str]] | None = None
    ) -> T:
        """Return what is called `name` in what is at `path`, decoded as `kind`, whatever else is there."""
        whole: Any = msgspec.defstruct("Whole", [("part", kind)], rename={"part": name})
        return cast("T", self.get(path, whole, params=params).part)

    def change(self, method: str, path: str, kind: type[T], *, ticket: str = "", **content: Any) -> T:
        """Ask for a change and return the answer decoded as `kind`; an empty one is None, if that is the kind expected.

        content: `json`, `data`, `files`, `params` or `headers` as requests takes them.
        """
        return self._ask(_Asked(method, path, ticket, changes=True), kind, content)

    def fetch(self, path: str) -> bytes:
        """Return the bytes at `path` as they are."""
        return self._answered(_Asked("GET", path, "", changes=False), {}).body

    def tell(self, method: str, path: str, *, ticket: str = "", **content: Any) -> None:
        """Ask for a change of one who need not answer with JSON: any success counts, but for a page that a person should read."""
        asked = _Asked(method, path, ticket, changes=True)
        answer = self._answered(asked, content)
        if "html" in answer.headers.get("Content-Type", "").lower():
            raise self._unusable(
                asked, f"answered {answer.status} with a page for people; is this the receiver's address?"
            )

    def _ask(self, asked: _Asked, kind: type[T], content: dict[str, Any]) -> T:
        answer = self._answered(asked, content)
        try:
            return msgspec.json.decode(answer.body or b"null", type=kind, strict=False)
        except (ValueError, RecursionError) as error:  # no JSON, or not of this kind; no UTF-8; nested without end
            failure = f"answered with success, but not with the JSON expected ({cut(str(error), LONGEST_MESSAGE)})"
        raise self._unusable(asked, failure)

    def _answered(self, asked: _Asked, content: dict[str, Any]) -> _Answer:
        """Return the desk's answer, which is a success; raise what any other means."""
        exchange, failure, answer = Exchange(), "", _Answer(0, {}, b"")
        try:
            with exchange.limited_to(self._deadline):
                answer = self._send(exchange, asked, content)
            self._date = answer.headers.get("Date", "")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # ValueError: requests looks where a redirect would lead, though it is not to follow it, and stumbles over nonsense.
            failure = cause(error)
        if exchange.expired:  # seen also as the early end of an answer whose length is not told
            failure = f"no whole answer within {self._deadline:g} s"
        # Raised outside the except block: the library's exceptions hold the request with its headers.
        if failure:
            raise self._unusable(asked if exchange.sent else asked._replace(changes=False), failure)
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the range of success in HTTP
            raise self._refusal(asked, answer)
        return answer

    def _send(self, exchange: Exchange, asked: _Asked, content: dict[str, Any]) -> _Answer:
        url = f"{self._url}/{asked.path}"
        with requests.Session() as session:
            session.trust_env = False  # or ~/.netrc would replace our authorisation
            session.mount(self._url, Adapter(exchange))
            with session.request(
                asked.method,
                url,
                headers={**self._headers, **content.pop("headers", {})},
                timeout=self._timeout,
                verify=self._verify,
                cert=self._certificate,
                proxies={} if self._loopback else requests.utils.get_environ_proxies(url),
                allow_redirects=False,
                stream=True,
                **content,
            ) as response:
                body = bytearray()
                for piece in response.raw.stream(64 * 1024, decode_content=False):
                    body += piece
                    if len(body) > self._largest:
                        raise urllib3.exceptions.HTTPError(f"the answer is larger than {self._largest} bytes")
                return _Answer(response.status_code, response.headers, bytes(body))

    def _refusal(self, asked: _Asked, answer: _Answer) -> DeskError:
        """Return what an answer other than success means."""
        said = words_of(answer.body)
        what = f"answered {answer.status}" + (f": {said}" if said else "")
        of_a_read: type[DeskError] = DeskUnreachable
        match answer.status:
            case 429:
                alone = bool(asked.ticket) and self._ticket_limit(answer.headers, answer.body)
                return Throttled(self._message(asked, what), wait_told(answer.headers), ticket_only=alone)
            case 403 if (wait := wait_told(answer.headers)) is not None or "rate limit" in said.lower():
                # GitHub's second limits need not name a wait, and want a minute then.
                return Throttled(self._message(asked, what), UNNAMED_WAIT if wait is None else wait)
            case 401 | 403:
                return NotAuthorised(self._message(asked, what))
            case 404 | 410 if asked.ticket:
                return TicketGone(self._message(asked, f"ticket {asked.ticket} is not there ({answer.status})"))
            case status if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - refusals but Request Timeout
                return (Conflict if status in {409, 412} else Rejected)(self._message(asked, what))
            case status if 300 <= status < 400:  # noqa: PLR2004 - the range of redirects in HTTP
                to = urlsplit(answer.headers.get("Location", "")).hostname
                what = f"answered {status}, a redirect{f' to {to}' if to else ''}, not followed; set url to the final address"
                of_a_read = Moved
        return self._unusable(asked, what, of_a_read)

    def _unusable(self, asked: _Asked, what: str, of_a_read: type[DeskError] = DeskUnreachable) -> DeskError:
        """Return the error for having no answer that can be trusted."""
        return (OutcomeUnknown if asked.changes else of_a_read)(self._message(asked, what))

    def _message(self, asked: _Asked, what: str) -> str:
        """Return a message without query, body or secret."""
        text = f"desk {self._desk}: {asked.method} {self._url}/{asked.path}: {what}"
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def basic(user: str, password: str) -> str:
    """Return the Authorization header of a user who logs in with a password or a token."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
