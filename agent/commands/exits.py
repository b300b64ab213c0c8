"""Exit codes, and which error leads to which. A command raises; here it becomes a sentence and a code."""

from __future__ import annotations

import enum

import click

from agent.decode import ConfigErrors
from agent.folder import FolderInUse, FolderUnusable
from agent.store import StoreUnavailable
from agent.web.server import ListenError


class Exit(enum.IntEnum):
    """What a command's exit status says; the higher ones are those of sysexits.h.

    TEMPORARY: another agent holds the state folder, or its disk is full or failing; a service manager tries again.
    """

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    UNCHECKED = 3
    DESK_UNREACHABLE = 69
    TEMPORARY = 75
    NOT_PERMITTED = 77
    CONFIGURATION = 78


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
    (StoreUnavailable, Exit.TEMPORARY),
)


def explain(error: Exception) -> int | None:
    """Say `error` on standard error as a person can use it and return the exit status; None for one nobody foresaw."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        click.echo("Stopped.", err=True)
        return 130
    status = error.status if isinstance(error, CommandFailed) else None
    for kind, code in _STATUS:
        if isinstance(error, kind):
            status = code
    if status is None:
        return None
    click.echo(f"foretell: {error}", err=True)
    return status
