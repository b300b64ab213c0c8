"""Scores the shipped rules on histories whose truth is known, beside the rules that people use elsewhere.

    make judge DATA=FOLDER

FOLDER holds pairs NAME.csv.gz (a history as `foretell replay` reads it) and NAME.truth.csv: the columns labels, problem, start,
end, class. Everything is replayed by the same judge and case machine; but what other people's rules find again is a new ticket
at once, as it is with them, and tickets that ask for the cause of what comes back, which theirs never open, are left out. Truth
of disks (problem disk_full): `start` is when the file system was full; classes must_ticket, not_preventable (full without
warning), may_ticket, must_not_ticket. Of processors (cpu_saturation): spans in which a ticket must, may or must not be.
"""

from __future__ import annotations

import csv
import math
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from agent.configuration.config import Configuration, load
from agent.following.problems import PROBLEM
from agent.replay.recording import RecordingFile
from agent.replay.replay import Outcome, Replay, ReplayedTicket
from thresholds import CouldNotJudge, Judgement, Observation, Rule, Severity, Threshold
from thresholds.level import Level, LevelLimits

HOUR, DAY = 3600.0, 86400.0
MONTH = 30.4 * DAY
SAME_FAILURE = 30 * DAY  # an earlier ticket so long before a failure was about it, and is a duplicate
SLACK = HOUR  # around a span of saturation
IN_TIME = 4 * HOUR  # a ticket so long before is one in which something can be done


class Window(msgspec.Struct, frozen=True):
    """What a rule over the last hours remembers: times and values, oldest first, and the state it is in."""

    points: tuple[tuple[float, float], ...] = ()
    severity: Severity = Severity.HEALTHY


class PredictLinear:
    """Prometheus' predict_linear over `window` seconds: below zero in `ahead` seconds, while less than `share` is left."""

    memory = Window

    def __init__(self, window: float, steps: Sequence[tuple[Severity, float, float]]) -> None:
        """Given as steps severity, seconds ahead and the share that is left; the most severe first."""
        self._window, self._steps = window, steps

    def evaluate(self, seen: Observation, memory: Window | None) -> tuple[Judgement | CouldNotJudge, Window]:
        """Judge by the straight line through the last hours."""
        whole = seen.whole
        if not whole or not math.isfinite(seen.value):
            return CouldNotJudge("no number"), memory or Window()
        points = (*(memory or Window()).points, (seen.at, seen.value))
        points = tuple(point for point in points if point[0] > seen.at - self._window)
        slope, level = _line(points, seen.at)
        for severity, ahead, share in self._steps:
            if len(points) > 1 and seen.value < share * whole and level + slope * ahead < 0:
                return _said(severity, seen), Window(points)
        return _said(Severity.HEALTHY, seen), Window(points)


class Mean:
    """A level of the mean over `window` seconds."""

    memory = Window

    def __init__(self, window: float, limits: LevelLimits) -> None:
        self._window, self._level = window, Level(limits)

    def evaluate(self, seen: Observation, memory: Window | None) -> tuple[Judgement | CouldNotJudge, Window]:
        """Judge the mean of the last minutes."""
        before = memory or Window()
        if not math.isfinite(seen.value):
            return CouldNotJudge("no number"), before
        points = tuple(one for one in (*before.points, (seen.at, seen.value)) if one[0] > seen.at - self._window)
        mean = statistics.fmean(value for _, value in points)
        judged = Observation(seen.at, mean, seen.whole)
        answer, after = self._level.evaluate(judged, self._level.memory(before.severity))
        return answer, Window(points, after.severity)


def _line(points: Sequence[tuple[float, float]], at: float) -> tuple[float, float]:
    """Return slope and value at `at` of the line of least squares."""
    times, values = [one - at for one, _ in points], [value for _, value in points]
    if len(points) < 2 or times[0] == times[-1]:  # noqa: PLR2004 - a line has two points
        return 0.0, values[-1]
    slope, level = statistics.linear_regression(times, values)
    return slope, level


