"""The one way in which the agent writes where it listens: HOST:PORT."""

from __future__ import annotations

LAST_PORT = 65535


def split_address(text: str) -> tuple[str, int]:
    """Given "HOST:PORT" (an IPv6 address in brackets), return both. Raises ValueError when it is no such thing.

    >>> split_address("[::1]:19469")
    ('::1', 19469)
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or (":" in bare and bare == host) or not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError(f"{text!r} is not an address: write it as HOST:PORT, like 127.0.0.1:19469 or [::1]:19469")
    return bare, int(port)
