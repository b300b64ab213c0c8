"""`foretell demo`: a recorded week in a minute."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from agent import logs, plain
from agent.commands.exits import CommandFailed, Exit
from agent.demo import CUSTOMER, HOST, Told, load_demo_configuration, play, tickets
from agent.terminal import show_ticket


@click.command("demo")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the recording's cases and tickets in this new folder, to look at afterwards.",
)
def command(state_dir: Path | None) -> int:
    """Play a recorded week of a filling disk at high speed, through the agent's own code into the local desk.

    Nothing of this host is read, and nothing leaves it.
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
    zone = load_demo_configuration().zone
    console.print(Text(f"A RECORDING of one week of {HOST.name}; not this host.", style="bold"))
    console.print()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("playing the week", total=1.0)
        for scene in play(state_dir):
            progress.update(task, completed=scene.progress, description=plain.moment(scene.at, zone))
            for told in scene.told:
                progress.console.print(_line(scene.at, told, zone))
    for ticket in tickets(state_dir):
        show_ticket(console, ticket, zone)
    console.print()
    console.print(Text(f"That was a RECORDING. {CUSTOMER.capitalize()} who confirmed at the end was played, too."))
    if kept:
        console.print(Text(f"Look at it again: foretell cases list --all --state-dir {state_dir}"))
    return Exit.DONE


def _line(at: float, told: Told, zone: str) -> Text:
    case = told.case
    moment = (f"{plain.moment(at, zone)}  ", "dim")
    return Text.assemble(moment, f"{case.rule} {plain.subject(case.subject)}: ", (told.what, "bold"))
