"""`foretell knowledge`: what was learnt from closed cases, for a knowledge base."""

from __future__ import annotations

import os
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from agent.bundle import Unmaskable, make_redactor
from agent.collecting import HostAccess
from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store
from agent.configuration.config import load
from agent.consent.gate import ask
from agent.consent.levels import Level
from agent.system.host import identify
from agent.wording.context import RenderContext
from agent.wording.knowledge import articles, write
from ticketing_clients import TicketType


@click.group("knowledge")
def command() -> None:
    """Write what was learnt from closed cases as articles for a knowledge base.

    \b
    Example:
      foretell knowledge export --out articles/
    """


@command.command("export", short_help="write an article for each closed case")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
@options.config
@options.state_dir
@options.as_json
def export(out: Path, config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Write one Markdown article for each closed case: symptom, where to look, what helped, how it does not come back.

    What people wrote is redacted, and left out where consent does not reach `facts`.

    \b
    Example:
      foretell knowledge export --out articles/
    """
    configuration = load(config_path, parts={"rules", "desks"})
    host, now = identify(configuration.settings.host, state_dir), time.time()
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")

    def allowed(rule: str, type_: TicketType | None) -> Level:
        return ask(state_dir, configuration, now).level(rule, type_, now)

    context = RenderContext(settings=configuration.settings, host=host, zone=ZoneInfo(configuration.zone), now=now)
    with opened_store(state_dir) as store:
        try:
            redactor = make_redactor(
                configuration, state_dir, HostAccess(), (host.name,), Path(credentials) if credentials else None
            )
            cases = store.cases(include_closed=True)
            written = write(articles(cases, configuration.rules_by_id, context, allowed, redactor), out)
        except (Unmaskable, ValueError) as error:
            raise CommandFailed(
                f"nothing is written, for it could not be redacted: {error}", Exit.CONFIGURATION
            ) from error
        except OSError as error:
            raise CommandFailed(f"{out} cannot be written: {error.strerror}", Exit.NOT_PERMITTED) from error
    if as_json:
        listed = [{"file": str(out / one.name), "withheld": one.withheld} for one in written]
        click.echo(msgspec.json.format(msgspec.json.encode(listed)).decode())
        return Exit.DONE
    click.echo(f"{len(written)} articles in {out}")
    withheld = sum(one.withheld for one in written)
    if withheld:
        click.echo(
            f"In {withheld} of them people's words are left out: consent does not reach `facts`, or redaction kept them back."
        )
    return Exit.DONE
