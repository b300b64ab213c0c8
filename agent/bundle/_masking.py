"""What redaction must know of this host: the customer's key for pseudonyms, names that are here, the agent's own secrets."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from agent.configuration.config import Configuration
from agent.configuration.secrets import Secrets
from agent.line_templates import load_templates
from agent.redaction import Pseudonyms, Redactor
from agent.system.folder import put
from collectors import CollectorContext

KEY = "pseudonyms.key"
_KEY_BYTES = 32
LAYOUTS = Path(__file__).with_name("layouts.toml")


class Unmaskable(Exception):
    """Something that must be masked is not known, so nothing may be built; the message says what to do."""


def make_redactor(
    configuration: Configuration,
    state_dir: Path,
    access: CollectorContext,
    names: Iterable[str],
    credentials: Path | None,
) -> Redactor:
    """Return what redacts this customer's bundles on this host. Raises Unmaskable; ValueError for wrong line templates."""
    customer = configuration.settings.customer.id
    try:
        key = hmac.digest(_kept_key(state_dir / KEY), customer.encode(), hashlib.sha256)
    except OSError as error:
        raise Unmaskable(f"the key for pseudonyms {state_dir / KEY} cannot be kept: {error.strerror}") from error
    pseudonyms = pseudonyms_of(access, key, names)
    templates = load_templates([LAYOUTS, *map(Path, configuration.settings.bundle.templates)])
    try:
        return Redactor(templates, pseudonyms, _own_secrets(configuration, credentials))
    except ValueError as error:
        raise Unmaskable(str(error)) from error


def pseudonyms_of(access: CollectorContext, key: bytes, names: Iterable[str] = ()) -> Pseudonyms:
    """Return what makes pseudonyms of the host's own names, `names` among them. Raises Unmaskable when they cannot be read."""
    return Pseudonyms(
        key,
        hosts=[*names, *_words(access, "/etc/hostname", 0), *_words(access, "/etc/hosts", 1)],
        users=_users(access),
        domains=_domains(access),
    )


def _kept_key(path: Path) -> bytes:
    """Return the host's key, made at first; who builds holds a lock, so there are never two."""
    if not path.exists():
        put(path, secrets.token_bytes(_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise Unmaskable(f"{path} is no key for pseudonyms any more; remove it, and new bundles get other pseudonyms")
    return key


def _own_secrets(configuration: Configuration, credentials: Path | None) -> Iterator[str]:
    """Yield every secret of the agent. One that cannot be read cannot be masked: then nothing may leave."""
    kept = Secrets(configuration.settings.secrets, credentials)
    used = {
        value
        for _, options in configuration.desks.values()
        for name, value in msgspec.to_builtins(options).items()
        if name.endswith("_secret") and value
    }
    passed = [one.name for one in credentials.iterdir()] if credentials else []
    for name in sorted({*configuration.settings.secrets, *used, *passed}):
        try:
            yield kept.get(name)
        except LookupError as error:
            raise Unmaskable(f"{error}; what is not known cannot be masked") from error


def _words(access: CollectorContext, path: str, first: int) -> Iterator[str]:
    """Yield the words of each line from the one with the number `first` on; nothing where there is no such file."""
    for line in _lines(access, path):
        yield from line.partition("#")[0].split()[first:]


def _users(access: CollectorContext) -> Iterator[str]:
    """Yield the local accounts. Others are not asked for: it would be asking the network."""
    for line in _lines(access, "/etc/passwd"):
        name = line.partition(":")[0]
        if name.strip("+-"):
            yield name


def _domains(access: CollectorContext) -> Iterator[str]:
    for line in _lines(access, "/etc/resolv.conf"):
        word, *names = line.split() or [""]
        if word in {"search", "domain"}:
            yield from names


def _lines(access: CollectorContext, path: str) -> list[str]:
    try:
        return access.path(path).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unmaskable(f"{path} cannot be read ({error.strerror}); the names in it could not be masked") from error
