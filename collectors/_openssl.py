"""Certificates by the host's own openssl: what to ask it, and its answers read. Pure. Why so: docs/decisions/0016."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

OPENSSL = "/usr/bin/openssl"

_CHAIN = re.compile(
    r"^ *\d+ s:(?P<subject>.*)\n +i:(?P<issuer>.*)\n(?: +a:.*\n)? +v:NotBefore: .*; NotAfter: (?P<end>.*)$",
    re.MULTILINE,
)
# Up to the next issuer, not to the end of what it says: that would take the square of its length.
_FILE = re.compile(
    r"^ +Issuer:(?P<issuer>.*)\n(?:(?! +Issuer:).*\n)*? +Not After *: (?P<end>.*)\n +Subject:(?P<subject>.*)$",
    re.MULTILINE,
)
_PRESENTED = re.compile(r"^ *\d+ s:", re.MULTILINE)
_COUNT = re.compile(r"^Total found: (\d+)$", re.MULTILINE)
_VERIFY_ERROR = re.compile(r"^verify error:num=(\d+)", re.MULTILINE)


class Trouble(enum.IntEnum):
    """What is wrong with a chain: the value of `certificate_trouble`. The worst, when there is more than one."""

    NONE = 0
    OTHER = 1
    UNKNOWN_ISSUER = 2
    SELF_SIGNED = 3
    WRONG_NAME = 4
    NOT_YET_VALID = 5
    EXPIRED = 6


# By OpenSSL's own numbers (x509_vfy.h, X509_V_ERR_...).
_TROUBLES = {
    **dict.fromkeys((10, 12), Trouble.EXPIRED),
    **dict.fromkeys((9, 11), Trouble.NOT_YET_VALID),
    **dict.fromkeys((62, 64), Trouble.WRONG_NAME),
    **dict.fromkeys((18, 19), Trouble.SELF_SIGNED),
    **dict.fromkeys((2, 20, 21, 27), Trouble.UNKNOWN_ISSUER),
}


class Certificate(msgspec.Struct, frozen=True):
    """One certificate. end: unix seconds after which it is no longer valid. own_issuer: whether it is signed by itself."""

    end: float
    own_issuer: bool


def chain_question(host: str, port: int, name: str, *, starttls: str | None, ca_file: str | None) -> list[str]:
    """Return the argv that connects and shows what the server presents, verified as a client would that wants `name`."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    argv = [OPENSSL, "s_client", "-connect", address]
    argv += ["-verify_ip", name] if _is_address(name) else ["-servername", name, "-verify_hostname", name]
    argv += ["-starttls", starttls] if starttls else []
    return argv + (["-CAfile", ca_file, "-no-CApath", "-no-CAstore"] if ca_file else [])


def file_question(path: str) -> list[str]:
    """Return the argv that shows every certificate in a file."""
    return [OPENSSL, "storeutl", "-noout", "-text", "-certs", path]


def parse_chain(output: str, errors: str) -> tuple[list[Certificate], Trouble]:
    """Given both outputs of `chain_question`, return what was presented, the server's own first, and what is wrong with it.

    Raises ValueError when there is none, or not all of it was understood.
    """
    certificates = _certificates(_CHAIN, output)
    presented = len(_PRESENTED.findall(output))
    if presented == 0:
        raise ValueError("the server presented no certificate")
    if len(certificates) < presented:
        raise ValueError("openssl tells no dates; version 3 or later does")
    return certificates, max(
        (_TROUBLES.get(int(number), Trouble.OTHER) for number in _VERIFY_ERROR.findall(errors)), default=Trouble.NONE
    )


def parse_file(output: str) -> list[Certificate]:
    """Given the output of `file_question`, return the certificates. Raises ValueError when there is none, or one is unclear."""
    certificates = _certificates(_FILE, output)
    count = _COUNT.search(output)
    if not count or not int(count[1]):
        raise ValueError("there is no certificate in it")
    if len(certificates) != int(count[1]):
        raise ValueError("openssl's answer was not understood")
    return certificates


def issuers_end(certificates: Iterable[Certificate], at: float) -> float | None:
    """Given those that came along with a certificate, return the earliest end; None when there is nothing to wait for.

    Roots count for nothing, clients have their own. What is over already and did no harm was not needed.
    """
    return min((one.end for one in certificates if not one.own_issuer and one.end > at), default=None)


def _certificates(pattern: re.Pattern[str], output: str) -> list[Certificate]:
    return [Certificate(_date(found["end"]), found["subject"] == found["issuer"]) for found in pattern.finditer(output)]


def _date(text: str) -> float:
    return datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
