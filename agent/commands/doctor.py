"""`foretell doctor`: numbered self-checks with hints."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from agent.commands import options
from agent.commands.exits import Exit
from agent.doctor.checks import examine
from agent.doctor.examination import Result, Verdict

_STYLES: dict[Verdict, str] = {"well": "green", "warning": "yellow", "wrong": "red", "unknown": "cyan"}
# What keeps the agent from its work, the first thing to mend first.
_STATUS = {
    "configuration": Exit.CONFIGURATION,
    "not_permitted": Exit.NOT_PERMITTED,
    "not_authorised": Exit.NOT_PERMITTED,
    "unreachable": Exit.DESK_UNREACHABLE,
}


@click.command("doctor")
@options.config
@options.state_dir
@options.listen
@options.as_json
def command(config_path: Path | None, state_dir: Path, listen: str | None, *, as_json: bool) -> int:
    """Check installation, configuration, permissions, space, clock, collectors and the live desk. Changes nothing.

    \b
    Exit status: 0 all well, 1 something to mend, 3 something could not be checked;
    what keeps the agent from its work: 69 desk unreachable, 77 not permitted
    (state folder, token), 78 configuration or a busy port.

    \b
    Examples:
      foretell doctor
      foretell doctor --json | jq .
    """
    results = []
    console = Console()
    for result in examine(config_path, state_dir, listen):
        results.append(result)
        if not as_json:
            show_result(console, result)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(results)).decode())
    return status_of(results)


def show_result(console: Console, result: Result) -> None:
    """Print one check's answer."""
    row = Table.grid(Column(width=2, justify="right"), Column(width=7), Column(overflow="fold"), padding=(0, 1))
    verdict = Text(result.verdict, style=_STYLES[result.verdict])
    row.add_row(str(result.number), verdict, Text(f"{result.subject}: {result.found}"))
    if result.hint:
        row.add_row("", "", Text(result.hint, style="dim"))
    console.print(row)


def status_of(results: list[Result]) -> Exit:
    """Return the exit status that these checks come to."""
    reasons = {result.reason for result in results if result.reason}
    for reason, status in _STATUS.items():
        if reason in reasons:
            return status
    if any(result.verdict in {"wrong", "warning"} for result in results):
        return Exit.FINDINGS
    return Exit.UNCHECKED if any(result.verdict == "unknown" for result in results) else Exit.DONE
