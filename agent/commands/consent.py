"""`foretell consent`: what may leave this host on tickets, who allowed it, and taking it back."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
import psutil
from rich.console import Console

from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.configuration.config import Configuration, load
from agent.configuration.decode import nearest
from agent.configuration.durations import format_duration, parse_duration
from agent.consent.file import FILE, LONGEST_NAME, NAMESPACE, SIGNATURE, unsigned_text
from agent.consent.gate import config_folder, decide, look
from agent.consent.levels import (
    BY_TYPE,
    LEVELS,
    LONGEST,
    Consent,
    Grant,
    Level,
    Revocation,
    Scope,
    class_trouble,
    wording_in,
)
from agent.consent.record import read_record
from agent.consent.view import contract, show_consent, tickets_of
from agent.following.follow import GATHERINGS
from agent.following.model import HEALTH_REPORT
from agent.wording import plain
from agent.wording.languages import SOURCE, find_language
from agent.wording.lines import parse
from agent.wording.words import in_language
from collectors import safe_text
from thresholds import allows
from ticketing_clients import to_plain


@click.group("consent", cls=options.Showing)
def command() -> None:
    """Show, grant or take back what may leave this host on tickets, beyond what a ticket is about.

    \b
    Levels, each with those before it:
      none     the core of a ticket only (this is the default)
      facts    serials, versions, names of units and processes, paths, packages
      excerpt  allowlisted log lines, redacted
      logs     a time-boxed tail of logs, redacted, asked for each time

    \b
    Examples:
      foretell consent
      foretell consent grant facts --for 90d --by "Jane Doe" --class "disk_*"
      foretell consent revoke
    """


@command.command("show", short_help="show what is allowed, by whom, until when")
@options.config
@options.state_dir
@options.as_json
def show(config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Show what is allowed now and how that came about. Exit status 1 when the record or the signed file is not believed.

    \b
    Example:
      foretell consent show
    """
    configuration = load(config_path, parts={"rules"})
    now = time.time()
    read_record(state_dir)  # what may not be read is an error of its own here, not only a reason to allow nothing
    consent = look(state_dir, configuration, now)
    if as_json:
        _print_json(consent, configuration, now)
    else:
        show_consent(Console(), consent, configuration, now)
    return Exit.FINDINGS if consent.trouble or consent.file_trouble else Exit.DONE


