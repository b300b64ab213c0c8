"""`foretell init`: writes a commented configuration from what is seen on this host and a few answers, and tries the desk."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from agent.commands import options
from agent.commands.doctor import show_result, status_of
from agent.commands.exits import CommandFailed, Exit
from agent.commands.init_questions import ask
from agent.configuration.config import Configuration, load
from agent.configuration.decode import ConfigErrors
from agent.courier import build_client
from agent.doctor.desk import examine_desk
from agent.setup.init import answers_from, configuration_text, toml_value
from agent.setup.inspection import inspect
from agent.setup.proposals import Seen, required_units
from agent.setup.trial import try_desk
from agent.system.host import identify_without_trace
from agent.wording.languages import languages
from ticketing_clients import DeskError, OutcomeUnknown

DEFAULT_OUT = Path("/etc/foretell/foretell.toml")


@click.command("init")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_OUT, show_default=True)
@click.option("--host-name", help="Name people know this host by; its own when left out.")
@click.option("--role", help="What it is for, in a few words; tickets say it.")
@click.option("--criticality", type=click.Choice(["high", "normal", "low"]), help="How much depends on it.")
@click.option("--customer", help="Name of the customer in tickets.")
@click.option("--customer-id", help="Lasting id of the customer; part of every case key.")
@click.option("--contact", help="E-mail address that tickets name as requestor.")
@click.option("--zone", help="IANA time zone of the customer (Europe/Berlin); the host's own when left out.")
@click.option("--language", help=f"Language of the tickets: {', '.join(languages())}.")
@click.option(
    "--require", multiple=True, metavar="UNIT", help="A service that has to run at all times. May be repeated."
)
@click.option("--leave-out", multiple=True, metavar="MOUNT", help="A mount point not to watch. May be repeated.")
@click.option("--desk", help="Ticketing client: local, request_tracker, ... (`foretell plugins` lists them).")
@click.option("--url", help="Address of the desk.")
@click.option("--queue", help="Queue or project at the desk.")
@click.option(
    "--desk-option",
    "desk_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Anything else the desk needs. May be repeated.",
)
@click.option("--token-file", type=click.Path(path_type=Path), help="File that holds the desk's token.")
@click.option(
    "--yes", is_flag=True, help="Ask nothing: take the safe proposals (services that have to run), else the defaults."
)
@click.option("--no-proposals", is_flag=True, help="Take nothing from what is seen on this host.")
@click.option("--test-login", is_flag=True, help="Try the desk once the file is written, as `foretell doctor` does.")
@click.option(
    "--test-ticket", is_flag=True, help="Then open a ticket marked as a test, and resolve it where the desk can."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@options.state_dir
def command(
    out: Path,
    state_dir: Path,
    *,
    yes: bool,
    no_proposals: bool,
    test_login: bool,
    test_ticket: bool,
    force: bool,
    **flags: Any,
) -> int:
    """Write a commented foretell.toml that is valid. Asks what no flag answers, unless --yes is given or nobody can answer.

    What runs here and is mounted is looked at and proposed; Enter accepts a proposal, "-" is none.

    \b
    Examples:
      foretell init
      foretell init --yes --out ./foretell.toml --customer ACME --desk request_tracker \\
        --url https://rt.example.org --queue Preventive --token-file /etc/foretell/secrets/rt --test-ticket

    \b
    Exit status: 0 written, and what was tried is well; 2 there is a file already;
    77 not permitted, 78 the answers are wrong: nothing was written. With --test-login and
    --test-ticket as of `foretell doctor`; the file stays.
    """
    if out.exists() and not force:
        raise CommandFailed(f"{out} exists already; --force overwrites it, --out names another", Exit.USAGE)
    seen = Seen() if no_proposals else inspect()
    flags["desk_options"] = dict(map(_pair, flags["desk_options"]))
    if not yes and sys.stdin.isatty():
        flags = ask(flags, seen)
    elif not flags["require"]:
        flags["require"] = required_units(seen)
    configuration = _write(out, answers_from(flags))
    click.echo(f"Wrote {out}.")
    if flags["require"]:
        click.echo(f"Have to run at all times: {', '.join(flags['require'])}.")
    status = Exit.DONE
    if test_login or test_ticket or flags.get("test_login") or flags.get("test_ticket"):
        wanted = test_ticket or bool(flags.get("test_ticket"))
        status = _try(configuration, state_dir, with_ticket=wanted)
    click.echo(f"Next: `foretell doctor --config {out}`, then `foretell run --config {out}`.")
    return status


def _pair(option: str) -> tuple[str, Any]:
    """Return the key and the value of one `--desk-option`."""
    key, equals, text = option.partition("=")
    if not equals:
        raise click.BadParameter(f"{option!r} is not KEY=VALUE", param_hint="--desk-option")
    return key, toml_value(text)


def _write(out: Path, answers: Mapping[str, Mapping[str, Any]]) -> Configuration:
    """Write the file whole, or not at all when it is not valid."""
    fresh = out.with_name(out.name + ".new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(configuration_text(answers), "utf-8")
        configuration = _valid(fresh)
        fresh.replace(out)
    except OSError as error:
        raise CommandFailed(
            f"{out} cannot be written: {error.strerror}; name another with --out", Exit.NOT_PERMITTED
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return configuration


def _valid(fresh: Path) -> Configuration:
    """Read the file as the agent will. Raises ConfigErrors that speak of the answers: the file is not kept."""
    try:
        return load(fresh)
    except ConfigErrors as errors:
        told = [msgspec.structs.replace(error, file="these answers") for error in errors.errors]
        raise ConfigErrors(told) from errors


def _try(configuration: Configuration, state_dir: Path, *, with_ticket: bool) -> Exit:
    """Try the desk as the doctor does, and if that went well and it is wanted, with a ticket."""
    desk = configuration.settings.delivery.desk
    results = []
    for result in examine_desk(configuration, desk, state_dir):
        results.append(result)
        show_result(Console(), result)
    status = status_of(results)
    if not with_ticket:
        return status
    if any(result.verdict == "wrong" for result in results):
        click.echo("No test ticket: mend that first, then `foretell init --force --test-ticket` with the same answers.")
        return status
    if configuration.desks[desk][0].name == "local":
        click.echo("No test ticket: the local desk is part of the agent; `foretell demo` shows it at work.")
        return status
    return max(status, _open_test_ticket(configuration, desk, state_dir))


def _open_test_ticket(configuration: Configuration, desk: str, state_dir: Path) -> Exit:
    now = time.time()
    host = identify_without_trace(configuration.settings.host, state_dir)
    try:
        trial = try_desk(build_client(configuration, desk, state_dir, now), host, configuration.settings, now)
    except OutcomeUnknown as error:
        raise CommandFailed(
            f"nobody knows whether the test ticket is there: {error}; look for [TEST] at the desk",
            Exit.DESK_UNREACHABLE,
        ) from error
    except DeskError as error:
        status = Exit.DESK_UNREACHABLE if error.reason == "unreachable" else Exit.FINDINGS
        raise CommandFailed(f"the test ticket was not opened as asked: {error}", status) from error
    where = f" ({trial.ref.url})" if trial.ref.url else ""
    end = "resolved again" if trial.resolved else "please close it by hand: it cannot be resolved from here"
    click.echo(f"Opened the test ticket {trial.ref.id}{where}{', read back' if trial.seen else ''}; {end}.")
    return Exit.DONE
