"""`foretell report`: what a period was like, what was prevented and what is coming, as one file to read and print."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.progress import progress
from agent.commands.records import opened_store
from agent.configuration.config import Configuration, load
from agent.configuration.settings import DAY
from agent.consent.gate import look
from agent.following.model import HEALTH_REPORT
from agent.report.making import Wanted, make_report
from agent.report.schedule import Period
from agent.system.folder import put
from agent.system.host import identify
from agent.wording.languages import LanguageNotKnown


@click.command("report")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The HTML file to write.")
@click.option(
    "--since", type=options.Duration(), default="90d", show_default=True, help="How long before its end it begins."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day before which it ends; now when left out.")
@click.option("--language", default="", help="en, zh_Hans, zh_Hant or your own; the customer's when left out.")
@click.option(
    "--leaving", is_flag=True, help="Only what consent lets leave this host now: to look at it, or to hand on."
)
@options.config
@options.state_dir
def command(  # noqa: PLR0917 - click passes them by name
    out: Path,
    since: float,
    until: datetime | None,
    language: str,
    config_path: Path | None,
    state_dir: Path,
    *,
    leaving: bool,
) -> int:
    """Write a health report as one HTML file that needs nothing else.

    Tickets and what they prevented, service levels, capacity and where it leads, support and certificates, what to do, and how
    much could not be checked.

    The file holds what this host knows of itself: whoever hands it on decides what leaves. A browser prints it to PDF.

    \b
    Examples:
      foretell report --out report.html
      foretell report --since 365d --language zh-CN --out year.html
      foretell report --since 31d --until 2026-11-01 --leaving --out october.html
    """
    configuration = load(config_path, parts={"collectors", "rules"}, state=state_dir)
    now = time.time()
    end = until.replace(tzinfo=ZoneInfo(configuration.zone)).timestamp() if until else now
    wanted = Wanted(
        period=Period(end - max(since, DAY), min(end, now)),
        now=now,
        language=language,
        level=look(state_dir, configuration, now).level(HEALTH_REPORT, None, now) if leaving else None,
    )
    page = _made(wanted, configuration, state_dir)
    try:
        put(out, page.encode())
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error.strerror}", Exit.NOT_PERMITTED) from error
    click.echo(f"Wrote {out}. To keep it as a PDF, print it from a browser.")
    return Exit.DONE


def _made(wanted: Wanted, configuration: Configuration, state_dir: Path) -> str:
    with opened_store(state_dir) as store, progress("Reading the history") as tell:
        host = identify(configuration.settings.host, state_dir)
        try:
            return make_report(wanted, configuration, state_dir, store, host, progress=tell)
        except LanguageNotKnown as error:
            raise CommandFailed(f"{error}; {error.cure}", Exit.USAGE) from error
