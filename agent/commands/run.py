"""`foretell run`: the daemon in the foreground."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

from agent.commands import options

# Elsewhere a program that replaces itself becomes another process, of which the service manager knows nothing.
REPLACES_ITSELF = os.name == "posix"


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
    SIGHUP reads the configuration anew; if it is wrong, the old one stays in force.
    Example: foretell run --config /etc/foretell/foretell.toml
    """
    given = {"--config": config_path, "--state-dir": state_dir, "--listen": listen, "--log-level": log_level}
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    if REPLACES_ITSELF:
        # One arena for malloc: two megabytes less, nothing slower.
        environ = {"MALLOC_ARENA_MAX": "1", **os.environ}
        argv = [sys.executable, "-E", "-P", "-m", "agent.daemon_process", *words]
        os.execve(sys.executable, argv, environ)  # noqa: S606 - ours, and no shell is wanted
    status: int = importlib.import_module("agent.daemon_process").main(words)
    return status
