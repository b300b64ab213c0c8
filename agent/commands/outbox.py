"""`foretell outbox`: what waits for the desk or was refused by it."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec
from rich.console import Console

from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store
from agent.delivery.outbox import Outbox
from agent.following.model import QueuedOperation, QueueState
from agent.system.host import host_zone
from agent.terminal import show_outbox

UNSETTLED: frozenset[QueueState] = frozenset({"queued", "sending", "rejected"})


@click.group("outbox", cls=options.Listing)
def command() -> None:
    """List, retry or drop operations that wait for the desk or were refused by it.

    \b
    Examples:
      foretell outbox
      foretell outbox retry 3f9a0c11d2e4b586-2
    """


@command.command("list", short_help="list what is not done yet")
@options.state_dir
@options.as_json
def list_operations(state_dir: Path, *, as_json: bool) -> int:
    """List what is not done yet. Exit status 1 when the desk refused something.

    \b
    Example:
      foretell outbox list
    """
    with opened_store(state_dir) as store:
        operations = Outbox(store).all(UNSETTLED)
    if as_json:
        content = [
            {
                "state": one.state,
                "reason": one.reason,
                "detail": one.detail,
                "attempts": one.attempts,
                "not_before": one.not_before,
                "operation": one.operation,
            }
            for one in operations
        ]
        click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
    else:
        show_outbox(Console(), operations, host_zone(), time.time())
    return Exit.FINDINGS if any(one.state == "rejected" for one in operations) else Exit.DONE


@command.command("retry", short_help="try one again at once")
@click.argument("operation_id")
@options.state_dir
def retry(operation_id: str, state_dir: Path) -> int:
    """Try an operation again at once: a refused one after what the desk objected to was mended, or one that waits.

    \b
    Example:
      foretell outbox retry 3f9a0c1d2e4b5a69-2
    """
    with opened_store(state_dir) as store:
        outbox = Outbox(store)
        outbox.requeue(_found(outbox, operation_id).operation.id)
    click.echo("It goes out with the next batch.")
    return Exit.DONE


@command.command("drop", short_help="give one up")
@click.argument("operation_id")
@options.state_dir
def drop(operation_id: str, state_dir: Path) -> int:
    """Give an operation up; later ones of its case go on. One that is being sent may still arrive.

    \b
    Example:
      foretell outbox drop 3f9a0c1d2e4b5a69-2
    """
    with opened_store(state_dir) as store:
        outbox = Outbox(store)
        outbox.drop(_found(outbox, operation_id).operation.id)
    click.echo("Dropped.")
    return Exit.DONE


def _found(outbox: Outbox, operation_id: str) -> QueuedOperation:
    """Return the unsettled operation with this id or an unambiguous beginning of it."""
    found = [one for one in outbox.all(UNSETTLED) if one.operation.id.startswith(operation_id)]
    exact = [one for one in found if one.operation.id == operation_id]
    if len(exact or found) != 1:
        what = "No operation's id begins" if not found else f"{len(found)} operations' ids begin"
        raise CommandFailed(f"{what} with {operation_id!r}; see `foretell outbox list`", Exit.USAGE)
    return (exact or found)[0]
