"""`foretell relay`: the fleet's front, in the foreground."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from agent import logs
from agent.commands import options
from agent.commands.exits import Exit
from agent.configuration.config import load
from agent.relay.relay import Relay
from agent.system.orders import Orders


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
    obeying = threading.Thread(target=_obey, args=(Orders(), relay), name="orders", daemon=True)
    obeying.start()
    click.echo(f"The relay listens on {relay.address}.")
    relay.serve()
    obeying.join()  # it has told the relay to stop, and waits for what is under way
    return Exit.DONE


def _obey(orders: Orders, relay: Relay) -> None:
    while not orders.stop:
        orders.wait(None)
        if orders.take_reload():
            relay.read_anew()
    relay.stop()
