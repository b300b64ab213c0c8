"""`foretell record`: this host as its collectors see it, redacted, as a folder that makes a test case."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console

from agent.bundle import Unmaskable
from agent.collecting import HostAccess
from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.recorder import READINGS, Rooted, Taken, record

MOST_NAMED = 3


@click.command("record")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new or empty folder.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True),
    default=Path("/"),
    help="Record the system whose files lie in this folder; its programs run in there, which needs root.",
)
@click.option("--about", default="", help="What kind of host it is, in a few words; for whoever reads the record.")
@options.as_json
def command(out: Path, root: Path, about: str, *, as_json: bool) -> int:
    """Record what the collectors read of this host, redacted, as a folder that makes a test case without code.

    Runs each built-in collector once with its defaults; notes the files, programs and system calls they ask for, and nothing
    else. Names, addresses and serials are replaced; what cannot be redacted for certain is left out, and manifest.json says
    so. Nothing is sent: read the folder before you give it away.

    \b
    Exit status: 0 recorded, 1 recorded, but not every reading comes out of it again.

    \b
    Example:
      foretell record --out hosts/debian-12-mail --about "Debian 12, mail server"
    """
    console = Console(stderr=True)
    access = HostAccess() if root == Path("/") else Rooted(root=root)
    if isinstance(access, Rooted) and hasattr(os, "geteuid") and os.geteuid() != 0:
        raise CommandFailed(
            "--root runs the system's programs in its folder, and only root may; use sudo", Exit.NOT_PERMITTED
        )
    try:
        with console.status("Recording") as status:
            taken = record(
                access,
                out,
                about=about,
                at=float(int(time.time())),
                host_names=(platform.node(),),
                tell=lambda name: status.update(f"Recording what {name} reads"),
            )
    except Unmaskable as error:
        raise CommandFailed(f"nothing is written, for it could not be redacted: {error}", Exit.NOT_PERMITTED) from error
    except FileExistsError as error:
        raise CommandFailed(f"{error}; name a folder that is new or empty", Exit.USAGE) from error
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error.strerror}", Exit.NOT_PERMITTED) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_summary(out, taken))).decode())
    else:
        _show(Console(), out, taken)
    return Exit.FINDINGS if taken.lost else Exit.DONE


def _summary(out: Path, taken: Taken) -> dict[str, object]:
    """Return what `--json` promises, with stable keys."""
    fixture = taken.fixture
    return {
        "folder": str(out),
        "files": len(fixture.contents),
        "commands": len(fixture.commands),
        "calls": len(fixture.calls),
        "redactions": fixture.manifest.redactions,
        "left_out": fixture.manifest.left_out,
        "lost": taken.lost,
    }


def _show(console: Console, out: Path, taken: Taken) -> None:
    fixture = taken.fixture
    console.print(
        f"{len(fixture.contents)} files, {len(fixture.commands)} answers of programs and {len(fixture.calls)} of the system "
        f"are in {out}, {sum(fixture.manifest.redactions.values())} words redacted.",
        soft_wrap=True,
        highlight=False,
    )
    by_reason: dict[str, list[str]] = {}
    for one in fixture.manifest.left_out:
        by_reason.setdefault(one.why, []).append(one.what)
    for why, what in by_reason.items():
        named = f"{', '.join(what[:MOST_NAMED])}{f' and {len(what) - MOST_NAMED} more' if what[MOST_NAMED:] else ''}"
        console.print(f"  left out: {named}: {why}", markup=False, highlight=False, soft_wrap=True)
    if taken.lost:
        console.print(f"Not to be had from it: {', '.join(taken.lost)}.", soft_wrap=True, highlight=False)
    console.print(
        f"{out / READINGS} is what the collectors make of it. Read the folder before you give it away: package and unit names "
        "stand there as they are.",
        soft_wrap=True,
        highlight=False,
    )
