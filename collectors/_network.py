"""Connections to where the configuration says: names looked up, link-local addresses refused, time limited."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from collections.abc import Iterator, Sequence

from collectors._plugin import CollectorError

# The resolver said that there is no such name. Everything else it can say means that nobody knows.
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_LARGEST_PORT = 65535
# What keeps this host from asking at all says nothing about who was asked.
_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT}
)


class NoSuchName(Exception):
    """The name is not known to the resolver, which is an answer."""


class Refused(CollectorError):
    """The address is one that is never spoken to."""


def split_target(target: str) -> tuple[str, int]:
    """Given HOST:PORT or [IPv6]:PORT, return host and port. Raises ValueError.

    >>> split_target("[::1]:22"), split_target("db.example:5432")
    (('::1', 22), ('db.example', 5432))
    """
    host, colon, port = target.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    plain = host and not host.startswith("-") and not set(host) & set("/@ \t\r\n\0[]") and host.isprintable()
    if not (colon and plain and port.isascii() and port.isdecimal() and 0 < int(port) <= _LARGEST_PORT):
        raise ValueError(f"{target!r} is not HOST:PORT, for example db.example:5432 or [::1]:5432")
    if ":" in host and not target.startswith("["):
        raise ValueError(f"{target!r}: write an IPv6 address in brackets, for example [::1]:5432")
    return host, int(port)


def refuse_twice(option: str, named: Sequence[str]) -> None:
    """Raise ValueError where one of what `option` names stands there twice: its readings could not be told apart."""
    if len(set(named)) < len(named):
        raise ValueError(f"{option}: the same one stands there twice")


def lookup(host: str, port: int | None = None) -> list[str]:
    """Return the addresses of `host` by the system's resolver, in its order.

    Raises NoSuchName, and CollectorError where the resolver itself did not answer. May take as long as the resolver likes.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            raise NoSuchName(f"there is no host called {host}") from error
        raise CollectorError(f"the name {host} could not be looked up: {error.strerror}") from error
    except UnicodeError as error:  # a label that is too long or empty
        raise NoSuchName(f"{host} cannot be a host's name") from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """Return a connection to the first address of `host` that takes one, within `timeout` seconds after the look-up.

    Raises NoSuchName, CollectorError (see `lookup`; Refused for a link-local address), or the OSError of the last address.
    """
    end = time.monotonic() + timeout
    last: OSError = TimeoutError("no address answered in time")
    for address in allowed(lookup(host, port)):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            last = error
    raise last


def allowed(addresses: list[str]) -> Iterator[str]:
    """Yield the addresses that may be spoken to. Raises Refused at one that is link-local: there clouds keep credentials."""
    for address in addresses:
        if ipaddress.ip_address(address.partition("%")[0]).is_link_local:
            raise Refused(f"{address} is a link-local address, which is never spoken to")
        yield address


def is_ours(error: OSError) -> bool:
    """Return whether it was this host that could not ask: no descriptors left, not permitted, no such protocol."""
    return error.errno in _OURS


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine whatever a resolver says.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("127.0.0.1.example")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
