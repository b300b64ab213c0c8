"""The signed consent file: what IT deploys beside the configuration, and how it is known to be theirs.

`consent.toml`      what is allowed
`consent.toml.sig`  its signature: `ssh-keygen -Y sign -n foretell-consent -f KEY consent.toml`
`consent.signers`   which keys may speak for which customer, in the form of OpenSSH's allowed signers (ssh-keygen(1)):
                    `CUSTOMER namespaces="foretell-consent" ssh-ed25519 AAAA...`

The signature is checked by OpenSSH's own ssh-keygen, on the bytes that are then read. The customer of the configuration is
the principal that is asked for, so a key of one customer cannot speak for another.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from agent.configuration.decode import decode
from agent.configuration.settings import DAY
from agent.consent.levels import LONGEST, WORDINGS, Grant, Level, Revocation, Scope, SignedFile, class_trouble
from collectors import safe_text

FILE, SIGNATURE, SIGNERS = "consent.toml", "consent.toml.sig", "consent.signers"
NAMESPACE = "foretell-consent"
SSH_KEYGEN = "/usr/bin/ssh-keygen"
LARGEST = 1 << 16  # bytes
LONGEST_NAME = 200
_SIGN = f"sign it: ssh-keygen -Y sign -n {NAMESPACE} -f KEY {FILE}"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class FileRefused(Exception):
    """The file is there and is not believed; the message says why and how to mend it."""

    def __init__(self, path: Path, wrong: str, mend: str) -> None:
        """Given the file, what is wrong with it, and how to mend it."""
        super().__init__(f"{path}: {wrong}; {mend}")


class FileDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[decisions]]` of the file. Of two that speak of one ticket the later counts.

    level: what is allowed; `none` takes back what was allowed otherwise. classes: as in a Scope. by: the person who decided.
    until, wording: of a grant: its end, and the version of the text that this person was shown.
    """

    level: Level
    by: Annotated[str, msgspec.Meta(min_length=1)]
    classes: list[str] = []
    until: Moment | None = None
    wording: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError when a grant has no end, or names a text that nobody can have been shown."""
        if self.level == "none":
            return
        if self.until is None:
            raise ValueError("has no `until`")
        if self.wording not in WORDINGS:
            raise ValueError(f"has no `wording` that is known here: {', '.join(WORDINGS)}")


class FileContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. customer: id. issued: when it was made; one that is older than the last believed is refused."""

    customer: str
    issued: Moment
    decisions: Annotated[list[FileDecision], msgspec.Meta(min_length=1)]


def read_signed(folder: Path, customer: str, now: float) -> SignedFile | None:
    """Return what the signed file in `folder` says for `customer` at `now` (unix seconds); None where there is no file.

    Raises FileRefused.
    """
    path = folder / FILE
    try:
        raw = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileRefused(path, f"cannot be read: {error.strerror}", "let the agent's user read it") from error
    key = _signed_by(folder, raw, customer)
    content = _content(path, raw)
    if content.customer != customer:
        theirs = safe_text(content.customer, LONGEST_NAME)
        raise FileRefused(
            path, f'is for the customer "{theirs}", this host is of "{customer}"', "deploy the one for this customer"
        )
    return _entry(path, raw, content, key, now)


