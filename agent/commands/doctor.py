"""`foretell doctor`: numbered self-checks with hints."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.text import Text

from agent.commands import options
from agent.commands.exits import Exit
from agent.doctor import Result, Verdict, examine

_STYLES: dict[Verdict, str] = {"well": "green", "warning": "yellow", "wrong": "red", "unknown": "cyan"}


@click.command("doctor")
@options.config
@options.state_dir
@options.listen
@options.as_json
def command(config_path: Path | None, state_dir: Path, listen: str | None, *, as_json: bool) -> int:
    """Check installation, configuration, permissions, space, clock, collectors and the live desk. Changes nothing."""
    results = []
    console = Console()
    for result in examine(config_path, state_dir, listen):
        results.append(result)
        if not as_json:
            _show(console, result)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(results)).decode())
    return _status(results)


def _show(console: Console, result: Result) -> None:
    line = Text.assemble(
        f"{result.number:>2} ", (f"{result.verdict:<8}", _STYLES[result.verdict]), f"{result.subject}: {result.found}"
    )
    console.print(line)
    if result.hint:
        console.print(Text(f"            {result.hint}", style="dim"))


def _status(results: list[Result]) -> Exit:
    if any(result.number == 3 and result.verdict == "wrong" for result in results):  # noqa: PLR2004 - the configuration's number
        return Exit.CONFIGURATION
    reasons = {result.reason for result in results}
    if "unreachable" in reasons:
        return Exit.DESK_UNREACHABLE
    if "not_authorised" in reasons:
        return Exit.NOT_PERMITTED
    if any(result.verdict in {"wrong", "warning"} for result in results):
        return Exit.FINDINGS
    return Exit.UNCHECKED if any(result.verdict == "unknown" for result in results) else Exit.DONE
