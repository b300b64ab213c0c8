"""`foretell plugins`: what can be configured here."""

from __future__ import annotations

import json

import click
import msgspec
from rich.console import Console
from rich.table import Table

from agent.commands import options
from agent.commands.exits import Exit
from agent.configuration.plugins import COLLECTORS, THRESHOLDS, TICKETING_CLIENTS, PluginError


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One installed plugin. `tested`: against what a ticketing client was tested; `problem`: why it cannot be used."""

    kind: str
    name: str
    summary: str = ""
    tested: str = ""
    problem: str = ""


def installed() -> list[Listed]:
    """Return every plugin that is installed, also those that cannot be imported."""
    listed = []
    for family in (COLLECTORS, THRESHOLDS, TICKETING_CLIENTS):
        for name, plugin in family.all():
            if isinstance(plugin, PluginError):
                listed.append(Listed(kind=family.word, name=name, problem=str(plugin)))
            else:
                tested = getattr(plugin, "tested", "")
                listed.append(Listed(kind=family.word, name=name, summary=plugin.summary, tested=tested))
    return listed


@click.command("plugins")
@options.as_json
def command(*, as_json: bool) -> int:
    """List collectors, threshold kinds and ticketing clients, built in and installed.

    \b
    Example: foretell plugins --json
    """
    plugins = installed()
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in plugins], indent=2, ensure_ascii=False))
    else:
        table = Table("kind", "name", "what it does", box=None, header_style="bold")
        for one in plugins:
            about = one.problem or " ".join(filter(None, [one.summary, one.tested and f"Tested: {one.tested}"]))
            table.add_row(one.kind, one.name, about)
        Console().print(table)
    return Exit.FINDINGS if any(one.problem for one in plugins) else Exit.DONE
