"""Which addresses may be spoken to: https anywhere, http on this machine only. Without an HTTP library, so that all may ask."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def check_address(url: str) -> bool:
    """Return whether `url` is on this machine. Raises ValueError when it must not be used."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("url: write it as https://desk.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: credentials do not belong in an address; name a secret instead")
    if parts.query or parts.fragment:
        raise ValueError("url: leave out everything from ? or # on")
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback:
        raise ValueError(f"url: http to {host} would send the secret in the clear; use https (http only to loopback)")
    return loopback


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine. Raises ValueError for a link-local address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name, not a number
        return host == "localhost"
    if address.is_link_local:
        raise ValueError(f"{host} is a link-local address, where no desk lives")
    return address.is_loopback