def _said(severity: Severity, seen: Observation) -> Judgement:
    return Judgement(severity, {"value": seen.value, "whole": seen.whole, "available": seen.value})


_DISK = {"reading": "filesystem_avail_bytes", "of": "filesystem_size_bytes", "subject": ["mountpoint"]}
_CPU = {"reading": "cpu_utilization_ratio"}


def _rule(name: str, select: Mapping[str, Any], hold: float) -> Rule:
    written = {"id": name, "summary": name, "kind": "level", "select": select, "for": hold, "verify": 0.0}
    return msgspec.convert(written, Rule)


def usual_rules() -> dict[str, list[tuple[Rule, Threshold[Any]]]]:
    """Return what people use elsewhere, by its name; limits as those projects ship them."""
    left = LevelLimits(direction="below", warning=0.10, warning_clear=0.10)
    busy = LevelLimits(warning=0.90, warning_clear=0.90)
    filling = PredictLinear(6 * HOUR, ((Severity.CRITICAL, 4 * HOUR, 0.20), (Severity.WARNING, 24 * HOUR, 0.40)))
    almost = LevelLimits(direction="below", warning=0.05, warning_clear=0.05, critical=0.03, critical_clear=0.03)
    netdata_disk = LevelLimits(direction="below", warning=0.10, warning_clear=0.20, critical=0.02, critical_clear=0.10)
    netdata_cpu = LevelLimits(warning=0.85, warning_clear=0.75, critical=0.95, critical_clear=0.85)
    return {
        "90 % for 15 min": [
            (_rule("disk", _DISK, 15 * 60), Level(left)),
            (_rule("cpu", _CPU, 15 * 60), Level(busy)),
        ],
        "node-mixin": [
            (_rule("disk_filling", _DISK, HOUR), filling),
            (_rule("disk_almost_full", _DISK, 30 * 60), Level(almost)),
            (_rule("cpu", _CPU, 15 * 60), Level(busy)),
        ],
        "netdata": [
            (_rule("disk", _DISK, 0), Level(netdata_disk)),
            (_rule("cpu", _CPU, 0), Mean(10 * 60, netdata_cpu)),
        ],
    }


class Truth(NamedTuple):
    """One row of what really was; times are unix seconds, NaN where none is given."""

    problem: str
    start: float
    end: float
    kind: str


def read_truth(path: Path) -> dict[str, list[Truth]]:
    """Return the truth about each host."""
    about: dict[str, list[Truth]] = defaultdict(list)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            labels = dict(part.partition("=")[::2] for part in row["labels"].split(";"))
            about[labels["host"]].append(Truth(row["problem"], _when(row["start"]), _when(row["end"]), row["class"]))
    return about


