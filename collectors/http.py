"""Web addresses: whether each answers in time, with an expected status and text."""

from __future__ import annotations

import base64
import enum
import re
import time
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urljoin

import msgspec

from collectors._network import NoSuchName, is_ours
from collectors._plugin import (
    AbsolutePath,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._side_by_side import Late, SideBySide
from collectors._web import Answer, Broken, Trust, fetch, is_private_way, origin, refused_by_tls, shown, split_url

DEADLINE = 45.0
LARGEST = 1 << 20  # bytes of a body that are looked through
MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Outcome(enum.IntEnum):
    """What a request came to: the value of `http_outcome`."""

    AS_EXPECTED = 0
    NO_SUCH_HOST = 1
    NO_CONNECTION = 2
    TLS_REFUSED = 3
    NO_ANSWER_IN_TIME = 4
    BROKEN_ANSWER = 5
    OTHER_STATUS = 6
    TEXT_MISSING = 7
    WRONG_REDIRECT = 8


class HttpTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A web address that has to answer."""

    url: Annotated[str, msgspec.Meta(description="The address, http or https, without user and password.")]
    name: Annotated[
        str | None, msgspec.Meta(description="What it is called; the URL without its query when left out.")
    ] = None
    method: Annotated[Literal["GET", "HEAD"], msgspec.Meta(description="How it is asked.")] = "GET"
    status: Annotated[
        list[int], msgspec.Meta(description="Statuses that are expected; any of 200 to 299 when empty.")
    ] = []
    matches: Annotated[
        str | None,
        msgspec.Meta(description="Regular expression that has to be found in the first megabyte of the answer."),
    ] = None
    headers: Annotated[dict[str, str], msgspec.Meta(description="Headers to send. No secrets here.")] = {}
    user: Annotated[str | None, msgspec.Meta(description="User, with password_secret.")] = None
    password_secret: Annotated[str | None, msgspec.Meta(description="Name of the secret that holds the password.")] = (
        None
    )
    token_secret: Annotated[str | None, msgspec.Meta(description="Name of the secret that holds a bearer token.")] = (
        None
    )
    redirects: Annotated[
        bool,
        msgspec.Meta(
            description="Whether redirects are followed: five at most, never from https to http, secrets never to others."
        ),
    ] = True
    ca_file: Annotated[
        AbsolutePath | None, msgspec.Meta(description="Authorities to trust instead of the system's, a PEM file.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and a secret that would leave in the clear."""
        parts = split_url(self.url)
        if (self.user is None) != (self.password_secret is None):
            raise ValueError("user and password_secret belong together")
        if self.user is not None and self.token_secret is not None:
            raise ValueError("there is a password and a token; one of them is meant")
        if (self.password_secret or self.token_secret) and not is_private_way(parts):
            raise ValueError("a secret is sent over https only, or to this machine")
        if any(name.lower() in {"authorization", "cookie", "proxy-authorization"} for name in self.headers):
            raise ValueError("headers: secrets are named by token_secret or password_secret")
        if self.matches is not None:
            if self.method == "HEAD":
                raise ValueError("HEAD brings no text that could match")
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ValueError(f"matches is no regular expression: {error}") from error

    @property
    def label(self) -> str:
        """What it is called in readings."""
        return self.name or shown(split_url(self.url))


class HttpOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the http collector."""

    targets: Annotated[list[HttpTarget], msgspec.Meta(description="Web addresses that have to answer.")] = (
        msgspec.field(default_factory=list)
    )
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time until the whole answer is there.")] = 10.0

    def __post_init__(self) -> None:
        """Refuse two targets of one name."""
        if len({target.label for target in self.targets}) < len(self.targets):
            raise ValueError("targets: two have the same name; give them a `name` each")


class HttpCollector:
    """Asks each address once."""

    def __init__(self, options: HttpOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context
        self._probes = SideBySide[str, tuple[Outcome, Answer | None, float]](
            2 * options.timeout, options.deadline or DEADLINE
        )
        self._trust = Trust()

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield for each target what its request came to. Raises NotSupported when none is named."""
        if not self._options.targets:
            raise NotSupported("no target is named")
        questions = {target.label: partial(self._ask, target) for target in self._options.targets}
        for target, answer in self._probes.ask(questions):
            labels = {"target": target}
            if isinstance(answer, Late):  # a server that sends a header a minute
                yield Reading("http_outcome", float(Outcome.NO_ANSWER_IN_TIME), "count", labels, at)
                continue
            if isinstance(answer, CollectorError):
                yield CouldNotCheck("http_outcome", labels, str(answer))
                continue
            if isinstance(answer, Exception):
                raise answer  # a mistake of ours is no outcome
            outcome, came, seconds = answer
            yield Reading("http_outcome", float(outcome), "count", labels, at)
            if came is not None:
                yield Reading("http_status", float(came.status), "count", labels, at)
                yield Reading("http_duration_seconds", seconds, "seconds", labels, at)

    def _ask(self, target: HttpTarget) -> tuple[Outcome, Answer | None, float]:
        began = time.monotonic()
        answer = None
        try:
            outcome, answer = self._follow(target, began + self._options.timeout)
        except NoSuchName:
            outcome = Outcome.NO_SUCH_HOST
        except TimeoutError:
            outcome = Outcome.NO_ANSWER_IN_TIME
        except (Broken, ConnectionResetError, BrokenPipeError):
            outcome = Outcome.BROKEN_ANSWER
        except OSError as error:
            refused = refused_by_tls(error)
            if is_ours(error) and not refused:  # OpenSSL counts its errors as the system counts others
                raise CollectorError(str(error)) from error
            outcome = Outcome.TLS_REFUSED if refused else Outcome.NO_CONNECTION
        return outcome, answer, time.monotonic() - began

    def _follow(self, target: HttpTarget, end: float) -> tuple[Outcome, Answer]:
        """Return the last answer and what it is worth."""
        parts = first = split_url(target.url)
        for _ in range(MOST_REDIRECTS + 1):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            secrets = self._authorization(target) if origin(parts) == origin(first) else {}
            answer = fetch(
                parts,
                timeout=left,
                largest=LARGEST,
                tls=self._trust.context(target.ca_file) if parts.scheme == "https" else None,
                method=target.method,
                headers={**target.headers, **secrets},
            )
            place = answer.headers.get("location")
            if not (target.redirects and answer.status in _REDIRECTS and place):
                return _outcome(target, answer), answer
            try:
                further = split_url(urljoin(parts.geturl(), place))
            except ValueError:
                return Outcome.WRONG_REDIRECT, answer
            if parts.scheme == "https" and further.scheme != "https":
                return Outcome.WRONG_REDIRECT, answer
            parts = further
        return Outcome.WRONG_REDIRECT, answer

    def _authorization(self, target: HttpTarget) -> dict[str, str]:
        if target.token_secret is not None:
            return {"Authorization": f"Bearer {self._context.secret(target.token_secret)}"}
        if target.user is not None and target.password_secret is not None:
            pair = f"{target.user}:{self._context.secret(target.password_secret)}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}
        return {}


def _outcome(target: HttpTarget, answer: Answer) -> Outcome:
    if answer.status not in (target.status or range(200, 300)):
        return Outcome.OTHER_STATUS
    if target.matches is not None and not re.search(target.matches, answer.body.decode("utf-8", "replace")):
        return Outcome.TEXT_MISSING
    return Outcome.AS_EXPECTED


PLUGIN = CollectorPlugin(
    name="http",
    summary="Web addresses that answer in time, with an expected status and text.",
    options=HttpOptions,
    build=HttpCollector,
    readings=(
        DeclaredReading(
            "http_outcome",
            "count",
            ("target",),
            "What a request came to: "
            + ", ".join(f"{one.value} {one.name.replace('_', ' ').lower()}" for one in Outcome)
            + ".",
        ),
        DeclaredReading(
            "http_status", "count", ("target",), "The status of the last answer; absent when there was none."
        ),
        DeclaredReading(
            "http_duration_seconds", "seconds", ("target",), "Time from the look-up to the end of the answer."
        ),
    ),
    deadline=DEADLINE,
    when_configured=True,
)
