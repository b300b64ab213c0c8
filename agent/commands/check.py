"""`foretell check`: one cycle now, on paper."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console

from agent.commands import options
from agent.commands.exits import Exit
from agent.rehearsal import Rehearsal, rehearse
from agent.terminal import show_check
from thresholds import Severity


@click.command("check")
@options.config
@options.state_dir
@options.as_json
def command(config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Run one cycle now and say what was read, found and would be done. Sends nothing and changes nothing.

    \b
    Exit status: 0 all well (but for notices), 1 something was found,
    3 nothing found but something could not be checked.

    \b
    Examples:
      foretell check
      foretell check --json | jq .findings
    """
    with tempfile.TemporaryDirectory(prefix="foretell-check-") as scratch:
        rehearsal = rehearse(config_path, state_dir, Path(scratch), time.time())
    unknown = _unknown(rehearsal)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_contract(rehearsal, unknown))).decode())
    else:
        show_check(Console(), rehearsal)
    # A notice is told, and asks nothing of anybody.
    if any(finding.severity > Severity.NOTICE for finding in rehearsal.snapshot.findings):
        return Exit.FINDINGS
    return Exit.UNCHECKED if unknown else Exit.DONE


def _contract(rehearsal: Rehearsal, unknown: list[dict[str, object]]) -> dict[str, object]:
    """Return what `--json` promises, with stable keys. What is no number in JSON (NaN, infinity) is null."""
    snapshot = rehearsal.snapshot
    holds = {held.key: held for held in snapshot.held}
    tickets = [
        {
            "key": case.key,
            "rule": case.rule,
            "subject": case.subject,
            "priority": case.priority,
            "title": rehearsal.titles[case.key],
            "hold": holds[case.key].hold if case.key in holds else None,
            "until": holds[case.key].until if case.key in holds else None,
        }
        for case in rehearsal.would_open
    ]
    return {"readings": snapshot.readings, "findings": snapshot.findings, "tickets": tickets, "unknown": unknown}


def _unknown(rehearsal: Rehearsal) -> list[dict[str, object]]:
    """Return what could not be read, what could not be judged, and whether the agent's records could not be asked."""
    snapshot = rehearsal.snapshot
    unknown: list[dict[str, object]] = [
        {"collector": name, "name": gap.name, "labels": gap.labels, "reason": gap.reason}
        for name, gap in snapshot.unchecked
    ]
    unknown += [{"rule": one.rule, "labels": one.subject, "reason": one.reason} for one in snapshot.unjudged]
    if rehearsal.without_records:
        unknown.append({"name": "records", "labels": {}, "reason": rehearsal.without_records})
    return unknown
