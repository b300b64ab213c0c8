"""The web configuration file: TLS, and who may log in; in the shape that Prometheus' own exporters read (`web.config.file`).

Read anew when it or a certificate changed, so that certificates are renewed and people come and go without a new start. What
is wrong then leaves the old one in force, and is logged. Loaded only where such a file is configured: it brings TLS, YAML and
bcrypt with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import ssl
import threading
import time
from pathlib import Path
from typing import Annotated, Literal

import bcrypt
import msgspec
import yaml

from agent.configuration.decode import ConfigError, ConfigErrors, decode
from agent.logs import get_logger

#: bytes of a password that bcrypt looks at; a longer one is refused rather than cut
LONGEST_PASSWORD = 72
#: what a wrong name costs as long as a wrong password; the hash of a password that nobody knows
_NOBODY = b"$2b$10$SH8J9EV.pnEr6WeJcWs8W.2aclXS/bzHgTOciOuMedzPVlYTZWV.W"
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_COSTLIEST = 14  # seconds for each log-in beyond that
_MOST_REMEMBERED = 64
_AFTER_A_FAILURE = 0.5  # seconds; who guesses does so one at a time, and slowly
_PATIENCE = 5.0  # seconds for which a log-in waits for others

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

log = get_logger()


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file."""


class TlsSettings(_Section, frozen=True, kw_only=True):
    """`tls_server_config`. Files may be named relative to the web configuration file."""

    cert_file: str
    key_file: str
    client_ca_file: str = ""
    client_auth_type: Literal["NoClientCert", "RequireAndVerifyClientCert"] = "NoClientCert"
    min_version: Literal["TLS12", "TLS13"] = "TLS12"


class WebConfig(_Section, frozen=True, kw_only=True):
    """The whole file. basic_auth_users: bcrypt hash of each user's password."""

    tls_server_config: TlsSettings | None = None
    basic_auth_users: dict[str, Annotated[str, msgspec.Meta(min_length=1)]] = {}


def read_web_config(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    """Return what the file at `path` says, and the TLS that follows from it. Raises ConfigErrors, all mistakes at once."""
    name = str(path)
    try:
        data = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise _wrong(
            name, "", f"cannot be read: {error.strerror}", "see that it is there, and readable by the agent"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise _wrong(name, "", f"is not YAML{where}", "write it like docs/status-page.md shows") from error
    settings, errors = decode(WebConfig, data or {}, file=name)
    if settings is not None:
        errors += [
            error for user, hashed in settings.basic_auth_users.items() for error in _hash_errors(name, user, hashed)
        ]
    if errors or settings is None:
        raise ConfigErrors(errors)
    return settings, _tls(path, settings.tls_server_config) if settings.tls_server_config else None


def _hash_errors(file: str, user: str, hashed: str) -> list[ConfigError]:
    found = _HASH.fullmatch(hashed)
    cure = "make one with: htpasswd -nBC 10 NAME"
    if found is None:
        return [ConfigError(file=file, key=f"basic_auth_users.{user}", problem="is not a bcrypt hash", cure=cure)]
    if int(found[1]) > _COSTLIEST:
        problem = f"has a cost of {int(found[1])}, with which a log-in takes seconds"
        return [ConfigError(file=file, key=f"basic_auth_users.{user}", problem=problem, cure=cure)]
    return []


def _tls(path: Path, settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    certificate, key = path.parent / settings.cert_file, path.parent / settings.key_file
    for name, file in (("cert_file", certificate), ("key_file", key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise _wrong(
                str(path),
                f"tls_server_config.{name}",
                f"{file} cannot be read: {error.strerror}",
                "name a readable file",
            ) from error
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        problem = f"is no certificate that goes with the key in {key} ({getattr(error, 'reason', None) or error})"
        cure = "name a PEM certificate with its chain, and its key without a passphrase"
        raise _wrong(str(path), "tls_server_config.cert_file", problem, cure) from error
    if settings.client_auth_type == "RequireAndVerifyClientCert":
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(path.parent / settings.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            cure = "name the PEM file of the authority that signs your clients' certificates"
            raise _wrong(str(path), "tls_server_config.client_ca_file", "cannot be used", cure) from error
    return context


def _wrong(file: str, key: str, problem: str, cure: str) -> ConfigErrors:
    return ConfigErrors([ConfigError(file=file, key=key, problem=problem, cure=cure)])


class Guard:
    """The web configuration in force. Asked from several threads."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`. Raises ConfigErrors."""
        self._path = path
        self._settings, self._context = read_web_config(path)
        self._seen = self._state()
        self._reading = threading.Lock()
        self._checking = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._known: set[bytes] = set()

    def tls(self) -> ssl.SSLContext | None:
        """Return with what the next connection is encrypted, None when it is not."""
        self._renew()
        return self._context

    @property
    def asks_who(self) -> bool:
        """Whether people have to log in, with a password or a certificate of theirs."""
        tls = self._settings.tls_server_config
        return bool(self._settings.basic_auth_users) or bool(tls and tls.client_auth_type != "NoClientCert")

    def admits(self, authorization: str) -> bool:
        """Return whether an Authorization header (RFC 7617) is one of somebody who may log in; all are where nobody has to."""
        self._renew()
        users = self._settings.basic_auth_users
        if not users:
            return True
        scheme, _, coded = authorization.partition(" ")
        try:
            name, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        if scheme.lower() != "basic" or not colon:
            return False
        return self._verified(name, password.encode(), users.get(name, "").encode())

    def _verified(self, name: str, password: bytes, hashed: bytes) -> bool:
        """Return whether `password` is the one of `hashed`. What was right once is known: a scrape must not cost a hash."""
        proof = hmac.digest(self._key, b"\0".join((name.encode(), hashed, password)), hashlib.sha256)
        if proof in self._known:
            return True
        if not self._checking.acquire(timeout=_PATIENCE):
            return False
        try:
            right = len(password) <= LONGEST_PASSWORD and bcrypt.checkpw(password, hashed or _NOBODY) and bool(hashed)
            if right:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known.add(proof)
            else:
                log.warning("somebody could not log in at the page")
                time.sleep(_AFTER_A_FAILURE)
            return right
        finally:
            self._checking.release()

    def _renew(self) -> None:
        """Read the file again when it or what it names is another than at the last look."""
        state = self._state()
        if state == self._seen or not self._reading.acquire(blocking=False):
            return
        try:
            self._seen = state
            self._settings, self._context = read_web_config(self._path)
            log.info("the web configuration was read anew", file=str(self._path))
        except ConfigErrors as error:
            log.error("the web configuration is wrong, the old one stays in force", detail=str(error))  # noqa: TRY400 - no fault of ours
        finally:
            self._reading.release()

    def _state(self) -> tuple[tuple[int, int, int] | None, ...]:
        tls = self._settings.tls_server_config
        names = [tls.cert_file, tls.key_file, tls.client_ca_file] if tls else []
        return tuple(_version(path) for path in (self._path, *(self._path.parent / name for name in names if name)))


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when the file at `path` does."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
