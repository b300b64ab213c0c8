"""`foretell demo`: a recorded week in a minute."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from agent import logs
from agent.commands.exits import CommandFailed, Exit
from agent.configuration.config import Configuration
from agent.demo import CUSTOMER, HOST, Event, Scene, Told, load_demo_configuration, play, tickets
from agent.terminal import show_ticket
from agent.wording import plain

# Seconds that the week takes on a terminal, where somebody watches.
SHOWN_FOR = 10.0
# Of what was measured when it was healthy again: how things are, not what they would come to.
_HEALTHY = frozenset({"value", "available", "whole", "unit"})


@click.command("demo")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the recording's cases and tickets in this new folder, to look at afterwards.",
)
def command(state_dir: Path | None) -> int:
    """Play a recorded week of a filling disk at high speed, through the agent's own code into the local desk.

    Nothing of this host is read, and nothing leaves it.

    \b
    Examples:
      foretell demo
      foretell demo --state-dir ./week
      foretell cases list --all --state-dir ./week
    """
    logs.configure("error")
    if state_dir is not None:
        if state_dir.exists() and any(state_dir.iterdir()):
            raise CommandFailed(f"{state_dir} is not empty; name a new folder", Exit.USAGE)
        return _show(state_dir, kept=True)
    with tempfile.TemporaryDirectory(prefix="foretell-demo-") as scratch:
        return _show(Path(scratch), kept=False)


def _show(state_dir: Path, *, kept: bool) -> int:
    console = Console()
    configuration = load_demo_configuration()
    console.print(Text(f"A RECORDING of one week of {HOST.name}; nothing of this host is read.", style="bold"))
    console.print()
    story = Story(configuration)
    played = 0.0
    with Progress(BarColumn(20), TextColumn("{task.description}"), console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0)
        for scene in play(state_dir):
            progress.update(task, completed=scene.progress, description=_now(scene, configuration.zone))
            for told in scene.told:
                progress.console.print(story.lines(scene.at, told))
            if console.is_terminal:
                time.sleep((scene.progress - played) * SHOWN_FOR)
            played = scene.progress
    for ticket in tickets(state_dir):
        show_ticket(console, ticket, configuration.zone)
    console.print()
    console.print(Text(f"That was a RECORDING, and {CUSTOMER} was played. What this host is like: foretell check"))
    if kept:
        console.print(Text(f"Look at it again: foretell cases list --all --state-dir {state_dir}"))
    else:
        console.print(Text("To keep it and look at its case and ticket: foretell demo --state-dir NEW_FOLDER"))
    return Exit.DONE


def _now(scene: Scene, zone: str) -> str:
    """Return the moment and how much room is left, as rich markup."""
    room = [
        f"{plain.amount(reading.value, reading.unit)} left on {reading.labels['mountpoint']}"
        for reading in scene.readings
        if reading.name == "filesystem_avail_bytes"
    ]
    return escape(", ".join([plain.moment(scene.at, zone), *room]))


class Story:
    """Tells the week, a moment after the other."""

    def __init__(self, configuration: Configuration) -> None:
        """Given what the recording is judged by."""
        self._rules = configuration.rules_by_id
        self._zone = configuration.zone

    def lines(self, at: float, told: Told) -> Table:
        """Return when it was, what happened, and more about it, side by side."""
        row = Table.grid(Column(width=20), Column(width=10), Column(overflow="fold"), padding=(0, 1))
        row.add_row(
            Text(plain.moment(at, self._zone), style="dim"), Text(told.event, style="bold"), Text(self._say(told))
        )
        return row

    def _say(self, told: Told) -> str:
        case, rule = told.case, self._rules.get(told.case.rule)
        crossing = plain.crossing(case.forecast, self._zone) if case.forecast else None
        lasting = plain.duration(rule.hold) if rule and case.hold == "for" else ""
        number = f"{case.ticket.desk} #{case.ticket.id}" if case.ticket else ""
        evidence = {name: fact for name, fact in case.healthy_evidence.items() if name in _HEALTHY}
        sayings: dict[Event, tuple[str | None, ...]] = {
            "found": (plain.title(case, self._summaries), plain.measured(case.evidence, self._zone), crossing),
            "held": (plain.HOLDS[case.hold or "for"], lasting),
            "opened": (f"priority {case.priority}",),
            "ticket": (number, told.title),
            "agreed": (f"{CUSTOMER} takes the first proposed time (played)",),
            "worse": (f"priority {case.priority}", crossing),
            "recovering": (plain.measured(evidence, self._zone), "being verified"),
            "verified": ("the customer is told what was measured, and asked to confirm",),
            "confirmed": (f"{CUSTOMER} says that all is well (played)",),
            "closed": ("with a report; the ticket and all that was said on it follow",),
        }
        return "; ".join(filter(None, sayings[told.event]))

    @property
    def _summaries(self) -> dict[str, str]:
        return {name: rule.summary for name, rule in self._rules.items()}
