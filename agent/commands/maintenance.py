"""`foretell maintenance`: times in which nothing new opens on this host, declared by hand or agreed on tickets."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from agent.commands import options
from agent.commands.acting import taken_in
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store
from agent.configuration.durations import parse_duration
from agent.configuration.settings import DAY
from agent.following.model import Maintenance, MaintenanceEnded
from agent.store import Store
from agent.system.host import host_zone
from agent.terminal import KEY_SHOWN
from agent.wording import plain
from collectors import safe_text

LONGEST = 30 * DAY
LONGEST_REASON = 200  # code points


@click.group("maintenance", cls=options.Listing)
def command() -> None:
    """Silence new tickets of this host for a time, end that, or list such times.

    Recovery is never silenced; what is wrong at the end is told in one ticket.

    \b
    Examples:
      foretell maintenance start --for 2h --reason "new disks"
      foretell maintenance end
      foretell maintenance
    """


@command.command("start", short_help="open no tickets for a time")
@click.option("--for", "lasts", required=True, metavar="DURATION", help='How long: "90m", "2h", "1d"; at most 30d.')
@click.option("--reason", default="", help="What for, for `foretell maintenance list`.")
@options.state_dir
def start(lasts: str, reason: str, state_dir: Path) -> int:
    """Open no new tickets from now on for a time. Started again, it lasts from then on.

    \b
    Example:
      foretell maintenance start --for 2h --reason "new disks"
    """
    try:
        seconds = parse_duration(lasts)
    except ValueError as error:
        raise CommandFailed(f"--for: {error}", Exit.USAGE) from error
    if not 0 < seconds <= LONGEST:
        raise CommandFailed("--for must be more than nothing and at most 30d", Exit.USAGE)
    now = time.time()
    with opened_store(state_dir) as store:
        until = now + seconds
        declared = Maintenance(since=now, until=until, by=getpass.getuser(), reason=safe_text(reason, LONGEST_REASON))
        store.maintenance = declared
    click.echo(f"Maintenance until {plain.moment(until, host_zone())}; {taken_in(state_dir)}.")
    return Exit.DONE


@command.command("end", short_help="end what is on now")
@options.state_dir
def end(state_dir: Path) -> int:
    """End maintenance that is on now, declared or agreed. What is wrong is told, and what is measured from here on counts.

    \b
    Example:
      foretell maintenance end
    """
    now, who = time.time(), getpass.getuser()
    with opened_store(state_dir) as store, store.transaction():
        on = [one for one in _times(store, now) if one["since"] <= now]
        if not on:
            raise CommandFailed("no maintenance is on; see `foretell maintenance list`", Exit.USAGE)
        if store.maintenance.until > now:
            store.maintenance = msgspec.structs.replace(store.maintenance, until=now)
        for one in on:
            if one["case"]:
                store.put_event(MaintenanceEnded(case=one["case"], by=who, at=now))
    click.echo(f"Ended; {taken_in(state_dir)}.")
    return Exit.DONE


@command.command("list", short_help="list what is on or agreed")
@options.state_dir
@options.as_json
def list_times(state_dir: Path, *, as_json: bool) -> int:
    """List the maintenance that is on, and the windows that are agreed and not over.

    \b
    Example:
      foretell maintenance list
    """
    now = time.time()
    with opened_store(state_dir) as store:
        times = sorted(_times(store, now), key=lambda one: float(one["since"]))
    if as_json:
        told = [one | {"since": _utc(one["since"]), "until": _utc(one["until"])} for one in times]
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        return Exit.DONE
    zone = host_zone()
    for one in times:
        about = f"case {one['case'][:KEY_SHOWN]}" if one["case"] else one["reason"] or "declared"
        state = "on" if one["on"] else "to come"
        click.echo(
            f"{state:8} {plain.moment(one['since'], zone)} to {plain.moment(one['until'], zone)}  by {one['by']}: {about}"
        )
    if not times:
        click.echo("No maintenance is on, and none is agreed.")
    return Exit.DONE


def _times(store: Store, now: float) -> Iterator[dict[str, Any]]:
    """Yield what is not over, with stable keys; a declared one has no case."""
    declared = store.maintenance
    if declared.until > now:
        yield _time(declared.since, declared.until, now, by=declared.by, reason=declared.reason, case="")
    for case in store.cases(include_closed=True):
        if case.agreed and case.agreed.window.end > now:
            window = case.agreed.window
            yield _time(window.start, window.end, now, by=case.agreed.by, reason="", case=case.key)


def _time(since: float, until: float, now: float, **rest: str) -> dict[str, Any]:
    return {"since": since, "until": until, "on": since <= now < until, **rest}


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
