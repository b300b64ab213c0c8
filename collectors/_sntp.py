"""A question to a time server and its answer (SNTP, RFC 4330): how far this host's clock is off."""

from __future__ import annotations

import secrets
import socket
import struct
import time

import msgspec

from collectors._network import allowed, lookup
from collectors._plugin import CollectorError

_PACKET = struct.Struct("!BBbb11I")
_ASK = 0x23  # no leap warning, version 4, client
_SERVER = 4
_UNSYNCHRONISED = 3  # leap indicator
_LARGEST_STRATUM = 15
_SINCE_1900 = 2_208_988_800  # seconds from NTP's epoch to Unix's
_ERA = 1 << 32  # seconds after which NTP's count begins anew (2036)
_FRACTION = 1 << 32


class Offset(msgspec.Struct, frozen=True):
    """How far this host's clock is ahead of the server's (seconds, negative when behind), and how long the answer took."""

    ahead: float
    delay: float
    stratum: int


def ask(host: str, port: int, timeout: float) -> Offset:
    """Return what the first address of `host` says within `timeout` seconds.

    Raises NoSuchName, OSError when there was no answer, CollectorError where the answer is worth nothing.
    """
    address = next(allowed(lookup(host, port)))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((address, port))  # the kernel takes answers from nobody else
        # Not our time but a number nobody can guess goes out: whoever sends it back has seen the question (RFC 8633, 4.4).
        nonce = secrets.randbits(64)
        sent, began = time.time(), time.monotonic()
        sock.send(_PACKET.pack(_ASK, 0, 0, 0, *[0] * 9, nonce >> 32, nonce & (_FRACTION - 1)))
        answer = sock.recv(_PACKET.size + 512)
        return read_answer(answer, nonce, sent, time.monotonic() - began)


def read_answer(answer: bytes, nonce: int, sent: float, delay: float) -> Offset:
    """Given an answer, `nonce` of the question, when that was sent (unix seconds) and how long it took, return the offset.

    Raises CollectorError for one that is not an answer to it, or of a server that does not know the time.
    """
    if len(answer) < _PACKET.size:
        raise CollectorError("the answer is too short for a time server's")
    fields = _PACKET.unpack(answer[: _PACKET.size])
    first, stratum = fields[0], fields[1]
    originated = fields[9] << 32 | fields[10]
    received, transmitted = _unix(fields[11], fields[12], sent), _unix(fields[13], fields[14], sent)
    if first & 7 != _SERVER or originated != nonce:
        raise CollectorError("the answer is not one to our question")
    if stratum == 0:
        code = answer[12:16].decode("ascii", "replace").strip("\0 ")
        raise CollectorError(f"the server refuses to tell the time ({code}); ask it less often, or another")
    if first >> 6 == _UNSYNCHRONISED or stratum > _LARGEST_STRATUM or not fields[13]:
        raise CollectorError("the server does not know the time itself")
    ahead = ((sent - received) + (sent + delay - transmitted)) / 2
    return Offset(ahead, max(0.0, delay - (transmitted - received)), stratum)


def _unix(seconds: int, fraction: int, near: float) -> float:
    """Return an NTP timestamp as unix seconds, in the era that is nearest to `near`."""
    unix = seconds - _SINCE_1900 + fraction / _FRACTION
    return unix + round((near - unix) / _ERA) * _ERA
