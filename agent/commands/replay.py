"""`foretell replay`: which tickets a configuration would have opened on a history."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

import click
import msgspec
from rich.console import Console

from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.commands.progress import progress
from agent.configuration.config import Configuration, load
from agent.configuration.settings import DAY
from agent.replay.chart import explain
from agent.replay.prometheus import PrometheusError, PrometheusRange
from agent.replay.recording import Recorded, RecordingError, RecordingFile
from agent.replay.replay import Outcome, Replay, ReplayedTicket
from agent.replay.report import as_contract, show, show_comparison

AT_ONCE = 1_000  # readings fed between two steps of the progress bar; of more the garbage collector would want to know
DEFAULT_RANGE = 30 * DAY


class History(Protocol):
    """Where the readings come from."""

    @property
    def progress(self) -> float:
        """The share that was read, 0 to 1."""

    def readings(self) -> Iterator[Recorded]:
        """Yield them from the beginning, in the order of each host's time."""


@click.command("replay")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--prometheus", "url", metavar="URL", help="Read a range from this Prometheus instead of a file.")
@click.option("--start", type=click.DateTime(), help="Begin of the range, UTC; 30 days before its end when left out.")
@click.option("--end", type=click.DateTime(), help="End of the range, UTC; now when left out.")
@click.option(
    "--step", type=options.Duration(), default="5m", show_default=True, help="Time between two readings of the range."
)
@click.option("--match", default="", metavar="MATCHERS", help="""Only these series: 'job="node",instance=~"web.*"'.""")
@click.option("--token-file", type=click.Path(path_type=Path), help="File with a bearer token for Prometheus.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="PEM file of a private certificate authority.")
@options.config
@click.option("--compare", "other_path", type=click.Path(path_type=Path), help="Show another configuration beside it.")
@click.option("--explain", "ticket", metavar="KEY", help="Draw the ticket whose key begins so, as SVG.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where --explain draws; ./KEY.svg if left out."
)
@click.option(
    "--minutes", type=click.FloatRange(min=0), default=20, show_default=True, help="The desk's work on a ticket."
)
@options.as_json
def command(  # noqa: PLR0917 - click passes them by name
    file: Path | None,
    url: str | None,
    start: datetime | None,
    end: datetime | None,
    step: float,
    match: str,
    token_file: Path | None,
    ca_file: Path | None,
    config_path: Path | None,
    other_path: Path | None,
    ticket: str | None,
    out: Path | None,
    minutes: float,
    *,
    as_json: bool,
) -> int:
    """Say which tickets this configuration would have opened on a history: a FILE (CSV, also gzipped) or --prometheus.

    The daemon's own judge and case machine run with the history's time; nothing is written or sent. A recovery that the
    readings verify is taken as confirmed at once.

    \b
    Examples:
      foretell replay history.csv.gz
      foretell replay history.csv --compare careful.toml
      foretell replay history.csv --explain 3fa9c1 --out full.svg
      foretell replay --prometheus http://localhost:9090 --match 'job="node"'
    """
    if (file is None) == (url is None):
        raise click.UsageError("Name either a FILE or --prometheus URL.")
    configuration = load(config_path)
    configurations = [configuration]
    if other_path is not None:
        configurations.append(load(other_path))
    units = configuration.units
    history: History
    if url is None:
        history = RecordingFile(file or Path(), units)
    else:
        history = _range(url, units, start, end, step=step, match=match, token_file=token_file, ca_file=ca_file)
    try:
        outcomes = _replay(history, configurations)
        if ticket is not None:
            return _draw(_named(ticket, outcomes[0]), history, configuration, out)
    except (RecordingError, PrometheusError) as error:
        raise CommandFailed(f"{file or url}: {error}", Exit.USAGE) from error
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}", Exit.USAGE) from error
    if as_json:
        told, *compared = map(as_contract, outcomes, configurations)
        told |= {"compared": compared[0]} if compared else {}
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    elif other_path is not None:
        names = [config_path.name if config_path else "this configuration", other_path.name]
        show_comparison(Console(), outcomes, names, minutes)
    else:
        show(Console(), outcomes[0], configuration, minutes)
    return Exit.DONE


def _range(
    url: str,
    units: Mapping[str, str],
    start: datetime | None,
    end: datetime | None,
    *,
    step: float,
    match: str,
    token_file: Path | None,
    ca_file: Path | None,
) -> PrometheusRange:
    """Return the range of time that was asked for. Raises UsageError."""
    until = end.replace(tzinfo=UTC).timestamp() if end else time.time()
    begin = start.replace(tzinfo=UTC).timestamp() if start else until - DEFAULT_RANGE
    if not (begin < until and step > 0):
        raise click.UsageError("--start must be before --end, and --step more than nothing.")
    token = _text(token_file) if token_file else ""
    try:
        return PrometheusRange(url, units, start=begin, end=until, step=step, match=match, token=token, ca_file=ca_file)
    except ValueError as error:
        raise click.UsageError(f"--prometheus {error}") from error


def _replay(history: History, configurations: Sequence[Configuration]) -> list[Outcome]:
    """Run the history through each configuration, with a progress bar on a terminal."""
    replays = [Replay(configuration) for configuration in configurations]
    source = history.readings()
    with progress("Replaying") as tell:
        while piece := list(islice(source, AT_ONCE)):
            for replay in replays:
                replay.feed(piece)
            tell(history.progress)
    return [replay.outcome() for replay in replays]


def _named(beginning: str, outcome: Outcome) -> ReplayedTicket:
    """Return the ticket whose key begins so; of several of one case the first. Raises CommandFailed."""
    found = [one for one in outcome.tickets if one.key.startswith(beginning)]
    keys = {one.key for one in found}
    if not keys:
        raise CommandFailed(f"no ticket of this replay has a key that begins with {beginning}", Exit.USAGE)
    if len(keys) > 1:
        raise CommandFailed(
            f"{len(keys)} tickets have a key that begins with {beginning}; write more of it", Exit.USAGE
        )
    return found[0]


def _draw(ticket: ReplayedTicket, history: History, configuration: Configuration, out: Path | None) -> int:
    path = out or Path(f"{ticket.key[:12]}.svg")
    try:
        drawing = explain(ticket, history.readings(), configuration)
    except RecordingError:
        raise
    except ValueError as error:
        raise CommandFailed(f"this ticket cannot be drawn: {error}", Exit.USAGE) from error
    path.write_text(drawing, encoding="utf-8")
    click.echo(f"Drawn: {path}")
    return Exit.DONE


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}", Exit.USAGE) from error
