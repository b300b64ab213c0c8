"""`foretell restore`: the records of a backup in place of those that are there."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table

from agent.commands import options
from agent.commands.exits import Exit
from agent.commands.progress import working
from agent.configuration.settings import HostSettings
from agent.records.backup import Manifest
from agent.records.restore import Restored, read_manifest, restore_backup
from agent.system.host import host_zone, identify_without_trace
from agent.wording import plain
from agent.wording._values import size


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.state_dir
@click.option("--list", "only_list", is_flag=True, help="Show what FILE holds; change nothing.")
@options.as_json
def command(file: Path, state_dir: Path, *, only_list: bool, as_json: bool) -> int:
    """Put the records of the backup FILE in place. The agent must be stopped; what was there is kept under a dated name.

    FILE is checked whole before anything is touched. A consent record that is there stays: an older one would allow again
    what was taken back since.

    \b
    Examples:
      foretell restore --list foretell-2026-11-29.tar.gz
      systemctl stop foretell && foretell restore /var/backups/foretell.tar.gz && systemctl start foretell

    \b
    Exit status: 2 FILE is no backup or was altered, 75 an agent holds the folder,
    77 not permitted, 78 FILE holds records of a newer Foretell.
    """
    if only_list:
        manifest = read_manifest(file)
        told: Manifest | Restored = manifest
    else:
        with working("Checking the backup, and putting it in place"):
            told = restore_backup(file, state_dir, time.time())
        manifest = told.manifest
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    elif isinstance(told, Restored):
        _tell(told, state_dir)
    else:
        _list(manifest)
    return Exit.DONE


def _tell(restored: Restored, state_dir: Path) -> None:
    manifest = restored.manifest
    made = plain.moment(manifest.made_at, host_zone())
    click.echo(f"Restored the records of {made} into {state_dir}.")
    if restored.aside is not None:
        click.echo(f"What was there is in {restored.aside}; remove it when all is well.")
    if restored.kept_consent:
        click.echo("The consent record that was there stayed.")
    elif any(one.name.startswith("consent.") for one in manifest.files):
        click.echo(
            f"Consent is as it was at {made}; what was taken back since is allowed again: see `foretell consent`."
        )
    if identify_without_trace(HostSettings(), state_dir).id != manifest.host_id:
        click.echo(
            f"These are the records of another host, {manifest.host_name}. If this one takes its place, set "
            f'`host.id = "{manifest.host_id}"`, unless it was configured there; else its cases are not recognised.'
        )
    click.echo("Next: start the agent. It asks the desk what became of what was waiting.")


def _list(manifest: Manifest) -> None:
    made = plain.moment(manifest.made_at, host_zone())
    click.echo(f"Made by foretell {manifest.version} at {made} on {manifest.host_name} (host id {manifest.host_id}).")
    table = Table.grid(Column(), Column(justify="right"), Column(), padding=(0, 2))
    for one in manifest.files:
        schema = f"schema {manifest.schemas[one.name]}" if one.name in manifest.schemas else ""
        table.add_row(one.name, size(one.size), schema)
    Console().print(table)
