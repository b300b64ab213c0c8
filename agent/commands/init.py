"""`foretell init`: writes a commented configuration from a few answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from agent.commands.exits import CommandFailed, Exit
from agent.config import load
from agent.decode import ConfigErrors
from agent.host import host_zone
from agent.init import configuration_text
from agent.plugins import TICKETING_CLIENTS

DEFAULT_OUT = Path("/etc/foretell/foretell.toml")


@click.command("init")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_OUT, show_default=True)
@click.option("--host-name", help="Name people know this host by; its own when left out.")
@click.option("--role", help="What it is for, in a few words.")
@click.option("--criticality", type=click.Choice(["high", "normal", "low"]), help="How much depends on it.")
@click.option("--customer", help="Name of the customer in tickets.")
@click.option("--customer-id", help="Lasting id of the customer; part of every case key.")
@click.option("--contact", help="E-mail address that tickets name as requestor.")
@click.option("--zone", help="IANA time zone of the customer (Europe/Berlin); the host's own when left out.")
@click.option("--desk", help="Ticketing client: local, request_tracker, ... (`foretell plugins` lists them).")
@click.option("--url", help="Address of the desk.")
@click.option("--queue", help="Queue or project at the desk.")
@click.option("--token-file", type=click.Path(path_type=Path), help="File that holds the desk's token.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no flag answers stays at its default.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(out: Path, *, yes: bool, force: bool, **flags: Any) -> int:
    """Write a commented foretell.toml that is valid. Asks what no flag answers, unless --yes is given or nobody can answer.

    \b
    Examples:
      foretell init
      foretell init --yes --out ./foretell.toml --customer ACME --desk request_tracker \\
        --url https://rt.example.org --queue Preventive --token-file /etc/foretell/secrets/rt
    """
    if out.exists() and not force:
        raise CommandFailed(f"{out} exists already; --force overwrites it, --out names another", Exit.USAGE)
    if not yes and sys.stdin.isatty():
        flags = _ask(flags)
    text = configuration_text(answers_from(flags))
    fresh = out.with_name(out.name + ".new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, "utf-8")
        _validate(fresh)
        fresh.replace(out)
    except OSError as error:
        raise CommandFailed(
            f"{out} cannot be written: {error.strerror}; name another with --out", Exit.NOT_PERMITTED
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    click.echo(f"Wrote {out}. Next: `foretell doctor --config {out}`, then `foretell run --config {out}`.")
    return Exit.DONE


def _validate(fresh: Path) -> None:
    """Read the file as the agent will. Raises ConfigErrors that speak of the answers: the file is not kept."""
    try:
        load(fresh)
    except ConfigErrors as errors:
        told = [msgspec.structs.replace(error, file="these answers") for error in errors.errors]
        raise ConfigErrors(told) from errors


def answers_from(flags: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the answers shaped like the configuration file; what was not answered is left out."""
    desk = flags.get("desk") or "local"
    desk_table: dict[str, Any] = {"client": desk}
    secrets: dict[str, Any] = {}
    if desk != "local":
        desk_table |= _given(url=flags.get("url"), queue=flags.get("queue"))
        secrets = _given(**{desk: flags.get("token_file") and str(flags["token_file"])})
    customer = _given(
        id=flags.get("customer_id"), name=flags.get("customer"), contact=flags.get("contact"), zone=flags.get("zone")
    )
    host = _given(name=flags.get("host_name"), role=flags.get("role"), criticality=flags.get("criticality"))
    tables = {
        "host": host,
        "customer": customer,
        "delivery": {"desk": desk},
        "desks": {desk: desk_table},
        "secrets": secrets,
    }
    return {name: table for name, table in tables.items() if table}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _ask(flags: dict[str, Any]) -> dict[str, Any]:
    """Ask for what no flag answered."""

    def ask(name: str, question: str, default: str = "") -> None:
        if flags.get(name) is None:
            flags[name] = click.prompt(question, default=default, show_default=bool(default))

    ask("host_name", "Name people know this host by", os.uname().nodename if hasattr(os, "uname") else "")
    ask("role", "What is it for, in a few words (may stay empty)")
    ask("customer", "Name of the customer in tickets (may stay empty)")
    ask("contact", "E-mail address that tickets name as requestor (may stay empty)")
    ask("zone", "Time zone of the customer", host_zone())
    if flags.get("desk") is None:
        flags["desk"] = click.prompt(
            "Service desk", default="local", type=click.Choice(TICKETING_CLIENTS.names()), show_choices=True
        )
    if flags["desk"] != "local":
        ask("url", "Address of the desk")
        ask("queue", "Queue or project")
        ask("token_file", "File that holds the desk's token", f"/etc/foretell/secrets/{flags['desk']}")
    return flags