def _when(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text else math.nan


def score(outcome: Outcome, truth: Mapping[str, Sequence[Truth]]) -> dict[str, str]:
    """Return the figures of one replay, by what they are, as they are shown."""
    by_host: dict[str, list[ReplayedTicket]] = defaultdict(list)
    tickets = [one for one in outcome.tickets if one.rule != PROBLEM]
    for ticket in tickets:
        by_host[ticket.host].append(ticket)
    counts: Counter[str] = Counter()
    leads: list[float] = []
    errors: list[float] = []
    early = Counter[bool]()
    for host, rows in truth.items():
        if rows[0].problem == "disk_full":
            _score_disk(rows[0], by_host[host], counts, leads, errors, early)
        else:
            _score_saturation(rows, by_host[host], counts)
    months = outcome.host_days * DAY / MONTH
    figures = {
        "caught": f"{counts['caught']} of {counts['failures']}",
        "tickets a host-month": f"{len(tickets) / months:.2f}",
        "false a 100 host-months": f"{100 * counts['false'] / months:.1f}",
        "duplicates": f"{counts['duplicates']}",
        "precision": f"{1 - counts['false'] / len(tickets):.2f}" if tickets else "-",
    }
    if leads:
        figures["preventable, caught >= 4 h before"] = f"{counts['in time']} of {counts['preventable']}"
        figures["told before, median"] = f"{statistics.median(leads) / HOUR:.0f} h"
    if errors:
        figures["error of the expected time, median"] = f"{statistics.median(errors) / DAY:.1f} d"
        figures["full before the earliest time"] = f"{100 * early[True] / early.total():.0f} %"
    return figures


def _score_disk(  # noqa: PLR0917 - the sums it adds to
    truth: Truth,
    tickets: Sequence[ReplayedTicket],
    counts: Counter[str],
    leads: list[float],
    errors: list[float],
    early: Counter[bool],
) -> None:
    if truth.kind == "must_not_ticket":
        counts["false"] += len(tickets)
    if truth.kind not in {"must_ticket", "not_preventable"}:
        return
    counts["failures"] += 1
    counts["preventable"] += truth.kind == "must_ticket"
    told = [one for one in tickets if one.opened_at <= truth.start <= (one.closed_at or math.inf)]
    for one in tickets:
        if one not in told[:1] and one.opened_at <= truth.start:
            counts["duplicates" if one.opened_at > truth.start - SAME_FAILURE else "false"] += 1
    if told:
        counts["caught"] += 1
        leads.append(truth.start - told[0].opened_at)
        counts["in time"] += truth.kind == "must_ticket" and leads[-1] >= IN_TIME
        forecast = told[0].forecast
        if forecast is not None:
            errors.append(abs(forecast.expected - truth.start))
            early[truth.start < forecast.earliest] += 1


def _score_saturation(rows: Sequence[Truth], tickets: Sequence[ReplayedTicket], counts: Counter[str]) -> None:
    spans = [row for row in rows if math.isfinite(row.start)]
    for span in spans:
        if span.kind == "must_ticket":
            during = [one for one in tickets if _overlaps(one, span.start, span.end + SLACK)]
            counts["failures"] += 1
            counts["caught"] += bool(during)
            counts["duplicates"] += max(len(during) - 1, 0)
    fitting = [span for span in spans if span.kind in {"must_ticket", "may_ticket"}]
    counts["false"] += sum(
        not any(_overlaps(one, span.start - SLACK, span.end + SLACK) for span in fitting) for one in tickets
    )


def _overlaps(ticket: ReplayedTicket, start: float, end: float) -> bool:
    return ticket.opened_at <= end and (ticket.closed_at or math.inf) >= start


def judge(folder: Path, configuration: Configuration) -> Iterator[Table]:
    """Yield a table for each history in `folder`."""
    cases = msgspec.structs.replace(configuration.settings.cases, reopen_within=0.0, storm_cases=1_000_000)
    forgetful = msgspec.structs.replace(configuration.settings, cases=cases)
    candidates = {"shipped rules": configuration} | {
        name: msgspec.structs.replace(configuration, settings=forgetful, rules=tuple(rules))
        for name, rules in usual_rules().items()
    }
    units = configuration.units
    for path in sorted(folder.glob("*.csv.gz")):
        truth_path = path.with_name(path.name.removesuffix(".csv.gz") + ".truth.csv")
        if not truth_path.is_file():
            continue
        truth = read_truth(truth_path)
        scores: dict[str, dict[str, str]] = {}
        table = Table("", *candidates, title=path.name, box=None, pad_edge=False)
        for name, candidate in candidates.items():
            replay, began = Replay(candidate), time.process_time()
            replay.feed(RecordingFile(path, units).readings())
            outcome = replay.outcome()
            took = time.process_time() - began
            scores[name] = score(outcome, truth) | {"readings a second": f"{outcome.readings / took:,.0f}"}
        for figure in dict.fromkeys(figure for one in scores.values() for figure in one):
            table.add_row(figure, *(scores[name].get(figure, "-") for name in candidates))
        yield table


def main() -> int:
    """Score the shipped configuration on a folder of histories."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():  # noqa: PLR2004 - the program and its one argument
        sys.exit("judge: name a folder with NAME.csv.gz and NAME.truth.csv: make judge DATA=FOLDER")
    configuration = load(Path("/dev/null"), parts={"collectors", "rules"})
    console = Console(width=130)
    for table in judge(Path(sys.argv[1]), configuration):
        console.print(table)
        console.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
