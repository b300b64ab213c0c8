"""How honest the dates of forecasts are: of those told on a history, how many came true early, in time and late.

    tools/honesty.py HISTORY.csv.gz ...

A history is a file as `foretell replay` reads it. While a rule has a forecast on a subject, its dates are noted every six hours.
When the limit is reached they are looked at: one time in ten it should be before the earliest, half of the time before the
expected, one time in ten after the latest. All dates about one filling together count as one: they are not independent. What
was averted (somebody made room) proves nothing and is only counted.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from agent.configuration.config import Configuration, load
from agent.replay.recording import RecordingFile
from collectors import Reading
from thresholds import Finding, Forecast, Judge, Severity

DAY = 86400.0
EVERY = DAY / 4
REACHED = 0.001  # of the whole: what is left when it counts as full
ROWS = ((0.0, 1.0), (1.0, 3.0), (3.0, 7.0), (7.0, 1000.0), (0.0, 1000.0))  # days until the expected date


class Told(NamedTuple):
    """Dates that were told at a time, in unix seconds."""

    at: float
    forecast: Forecast


class Filling(NamedTuple):
    """What was told before a limit was reached, and when it was; None when it was averted."""

    told: Sequence[Told]
    reached: float | None


def fillings(readings: Iterable[tuple[float, Sequence[Reading]]], configuration: Configuration) -> Iterator[Filling]:
    """Yield the fillings of one host, whose readings come as (time, those of that time)."""
    judge = Judge(configuration.rules)
    notes: dict[tuple[str, str], list[Told]] = defaultdict(list)
    full = set()  # and not healthy since
    for at, together in readings:
        findings, _ = judge.judge(together, (), at)
        for finding in findings:
            key = finding.rule, str(sorted(finding.subject.items()))
            noted = notes[key]
            healthy = finding.severity < Severity.WARNING
            if noted and (healthy or _is_full(finding)):
                yield Filling(tuple(noted), None if healthy else at)
                noted.clear()
            if healthy:
                full.discard(key)
            elif _is_full(finding):
                full.add(key)
            elif finding.forecast and key not in full and (not noted or at - noted[-1].at >= EVERY):
                noted.append(Told(at, finding.forecast))


def _is_full(finding: Finding) -> bool:
    available, whole = finding.evidence.get("available"), finding.evidence.get("whole")
    return isinstance(available, float) and isinstance(whole, float) and available <= REACHED * whole


def hosts(path: Path, configuration: Configuration) -> Iterator[Iterator[tuple[float, Sequence[Reading]]]]:
    """Yield the readings of each host in the file, by time."""
    units = configuration.units
    by_host: dict[str, list[Reading]] = defaultdict(list)
    for series, value, at in RecordingFile(path, units).readings():
        by_host[series.host].append(series.reading(value, at))
    for readings in by_host.values():
        yield ((at, tuple(together)) for at, together in groupby(readings, key=lambda one: one.at))


def table(title: str, found: Sequence[Filling]) -> Table:
    """Return what became of the dates, by how far ahead they were."""
    ended = [(filling.told, filling.reached) for filling in found if filling.reached is not None]
    averted = len(found) - len(ended)
    shown = Table(title=f"{title}: {len(ended)} reached, {averted} averted", box=None, pad_edge=False)
    for column in (
        "expected in",
        "fillings",
        "before the earliest",
        "before the expected",
        "after the latest",
        "error",
    ):
        shown.add_column(column, justify="right")
    for least, most in ROWS:
        rows = []
        for told, reached in ended:
            ahead = [one for one in told if least <= (one.forecast.expected - one.at) / DAY < most]
            if ahead:
                rows.append(
                    (
                        fmean(reached < one.forecast.earliest for one in ahead),
                        fmean(reached < one.forecast.expected for one in ahead),
                        fmean(one.forecast.latest is not None and reached > one.forecast.latest for one in ahead),
                        fmean(abs(reached - one.forecast.expected) for one in ahead) / DAY,
                    )
                )
        if rows:
            early, middle, late, errors = zip(*rows, strict=True)
            days = f"{least:g} to {most:g} days" if (least, most) != ROWS[-1] else "all"
            shares = (f"{100 * fmean(one):.0f} %" for one in (early, middle, late))
            shown.add_row(days.replace(" to 1000", " or more"), str(len(rows)), *shares, f"{median(errors):.1f} d")
    return shown


def main() -> int:
    """Judge each history by the shipped rules."""
    if len(sys.argv) == 1:
        sys.exit("honesty: name at least one history: tools/honesty.py HISTORY.csv.gz")
    configuration = load(Path("/dev/null"), parts={"collectors", "rules"})
    console = Console(width=110)
    for path in map(Path, sys.argv[1:]):
        found = [filling for host in hosts(path, configuration) for filling in fillings(host, configuration)]
        console.print(table(path.name, found))
        console.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
