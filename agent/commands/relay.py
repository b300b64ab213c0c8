"""`foretell relay`: the fleet's front, in the foreground."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from agent import logs
from agent.commands import options
from agent.commands.exits import Exit
from agent.configuration.config import load
from agent.relay.relay import Relay


@click.command("relay")
@options.config
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(config_path: Path | None, log_level: str) -> int:
    """Turn the groups of an Alertmanager into tickets, for a fleet of agents.

    \b
    Runs in the foreground until SIGTERM or Ctrl-C, and finishes what is under way.
    SIGHUP reads the configuration anew; if it is wrong, the old one stays in force.
    It keeps nothing: start as many as you like behind any balancer. See docs/fleet.md.
    Example: foretell relay --config /etc/foretell/relay.toml
    """
    logs.configure(log_level, at_once=True)
    relay = Relay(load(config_path, parts={"desks"}))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: relay.stop())
    if hasattr(signal, "SIGHUP"):  # Windows knows none
        signal.signal(signal.SIGHUP, lambda *_: relay.read_anew())
    click.echo(f"The relay listens on {relay.address}.")
    relay.serve()
    return Exit.DONE