def unsigned_text(decisions: Sequence[Grant], customer: str, issued: float) -> str:
    """Return the file for somebody to sign: what `read_signed` reads."""
    lines = [f"customer = {_toml(customer)}", f"issued = {_moment(issued)}"]
    for grant in decisions:
        lines += [
            "",
            "[[decisions]]",
            f"level = {_toml(grant.level)}",
            f"classes = {_toml(list(grant.scope.classes))}",
            f"until = {_moment(grant.until)}",
            f"by = {_toml(grant.by)}",
            f"wording = {_toml(grant.wording)}",
        ]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> bytes:
    """Read the file, at most a byte more than it may have; never wait for what is no file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileRefused(path, "is not a file", "put one there")
        raw = os.read(descriptor, LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(raw) > LARGEST:
        raise FileRefused(path, f"is larger than {LARGEST} bytes", "it is not one of ours")
    return raw


def _signed_by(folder: Path, raw: bytes, customer: str) -> str:
    """Return the fingerprint of the key that signed `raw` for `customer`."""
    path, signers = folder / FILE, folder / SIGNERS
    try:
        signature = _read(folder / SIGNATURE)
    except OSError as error:
        raise FileRefused(path, f"is not signed, {SIGNATURE} cannot be read: {error.strerror}", _SIGN) from error
    try:
        status, trusted = signers.stat(), _read(signers)
    except OSError as error:
        cure = f'write it: {customer} namespaces="{NAMESPACE}" ssh-ed25519 AAAA...'
        raise FileRefused(signers, f"cannot be read: {error.strerror}", cure) from error
    if status.st_mode & 0o022 or status.st_uid not in {0, os.geteuid()}:
        raise FileRefused(signers, "others than root could change it", f"chown root {signers}; chmod go-w {signers}")
    return _verified(folder, customer, raw, signature, trusted)


@functools.lru_cache(maxsize=1)
def _verified(folder: Path, customer: str, raw: bytes, _signature: bytes, _signers: bytes) -> str:
    """Return the fingerprint, by ssh-keygen.

    A courier asks before each thing that it sends; as long as not a byte of the three files is another, once is enough.
    """
    from agent.system.children import ChildError, run_child  # noqa: PLC0415 - 3 ms of each look, and few consents are signed

    signers, signature = str(folder / SIGNERS), str(folder / SIGNATURE)
    argv = [SSH_KEYGEN, "-Y", "verify", "-f", signers, "-I", customer, "-n", NAMESPACE, "-s", signature]
    try:
        checked = run_child(argv, timeout=10, reads=raw)
    except ChildError as error:
        raise FileRefused(
            folder / FILE, f"cannot be checked: {error}", "install openssh-client 8.1 or newer"
        ) from error
    if checked.status != 0:
        said = safe_text((checked.errors.strip().splitlines() or ["no reason given"])[0], LONGEST_NAME)
        why = f'no key in {SIGNERS} signed this for "{customer}" ({said})'
        raise FileRefused(folder / FILE, why, f"{_SIGN}, with a key of theirs")
    return safe_text(checked.output.strip().rpartition(" ")[2], LONGEST_NAME)


def _content(path: Path, raw: bytes) -> FileContent:
    try:
        data = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, or a number of thousands of digits
        raise FileRefused(path, f"is not TOML: {error}", "correct it and sign it again") from error
    content, errors = decode(FileContent, data, file=str(path))
    if errors or content is None:
        first = errors[0]
        raise FileRefused(path, f"{first.key} {first.problem}", f"{first.cure}, and sign it again")
    return content


def _entry(path: Path, raw: bytes, content: FileContent, key: str, now: float) -> SignedFile:
    """Return the file as an entry of the record. Raises FileRefused when it is of another time."""
    issued = content.issued.timestamp()
    if issued > now:
        raise FileRefused(path, f"was issued in the future: {_moment(issued)}", "see that both clocks are right")
    decisions: list[Grant | Revocation] = []
    for number, one in enumerate(content.decisions):
        for pattern in one.classes:
            if wrong := class_trouble(pattern):
                raise FileRefused(path, f"decisions[{number}].classes: {wrong}", "correct it and sign it again")
        scope = Scope(customer=content.customer, classes=tuple(one.classes))
        by = safe_text(one.by, LONGEST_NAME)
        if one.until is None or one.level == "none":
            decisions.append(Revocation(by=by, entered_by=key, at=issued, scope=scope))
            continue
        until = one.until.timestamp()
        if until > issued + LONGEST:
            cure = f"write one at most {LONGEST / DAY:.0f} days after `issued`, and sign it again"
            raise FileRefused(path, f"decisions[{number}].until is too far away", cure)
        decisions.append(
            Grant(
                by=by,
                entered_by=key,
                at=issued,
                level=one.level,
                scope=scope,
                until=until,
                wording=one.wording,
                way="file",
            )
        )
    ends = [one.until if isinstance(one, Grant) else now + 1 for one in decisions]
    if max(ends) <= now:
        raise FileRefused(path, f"ended at {_moment(max(ends))}", "have it granted anew, and sign that")
    digest = hashlib.sha256(raw).hexdigest()
    return SignedFile(at=now, issued=issued, digest=digest, key=key, decisions=tuple(decisions))


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _toml(value: str | list[str]) -> str:
    """Return `value` as TOML writes it: as JSON does, but for the one character that JSON leaves bare."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007F")
