"""`foretell cases`: follow the cases by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console

from agent.case_details import case_details
from agent.commands import options
from agent.commands.acting import pass_on, require_state
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store, the_case
from agent.configuration.config import load, shipped_summaries
from agent.diagnosis import Request, command_of, diagnose, memory_file
from agent.following.model import CaseState
from agent.system.host import host_zone
from agent.terminal import KEY_SHOWN, show_case, show_cases
from agent.wording.diagnosis_text import diagnosis_lines
from ticketing_clients import ActKind

# In which states a person's act changes anything, and what it is called.
_HEEDED: dict[ActKind, tuple[str, frozenset[CaseState]]] = {
    "acknowledge": ("acknowledged", frozenset({"open"})),
    "defer": ("deferred", frozenset({"open", "acknowledged", "deferred"})),
    "confirm": (
        "confirmed",
        frozenset({"open", "acknowledged", "deferred", "recovering", "awaiting_confirmation"}),
    ),
}


@click.group("cases", cls=options.Listing)
def command() -> None:
    """List, show and diagnose cases; acknowledge, defer or confirm one by hand.

    \b
    Examples:
      foretell cases list
      foretell cases show 3f9a
      foretell cases defer 3f9a --until 2026-12-01
    """


@command.command("list", short_help="list those that are open")
@click.option("--all", "everything", is_flag=True, help="Closed and pending ones too.")
@options.state_dir
@options.as_json
def list_cases(state_dir: Path, *, everything: bool, as_json: bool) -> int:
    """List the cases that are open.

    \b
    Example:
      foretell cases list --all
    """
    with opened_store(state_dir) as store:
        cases = [case for case in store.cases(include_closed=everything) if everything or case.state != "pending"]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(cases)).decode())
    else:
        show_cases(Console(), cases, shipped_summaries(), host_zone(), time.time())
    return Exit.DONE


@command.command("show", short_help="show one with its story and ticket")
@click.argument("key")
@options.state_dir
@options.as_json
def show(key: str, state_dir: Path, *, as_json: bool) -> int:
    """Show one case: its state, its story, and its ticket's text when the desk is the local one.

    \b
    Example:
      foretell cases show 3f9a
    """
    with opened_store(state_dir) as store:
        details = case_details(store, state_dir, the_case(store, key), shipped_summaries())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(details)).decode())
    else:
        show_case(Console(), details, host_zone(), time.time())
    return Exit.DONE


@command.command("diagnose", short_help="look at its cause now")
@click.argument("key")
@options.config
@options.state_dir
@options.as_json
def diagnose_case(key: str, config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Look at a case's cause as an engineer would first. It changes, sends and keeps nothing, and may take two minutes.

    \b
    Example:
      foretell cases diagnose 3f9a
    """
    configuration = load(config_path, parts={"collectors", "rules"})
    rules, root = configuration.rules_by_id, configuration.settings.host.root
    with opened_store(state_dir) as store:
        case = the_case(store, key)
    asked = rules[case.rule].diagnosis if case.rule in rules else None
    memory = memory_file(state_dir, case.key)
    request = Request(
        id=asked or case.rule,
        subject=case.subject,
        root=root,
        command=command_of(case.subject, configuration.collectors),
        memory=memory,
        remember=False,
    )
    found = diagnose(request)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(diagnosis_lines(found, host_zone())))
        for detail in found.details:
            click.echo(f"\n{detail.name}\n\n{detail.text}", nl=False)
    return Exit.DONE if found.facts else Exit.UNCHECKED


@command.command("ack", short_help="take note of one")
@click.argument("key")
@options.config
@options.state_dir
def acknowledge(key: str, config_path: Path | None, state_dir: Path) -> int:
    """Take note of a case; it stays quiet until it gets worse or the acknowledgement expires.

    \b
    Example:
      foretell cases ack 3f9a
    """
    return _act(config_path, state_dir, key, "acknowledge")


@command.command("defer", short_help="put one off until a date")
@click.argument("key")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="In local time.")
@options.config
@options.state_dir
def defer(key: str, until: datetime, config_path: Path | None, state_dir: Path) -> int:
    """Put a case off.

    \b
    Example:
      foretell cases defer 3f9a --until 2026-12-24
    """
    until = until.astimezone(UTC)
    if until.timestamp() <= time.time():
        raise CommandFailed("--until is in the past", Exit.USAGE)
    return _act(config_path, state_dir, key, "defer", until)


@command.command("confirm", short_help="confirm that a problem is gone")
@click.argument("key")
@options.config
@options.state_dir
def confirm(key: str, config_path: Path | None, state_dir: Path) -> int:
    """Confirm that a problem is gone; the case closes when the readings say so too.

    \b
    Example:
      foretell cases confirm 3f9a
    """
    return _act(config_path, state_dir, key, "confirm")


def _act(config_path: Path | None, state_dir: Path, key: str, kind: ActKind, until: datetime | None = None) -> int:
    configuration = load(config_path, parts={"desks"})
    with opened_store(state_dir) as store:
        case = the_case(store, key)
        called, heeded = _HEEDED[kind]
        require_state(case, heeded, called)
        when = pass_on(store, configuration, case, kind, until=until)
    click.echo(f"Noted for {case.key[:KEY_SHOWN]}; {when}.")
    return Exit.DONE
