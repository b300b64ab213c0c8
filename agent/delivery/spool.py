"""Files that wait to be attached to a ticket, in the state folder: each named by its operation, readable by its owner only."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from agent.consent.levels import Level
from agent.store import StoreUnavailable
from agent.system.folder import sync_folder
from ticketing_clients import Priority, TicketType

FOLDER_NAME = "spool"


class FileConsent(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold for a file to leave, asked again when it does: this level is allowed on tickets of this rule and type.

    type: None where it speaks for tickets of every type. recipients: to whom it is encrypted; they must still be those that are
    configured; None where it is for every reader of its ticket.
    """

    level: Level
    rule: str
    type: TicketType | None
    recipients: tuple[str, ...] | None = ()


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an `attach` operation carries: the name and media type that the desk gets, size in bytes, SHA-256 in hex digits.

    priority: of the case, by which the outbox orders. needs: the consent without which it stays here; None for what is core.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    priority: Priority = "P4"
    needs: FileConsent | None = None


class FileAltered(Exception):
    """The file cannot be read, or is not what was put there."""


class Spool:
    """The files of the state folder `state_dir`."""

    def __init__(self, state_dir: Path) -> None:
        """Touches nothing yet."""
        self._folder = state_dir / FOLDER_NAME

    def put(self, operation: str, content: bytes) -> None:
        """Keep `content` for the operation with this id; it is on disk when this returns. Raises StoreUnavailable."""
        with self._changing():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self._folder / operation, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            for folder in (self._folder, self._folder.parent):
                sync_folder(folder)

    def get(self, operation: str, facts: FileFacts) -> bytes:
        """Return what was put there. Raises FileAltered when it is not what `facts` says, or cannot be read."""
        try:
            content = (self._folder / operation).read_bytes()
        except OSError as error:
            raise FileAltered(f"{facts.name} cannot be read from the spool: {error.strerror}") from error
        if sha256(content).hexdigest() != facts.sha256:
            raise FileAltered(f"{facts.name} does not match its hash: it was altered, and does not leave")
        return content

    def keep_only(self, operations: Collection[str]) -> None:
        """Remove the files of all other operations. Raises StoreUnavailable."""
        with self._changing():
            for file in self._folder.iterdir() if self._folder.is_dir() else ():
                if file.name not in operations:
                    file.unlink(missing_ok=True)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            wrong = f"files to attach cannot be kept there ({error.strerror})"
            raise StoreUnavailable(
                self._folder, wrong, "free some space there, or let the agent's user write"
            ) from error