@command.command("grant", short_help="allow a level for a time")
@click.argument("level", type=click.Choice(LEVELS[1:]))
@click.option("--for", "lasts", required=True, metavar="T", help=f"How long, at most {format_duration(LONGEST)}: 90d.")
@click.option("--by", required=True, metavar="NAME", help="The person who allows it and has read what is shown.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="GLOB",
    help="Only tickets of these rules (disk_*), or of this type (type:capacity); '!' excludes. May be repeated.",
)
@click.option("--yes", is_flag=True, help="NAME has read it; do not ask.")
@click.option(
    "--to-sign",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Allow nothing here; write a file that IT can sign and deploy.",
)
@options.config
@options.state_dir
@options.as_json
def grant(  # noqa: PLR0917 - click hands them over by name
    level: Level,
    lasts: str,
    by: str,
    classes: tuple[str, ...],
    to_sign: Path | None,
    config_path: Path | None,
    state_dir: Path,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Allow LEVEL on tickets for a time. What is allowed is shown first, and NAME is asked to agree.

    \b
    Examples:
      foretell consent grant facts --for 90d --by "Jane Doe"
      foretell consent grant excerpt --for 30d --by "Jane Doe" --class "disk_*"
    """
    configuration = load(config_path, parts={"rules"})
    now = time.time()
    entry = Grant(
        by=_person(by),
        entered_by=_account(),
        at=now,
        level=level,
        scope=_scope(configuration, classes),
        until=now + _seconds(lasts),
        wording=wording_in(_language(configuration)),
        way="file" if to_sign else "command",
    )
    if to_sign is None:
        _require_folder(state_dir)
    click.echo(_shown(entry, configuration, now), err=as_json)
    if not yes:
        _ask(entry.by)
    if to_sign is not None:
        return _write_to_sign(to_sign, entry, configuration, now)
    consent = decide(state_dir, configuration, entry, now)
    if as_json:
        _print_json(consent, configuration, now)
    else:
        until = plain.moment(entry.until, configuration.zone)
        click.echo(f"Allowed by {entry.by}: {level}, for {tickets_of(entry.scope)}, until {until}.")
        click.echo(f"The record now ends with {consent.anchor}")
    return Exit.DONE


@command.command("revoke", short_help="take back what was allowed")
@click.option("--by", metavar="NAME", help="The person who takes it back; this account when left out.")
@click.option("--class", "classes", multiple=True, metavar="GLOB", help="Only for these tickets, as in `grant`.")
@options.config
@options.state_dir
@options.as_json
def revoke(
    by: str | None, classes: tuple[str, ...], config_path: Path | None, state_dir: Path, *, as_json: bool
) -> int:
    """Take back whatever was allowed, by command or by a signed file. What waits to be sent goes without it.

    \b
    Example:
      foretell consent revoke --by "Jane Doe"
    """
    configuration = load(config_path, parts={"rules"})
    now = time.time()
    account = _account()
    _require_folder(state_dir)
    scope = _scope(configuration, classes)
    entry = Revocation(by=_person(by or account), entered_by=account, at=now, scope=scope)
    consent = decide(state_dir, configuration, entry, now)
    if as_json:
        _print_json(consent, configuration, now)
    else:
        click.echo(
            f"Taken back for {tickets_of(scope)}. What waits to be sent goes without it; what was sent is at the desk."
        )
        click.echo(f"The record now ends with {consent.anchor}")
    return Exit.DONE


def _require_folder(state_dir: Path) -> None:
    if not state_dir.is_dir():
        raise CommandFailed(f"there is no folder {state_dir}: no agent has run on it yet", Exit.USAGE)


def _seconds(lasts: str) -> float:
    try:
        seconds = parse_duration(lasts)
    except ValueError as error:
        raise CommandFailed(f"--for: {error}", Exit.USAGE) from error
    if not 0 < seconds <= LONGEST:
        raise CommandFailed(f"--for must be more than nothing and at most {format_duration(LONGEST)}", Exit.USAGE)
    return seconds


def _person(by: str) -> str:
    name = safe_text(by.strip(), LONGEST_NAME)
    if not name:
        raise CommandFailed("--by must name a person", Exit.USAGE)
    return name


def _account() -> str:
    """Return the account that runs this, as the kernel knows it, and whom sudo says it was."""
    name = psutil.Process().username()
    sudo = safe_text(os.environ.get("SUDO_USER", ""), LONGEST_NAME)
    return f"{name} (sudo by {sudo})" if sudo else name


def _scope(configuration: Configuration, classes: Sequence[str]) -> Scope:
    """Return the tickets that are meant; a class that names none is a slip."""
    rules = [*configuration.rules_by_id, *GATHERINGS, HEALTH_REPORT]
    for pattern in classes:
        if wrong := class_trouble(pattern):
            raise CommandFailed(f"--class {pattern}: {wrong}", Exit.USAGE)
        name = pattern.removeprefix("!")
        if not name.startswith(BY_TYPE) and not any(allows([name], rule) for rule in rules):
            raise CommandFailed(f"--class {pattern}: no rule is called so; {nearest(name, rules)}", Exit.USAGE)
    return Scope(customer=configuration.settings.customer.id, classes=tuple(classes))


def _shown(entry: Grant, configuration: Configuration, now: float) -> str:
    """Return what the person is shown, in the version that the record will name."""
    customer, host = configuration.settings.customer, configuration.settings.host.name or os.uname().nodename
    values = {
        "customer": customer.name or customer.id,
        "host": host if entry.way == "command" else "",  # a signed file is for each host on which it is put
        "level": entry.level,
        "classes": entry.scope.classes,
        "until": entry.until,
        "now": now,
        "zone": ZoneInfo(configuration.zone),
    }
    version, _, language = entry.wording.partition(".")
    return to_plain(parse(in_language(language or SOURCE).write(f"consent/{version}", values)))


def _language(configuration: Configuration) -> str:
    """Return the customer's language; what IT changes of its sentences is not in what people consent to."""
    folder = configuration.settings.wording.folder
    return find_language(configuration.settings.customer.language, Path(folder) / "languages" if folder else None)


def _ask(by: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed(f"nobody is here to agree; add --yes when {by} has read the above", Exit.USAGE)
    if not click.confirm(f"Do you, {by}, allow this?", err=True):
        raise CommandFailed("nothing was allowed", Exit.FINDINGS)


def _write_to_sign(path: Path, entry: Grant, configuration: Configuration, now: float) -> int:
    try:
        path.write_text(unsigned_text([entry], entry.scope.customer, now), "utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}", Exit.USAGE) from error
    folder = config_folder(configuration)
    click.echo(f"Nothing is allowed yet. Sign {path}: ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path}")
    click.echo(f"Then deploy both as {folder / FILE} and {folder / SIGNATURE}.")
    return Exit.DONE


def _print_json(consent: Consent, configuration: Configuration, now: float) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(contract(consent, configuration, now))).decode())
