"""Who is answered: reading requests that call this address by a name it has, of people who may come in."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol
from wsgiref.types import WSGIEnvironment

from agent.configuration.address import split_address
from agent.web.answer import Answer, text

#: what service managers and load balancers ask, and Prometheus does not need to be told; it says nothing of the host
PROBES = frozenset({"/healthz", "/readyz"})


class Door(Protocol):
    """Who may come in (`agent.web.web_config.Guard`)."""

    @property
    def asks_who(self) -> bool:
        """Whether people have to log in."""

    def admits(self, authorization: str) -> bool:
        """Return whether an Authorization header is one of somebody who may."""


def who_is_it(environ: WSGIEnvironment, door: Door) -> Answer | None:
    """Return the request to log in, None when whoever asks may come in."""
    if environ.get("PATH_INFO") in PROBES or door.admits(environ.get("HTTP_AUTHORIZATION", "")):
        return None
    challenge = (("WWW-Authenticate", 'Basic realm="foretell", charset="UTF-8"'),)
    return text(HTTPStatus.UNAUTHORIZED, "Name and password are needed to see this.", challenge)


def refusal(environ: WSGIEnvironment, may_be_called: Callable[[str], bool]) -> Answer | None:
    """Return why a request is not answered, None when it is."""
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        allow = (("Allow", "GET, HEAD"),)
        return text(HTTPStatus.METHOD_NOT_ALLOWED, "Nothing can be changed from here; use the command line.", allow)
    host = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::\d+)?", environ.get("HTTP_HOST", ""))
    if host is None:
        return text(HTTPStatus.BAD_REQUEST, "The request has no usable Host header.")
    if not may_be_called(host[1] or host[2]):
        return text(
            HTTPStatus.MISDIRECTED_REQUEST, "This page is not known by that name; use the address it listens on."
        )
    return None


def host_check(listen: str) -> Callable[[str], bool]:
    """Return a test of `Host` headers: a web page that points its own name at this address (DNS rebinding) fails it."""
    configured = split_address(listen)[0].lower()
    own_address = _address(configured)
    everywhere = own_address is not None and own_address.is_unspecified
    names = {"localhost", configured} | ({socket.gethostname().lower()} if everywhere else set())

    @lru_cache(maxsize=8)  # a scrape always comes by the same name
    def may_be_called(host: str) -> bool:
        name = host.lower()
        address = _address(name)
        if address is None:
            return name in names
        # An address as such cannot be rebound, so on all interfaces every one of them is good.
        return address.is_loopback or everywhere or address == own_address

    return may_be_called


def is_loopback(listen: str) -> bool:
    """Return whether `listen` (`HOST:PORT`) is reached from this host only."""
    host = split_address(listen)[0].lower()
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
