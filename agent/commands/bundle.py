"""`foretell bundle`: exactly what would leave this host with a ticket, and sending it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.bundle import Built
from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store, the_case
from agent.configuration.config import load
from agent.consent.levels import Level, lowest
from agent.delivery.bundling import BY_ITSELF, Bundling, Refusal
from agent.following.model import Case
from agent.system.host import identify
from agent.terminal import KEY_SHOWN
from agent.wording import plain
from agent.wording.context import RenderContext
from agent.wording.render import render_comment
from ticketing_clients import to_plain


@click.group("bundle")
def command() -> None:
    """Show the log bundle that would go along with a ticket, byte for byte, and have it sent.

    \b
    Examples:
      foretell bundle preview 3f9a
      foretell bundle preview 3f9a --logs
      foretell bundle build 3f9a
    """


tail = click.option("--logs", is_flag=True, help="More of the logs than 200 lines each; needs consent `logs`.")


@command.command("preview", short_help="write exactly what would leave, and send nothing")
@click.argument("key")
@tail
@click.option(
    "--clear",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Put it there too as it is before it is encrypted, to look into it.",
)
@options.config
@options.state_dir
@options.as_json
def preview(
    key: str, config_path: Path | None, state_dir: Path, *, logs: bool, clear: Path | None, as_json: bool
) -> int:
    """Build the bundle of the case KEY and show what is in it. Nothing is sent; `build` sends these very bytes.

    \b
    Example:
      foretell bundle preview 3f9a --clear look.tar.gz
    """
    with _opened(config_path, state_dir, key) as (bundling, case):
        built = _prepared(bundling, case, logs=logs, clear=clear)
        file, comment = bundling.file(case), _comment(bundling, case, built)
    if as_json:
        found = {"file": str(file), "comment": comment, **msgspec.to_builtins(built)}
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return Exit.DONE
    _show(Console(), built)
    if comment:
        click.echo(f"\nOn the ticket itself, as a comment:\n\n{indent(comment.strip(), '  ')}")
    click.echo(f"\n{file}: {plain.amount(built.bytes, 'bytes')}\nSHA-256 {built.sha256}")
    for recipient in built.recipients:
        click.echo(f"Encrypted to {recipient}")
    key = case.key[:KEY_SHOWN]
    readable = clear or (None if built.recipients else file)
    look = f"tar -xzvf {readable} -C FOLDER" if readable else f"foretell bundle preview {key} --clear FILE.tar.gz"
    click.echo(f"Look into it: {look}    Have it sent: foretell bundle build {key}")
    return Exit.DONE


@command.command("build", short_help="have it attached to the ticket")
@click.argument("key")
@tail
@click.option("--approve", metavar="HASH", help="The SHA-256 that `preview` showed: nothing else is sent.")
@options.config
@options.state_dir
def build(key: str, config_path: Path | None, state_dir: Path, *, logs: bool, approve: str | None) -> int:
    """Queue the bundle of the case KEY for its ticket: the one that was previewed, or a new one where there is none.

    \b
    Example:
      foretell bundle build 3f9a --approve HASH
    """
    with _opened(config_path, state_dir, key) as (bundling, case):
        if approve is None and (logs or bundling.kept(case) is None):
            _prepared(bundling, case, logs=logs)
        operation = bundling.queue(case, approve)
    click.echo(f"Queued for the ticket as {operation}; the daemon attaches it, if consent still allows it then.")
    return Exit.DONE


def _comment(bundling: Bundling, case: Case, built: Built) -> str:
    """Return what would be written on the ticket besides, as its reader would see it now; empty when nothing would."""
    operation = bundling.comment(case, built)
    if operation is None:
        return ""
    context = RenderContext(
        settings=bundling.configuration.settings,
        host=bundling.host,
        zone=ZoneInfo(bundling.configuration.zone),
        now=bundling.now,
        level=built.manifest.level,
    )
    return to_plain(render_comment(operation, context).body)


@contextmanager
def _opened(config_path: Path | None, state_dir: Path, key: str) -> Iterator[tuple[Bundling, Case]]:
    configuration = load(config_path, parts={"rules"})
    with opened_store(state_dir) as store:
        case = the_case(store, key)
        host = identify(configuration.settings.host, state_dir)
        try:
            yield Bundling(configuration, state_dir, store, host, time.time()), case
        except Refusal as refusal:
            raise CommandFailed(str(refusal), Exit.FINDINGS) from refusal


def _prepared(bundling: Bundling, case: Case, *, logs: bool, clear: Path | None = None) -> Built:
    """Build it at the level that was asked for or, if it was not, at what leaves by itself; on a terminal tell how it goes."""
    allowed = lowest([bundling.level(case), BY_ITSELF])
    level: Level = "logs" if logs else "facts" if allowed == "none" else allowed
    console = Console(stderr=True)
    if not console.is_terminal:
        return bundling.prepare(case, level, clear=clear)
    with console.status("reading") as status:
        return bundling.prepare(case, level, _telling(status.update), clear)


def _telling(update: Callable[[str], None]) -> Callable[[str], None]:
    return lambda source: update(f"reading {escape(source)}")


def _show(console: Console, built: Built) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("File", "Lines", "Withheld", "Replaced", "Remarks"):
        table.add_column(column, overflow="fold")
    for file in built.manifest.files:
        remarks = [*(f"limit: {cap}" for cap in file.caps), *file.notes]
        counts = (f"{file.lines} of {file.read}", sum(file.withheld.values()), sum(file.redactions.values()))
        table.add_row(*(Text(str(cell)) for cell in (file.name, *counts, "; ".join(remarks))))
    console.print(table)
    for one in built.manifest.left_out:
        console.print(Text(f"Not in it: {one.source}: {one.why}"))
