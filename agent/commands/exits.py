"""Exit codes, and which error leads to which. A command raises; here it becomes a sentence and a code."""

from __future__ import annotations

import enum
import os
import traceback
from pathlib import Path

import click

from agent.configuration.decode import ConfigErrors
from agent.consent.record import RecordDamaged, RecordUnavailable
from agent.records.errors import BackupError
from agent.store import StoreNewer, StoreUnavailable
from agent.system.folder import FolderInUse, FolderUnusable
from agent.web.server import ListenError

TRACEBACK = "FORETELL_TRACEBACK"


class Exit(enum.IntEnum):
    """What a command's exit status says; the higher ones are those of sysexits.h.

    SOFTWARE: nobody foresaw it. TEMPORARY: another agent holds the state folder, or its disk is full or failing; a service
    manager tries again. CONFIGURATION: also records of a newer Foretell, since no later try would help.
    """

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    UNCHECKED = 3
    DESK_UNREACHABLE = 69
    SOFTWARE = 70
    TEMPORARY = 75
    NOT_PERMITTED = 77
    CONFIGURATION = 78
    STOPPED = 130


class CommandFailed(Exception):
    """A command cannot do what was asked; the message says why and what to do."""

    def __init__(self, message: str, status: Exit) -> None:
        """Keep the message and the exit status."""
        super().__init__(message)
        self.status = status


_STATUS: tuple[tuple[type[Exception], Exit], ...] = (
    (ConfigErrors, Exit.CONFIGURATION),
    (ListenError, Exit.CONFIGURATION),
    (FolderInUse, Exit.TEMPORARY),
    (FolderUnusable, Exit.NOT_PERMITTED),
    (StoreNewer, Exit.CONFIGURATION),
    (StoreUnavailable, Exit.TEMPORARY),
    (RecordDamaged, Exit.FINDINGS),
    (RecordUnavailable, Exit.TEMPORARY),
    (BackupError, Exit.USAGE),
)


def explain(error: Exception | KeyboardInterrupt) -> int:
    """Say `error` on standard error as a person can use it, and return the exit status."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return Exit.STOPPED
    status = _status(error)
    if status is None:
        return _unforeseen(error)
    click.echo(f"foretell: {error}", err=True)
    return status


def _status(error: Exception) -> Exit | None:
    """Return the exit status of an error that was foreseen."""
    if isinstance(error, CommandFailed):
        return error.status
    if isinstance(error, StoreUnavailable | RecordUnavailable | BackupError) and isinstance(
        error.__cause__, PermissionError
    ):
        return Exit.NOT_PERMITTED
    return next((status for kind, status in _STATUS if isinstance(error, kind)), None)


def _unforeseen(error: Exception) -> Exit:
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in last)
    cure = "" if os.environ.get(TRACEBACK) else f"; run it again with {TRACEBACK}=1 and report what it prints"
    click.echo(f"foretell: nobody foresaw this: {what}{where}{cure}", err=True)
    return Exit.SOFTWARE
