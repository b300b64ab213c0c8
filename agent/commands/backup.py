"""`foretell backup`: the agent's records in one archive."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.progress import working
from agent.records.backup import make_backup
from agent.wording._values import size


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.state_dir
@click.option("--force", is_flag=True, help="Overwrite an existing FILE.")
@options.as_json
def command(file: Path, state_dir: Path, *, force: bool, as_json: bool) -> int:
    """Write all records to FILE (.tar.gz, for its owner only): cases, queue, history, consent, what was learnt.

    The agent may go on running. The configuration and the secrets of desks are not in it.

    \b
    Examples:
      foretell backup /var/backups/foretell.tar.gz --force
      foretell backup foretell-$(date +%F).tar.gz --state-dir ./state
    """
    if file.exists() and not force:
        raise CommandFailed(f"{file} exists already; --force overwrites it", Exit.USAGE)
    with working("Copying the records"):
        manifest = make_backup(state_dir, file, time.time())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(manifest)).decode())
    else:
        whole = size(sum(one.size for one in manifest.files))
        click.echo(f"Wrote {file}: {whole} of records. What it holds: foretell restore --list {file}")
    return Exit.DONE
