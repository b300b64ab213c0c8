"""What `foretell consent` tells of consent: to people as tables, to programs as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.configuration.config import Configuration
from agent.consent.levels import LEVELS, Consent, Grant, Level, Scope, Standing, standings
from agent.following.follow import GATHERINGS
from agent.following.model import HEALTH_REPORT
from agent.wording import plain
from ticketing_clients import TicketType

_STANDINGS: Mapping[Standing, str] = {
    "in_force": "in force",
    "not_yet": "not yet, it is dated in the future",
    "ended": "ended",
    "withdrawn": "its file is gone or was changed",
    "replaced": "replaced by a later one",
}


def contract(consent: Consent, configuration: Configuration, now: float) -> dict[str, object]:
    """Return what `--json` promises, with stable keys. Times are unix seconds; a revocation's level is `none`."""
    return {
        "customer": consent.customer,
        "allowed": [
            {"rule": rule, "type": type_, "level": level} for rule, type_, level in _levels(consent, configuration, now)
        ],
        "decisions": [
            {"line": one.line, "standing": standing, "level": "none", **msgspec.to_builtins(one.made)}
            for one, standing in standings(consent, now)
        ],
        "hashes": consent.hashes,
        "trouble": consent.trouble,
        "file_trouble": consent.file_trouble,
        "torn": consent.torn,
    }


def show_consent(console: Console, consent: Consent, configuration: Configuration, now: float) -> None:
    """Print what may leave now, who decided it, and what was not believed."""
    for trouble in filter(None, (consent.trouble, consent.file_trouble)):
        console.print(Text(trouble, style="bold red"))
    if consent.torn:
        console.print(Text("A line at the end of the record was never finished, as after a crash; it does not count."))
    by_level: dict[Level, list[str]] = {level: [] for level in LEVELS}
    for rule, _, level in _levels(consent, configuration, now):
        by_level[level].append(rule)
    customer = configuration.settings.customer.name or consent.customer
    console.print(Text(f"What may leave on tickets of {customer}, beyond their core:", style="bold"))
    table = _table()
    for level, rules in by_level.items():
        if rules:
            everything = len(rules) == sum(map(len, by_level.values()))
            table.add_row(Text(level), Text("all tickets" if everything else ", ".join(rules)))
    console.print(table)
    if consent.entries:
        _show_decisions(console, consent, configuration.zone, now)
    elif consent.trouble:
        console.print(Text("Look into it, then move the consent.* files of the state folder away and grant anew."))
    else:
        console.print(Text("Nobody has decided anything. To allow more: foretell consent grant"))


def tickets_of(scope: Scope) -> str:
    """Return which tickets of a customer are meant, in words."""
    return f"tickets of {scope.customer}: {', '.join(scope.classes) or 'all'}"


def _show_decisions(console: Console, consent: Consent, zone: str, now: float) -> None:
    console.print()
    table = _table("Line", "Level", "Tickets", "By", "At", "Until", "Standing")
    for decision, standing in standings(consent, now):
        made = decision.made
        level, until = (made.level, plain.moment(made.until, zone)) if isinstance(made, Grant) else ("none", "")
        by = f"{made.by} ({made.entered_by})"
        cells = (level, ", ".join(made.scope.classes) or "all", by, plain.moment(made.at, zone), until)
        table.add_row(*map(Text, (str(decision.line), *cells, _STANDINGS[standing])))
    console.print(table)
    console.print(Text(f"The record ends with {consent.anchor or 'nothing yet'}"), soft_wrap=True)


def _levels(consent: Consent, configuration: Configuration, now: float) -> Iterator[tuple[str, TicketType, Level]]:
    """Yield for every rule here, and for the gatherings, its tickets' type and what may leave on them."""
    types: dict[str, TicketType] = {rule.id: rule.type for rule in configuration.rules_by_id.values()}
    for rule, type_ in sorted(types.items()) + [(one, "capacity") for one in sorted({*GATHERINGS, HEALTH_REPORT})]:
        yield rule, type_, consent.level(rule, type_, now)


def _table(*columns: str) -> Table:
    table = Table(box=None, show_header=bool(columns), header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
