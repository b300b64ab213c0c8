"""What is asked of the child that builds a bundle, what the bundle says of itself, and what the child answers. Data only."""

from __future__ import annotations

import msgspec

from agent.configuration.config import ConfigFile
from agent.consent.levels import Level
from agent.following.facts import DiagnosisFacts
from agent.following.model import Case

FORMAT = 1


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be built.

    level: what may leave; at least `facts`. at: unix seconds, now. since: unix seconds from which journals are read.
    diagnosis: id of the first look. config: the configuration file. credentials: where the service manager put secrets.
    case_lines, measured: texts made from our own records, which the child does not open. names: of this host.
    target: the file to write. largest: bytes that all files may have before they are packed.
    recipients: public keys to which it is encrypted; to none when it is not. clear: where to put it unencrypted too, for whoever
    looks at it before it leaves.
    """

    case: Case
    level: Level
    at: float
    since: float
    diagnosis: str
    config: ConfigFile | None
    state_dir: str
    host: str
    names: tuple[str, ...]
    case_lines: list[str]
    measured: list[str]
    target: str
    largest: int
    recipients: tuple[str, ...] = ()
    clear: str | None = None
    credentials: str | None = None
    seconds: float = 150.0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the bundle.

    read: lines that its source had. lines: that are in the file. withheld: lines that may not leave, by reason.
    redactions: places replaced, by rule, in all that was read. caps: limits that were reached. notes: what a reader must know.
    """

    name: str
    source: str
    read: int
    lines: int
    bytes: int
    sha256: str
    withheld: dict[str, int] = {}
    redactions: dict[str, int] = {}
    caps: list[str] = []
    notes: list[str] = []


class LeftOutSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is not in the bundle, and why."""

    source: str
    why: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """MANIFEST.json. Times are unix seconds. on_ticket: what the ticket itself may say of the first look, in a comment."""

    format: int = FORMAT
    agent: str
    case: str
    rule: str
    host: str
    level: Level
    made_at: float
    since: float
    files: list[File]
    left_out: list[LeftOutSource]
    on_ticket: DiagnosisFacts | None = None


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: SHA-256 and size of the file that leaves, to whom it is encrypted, and its manifest."""

    sha256: str
    bytes: int
    recipients: tuple[str, ...] = ()
    manifest: Manifest
