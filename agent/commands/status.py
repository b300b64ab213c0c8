"""`foretell status`: is it alive, and what is it doing."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec
from rich.console import Console

from agent.commands import options
from agent.commands.exits import Exit
from agent.status import Summary, health, read_summary
from agent.system.folder import FolderUnusable, is_in_use
from agent.terminal import show_status


@click.command("status")
@options.state_dir
@options.as_json
def command(state_dir: Path, *, as_json: bool) -> int:
    """Say whether the daemon is alive, its last cycle, open cases, queue, and what could not be checked.

    \b
    Exit status: 0 all well, 1 something needs attention,
    3 no daemon is running, or something could not be checked.

    \b
    Examples:
      foretell status
      foretell status --json | jq .health
    """
    try:
        summary = read_summary(state_dir)
        alive = is_in_use(state_dir)
    except OSError as error:
        raise FolderUnusable(
            f"{state_dir} cannot be read: {error.strerror}; run as the agent's user or root"
        ) from error
    now = time.time()
    if as_json:
        content = {"alive": alive, "health": summary and health(summary), "summary": summary}
        click.echo(msgspec.json.format(msgspec.json.encode(content)).decode())
    else:
        show_status(Console(), summary, now, alive=alive)
    return _status(summary) if summary is not None and alive else Exit.UNCHECKED


def _status(summary: Summary) -> Exit:
    """Return what the daemon's last word amounts to."""
    state = health(summary)
    if state in {"critical", "attention"}:
        return Exit.FINDINGS
    return Exit.UNCHECKED if state == "unknown" else Exit.DONE
