"""`foretell run`: the daemon in the foreground."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import msgspec

from agent import logs
from agent.commands import options
from agent.commands.exits import Exit
from agent.daemon import compose
from agent.status import Snapshot


@click.command("run")
@options.config
@options.state_dir
@options.listen
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(config_path: Path | None, state_dir: Path, listen: str | None, log_level: str) -> int:
    """Watch this host, open tickets, serve the status page and /metrics.

    \b
    Runs in the foreground until SIGTERM or Ctrl-C; a service manager keeps it running.
    Example: foretell run --config /etc/foretell/foretell.toml
    """
    logs.configure(log_level)
    with compose(config_path, state_dir, listen, _say_summary) as daemon:
        daemon.run()
    return Exit.DONE


def _say_summary(snapshot: Snapshot, address: str) -> None:
    """Print what the first cycle saw, from a child: the tables' library never lives in the daemon."""
    argv = [sys.executable, "-P", "-m", "agent.commands.first_summary", address]
    sys.stdout.flush()
    subprocess.run(argv, input=msgspec.msgpack.encode(snapshot), check=False, timeout=30)
