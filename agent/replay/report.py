"""What a replay came to, as the contract's JSON and as people read it. Imported by the command only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent.configuration.config import Configuration
from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.following.problems import PROBLEM
from agent.replay.replay import Missed, Outcome, ReplayedTicket
from agent.terminal import KEY_SHOWN
from agent.wording import plain

MONTH = 30.4 * DAY
MOST_LISTED = 40
MOST_HOSTS, MOST_MONTHS = 10, 5  # in the table of both; older months count among all


def as_contract(outcome: Outcome, configuration: Configuration) -> dict[str, Any]:
    """Return the outcome with the stable keys that programs rely on; times are ISO 8601 in UTC.

    Tickets that ask for the cause of what keeps returning stand apart: they are about several of the others.
    """
    tickets = [_ticket(one) | {"reason": reason(one, configuration)} for one in outcome.tickets]
    return {
        "tickets": [one for one in tickets if one["rule"] != PROBLEM],
        "problems": [one for one in tickets if one["rule"] == PROBLEM],
        "missed": [_missed(one) for one in outcome.missed],
        "series": outcome.series,
        "readings": outcome.readings,
        "unknown": outcome.unknown,
        "hosts": outcome.hosts,
        "host_months": round(outcome.host_days * DAY / MONTH, 3),
    }


def reason(ticket: ReplayedTicket, configuration: Configuration) -> str:
    """Return why a ticket would have been opened, in one line."""
    zone, rule = configuration.zone, configuration.rules_by_id.get(ticket.rule)
    together = "the cause of what returns" if ticket.rule == PROBLEM else "several problems in one ticket"
    summary = rule.summary if rule else together
    told = [plain.measured(ticket.evidence, zone) or summary]
    # What has a date or is reached already has said so.
    if ticket.forecast and ticket.forecast.earliest != ticket.forecast.latest:
        told.append(plain.crossing(ticket.forecast, zone))
    return "; ".join(told)


def show(console: Console, outcome: Outcome, configuration: Configuration, minutes: float) -> None:
    """Print the tickets with their reasons, and what they would cost; `minutes` is the desk's work on one."""
    _show_source(console, outcome)
    for ticket in outcome.tickets[:MOST_LISTED]:
        console.print(Text(_line(ticket), style="bold"))
        console.print(Padding(Text(reason(ticket, configuration)), (0, 0, 0, 4)))
    if len(outcome.tickets) > MOST_LISTED:
        console.print(Text(f"… and {len(outcome.tickets) - MOST_LISTED} more; --json has them all"))
    for missed in outcome.missed[:MOST_LISTED]:
        where = f"{missed.host or 'this host'}, {plain.subject(missed.subject)}"
        console.print(Text(f"Missed: {where} reached its limit at {plain.moment(missed.at, 'UTC')} ({missed.rule})"))
    console.print()
    console.print(_figures([outcome], ["this configuration"], minutes))
    if outcome.hosts > 1 and outcome.tickets:
        console.print()
        console.print(_by_host_and_month(outcome.tickets))
    if outcome.tickets:
        console.print(Text(f"To see why: the same command with --explain {outcome.tickets[0].key[:KEY_SHOWN]}"))


def show_comparison(console: Console, outcomes: Sequence[Outcome], names: Sequence[str], minutes: float) -> None:
    """Print two configurations side by side, then the tickets that only one of them would have opened."""
    _show_source(console, outcomes[0])
    console.print(_figures(outcomes, names, minutes))
    first, second = ({(one.key, one.opened_at): one for one in outcome.tickets} for outcome in outcomes)
    keys = [{key for key, _ in one} for one in (first, second)]
    for name, mine, others in ((names[0], first, keys[1]), (names[1], second, keys[0])):
        alone = [one for (key, _), one in mine.items() if key not in others]
        console.print(Text(f"Only {name} ({len(alone)}):", style="bold"))
        for one in alone[:MOST_LISTED]:
            console.print(Text(f"  {_line(one)}"))


def _line(ticket: ReplayedTicket) -> str:
    """Return what a ticket is, when and about what, in one line."""
    about = {label: text for label, text in ticket.subject.items() if label != "host"}
    rose = "" if ticket.priority == ticket.highest else f" to {ticket.highest}"
    what = f"{ticket.rule}: {plain.subject(about)}" if about else ticket.rule
    when = plain.moment(ticket.opened_at, "UTC")
    return "  ".join(filter(None, (when, ticket.key[:KEY_SHOWN], f"{ticket.priority}{rose}", ticket.host, what)))


def _show_source(console: Console, outcome: Outcome) -> None:
    hosts = "1 host" if outcome.hosts == 1 else f"{outcome.hosts} hosts"
    console.print(
        Text(
            f"{outcome.readings:,} readings of {outcome.series:,} series, {hosts},"
            f" {outcome.host_days * DAY / MONTH:.1f} months of one host."
        )
    )
    if outcome.unknown:
        console.print(Text(f"Could never be judged: {outcome.unknown} subjects of rules", style="yellow"))


def _figures(outcomes: Sequence[Outcome], names: Sequence[str], minutes: float) -> Table:
    """Return a table of what each outcome comes to."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(Text(name), justify="right")
    rules = sorted({ticket.rule for outcome in outcomes for ticket in outcome.tickets})
    rows = {
        "tickets": [f"{len(one.tickets)}" for one in outcomes],
        **{f"  {rule}": [f"{sum(x.rule == rule for x in one.tickets)}" for one in outcomes] for rule in rules},
        "  by priority": [_priorities(one) for one in outcomes],
        "  opened again": [f"{sum(len(x.reopened_at) for x in one.tickets)}" for one in outcomes],
        "tickets of a host in a month": [f"{_a_month(one):.2f}" for one in outcomes],
        f"desk's work for 100 hosts, at {minutes:g} min a ticket": [
            f"{100 * _a_month(one) * minutes * MINUTE / HOUR:.1f} h a month" for one in outcomes
        ],
        "limits reached with an open ticket": [f"{sum(map(_told_before, one.tickets))}" for one in outcomes],
        "  told so long before, median": [_lead(one) for one in outcomes],
        "limits reached without one": [f"{len(one.missed)}" for one in outcomes],
    }
    for name, cells in rows.items():
        table.add_row(Text(name), *map(Text, cells))
    return table


def _by_host_and_month(tickets: Sequence[ReplayedTicket]) -> Table:
    """Return how many tickets each host gets in each month, those with most of them first; it fits 80 columns."""
    by_month: dict[str, Counter[str]] = {}
    for ticket in tickets:
        by_month.setdefault(plain.moment(ticket.opened_at, "UTC")[: len("2026-03")], Counter())[ticket.host] += 1
    months = sorted(by_month)[-MOST_MONTHS:]
    hosts = Counter(ticket.host for ticket in tickets).most_common()
    table = Table(box=None, pad_edge=False)
    table.add_column("tickets by host and month")
    for month in (*months, "all"):
        table.add_column(month, justify="right")
    for host, count in hosts[:MOST_HOSTS]:
        table.add_row(Text(host), *(f"{by_month[month][host] or ''}" for month in months), f"{count}")
    rest = dict(hosts[MOST_HOSTS:])
    if rest:
        counts = [sum(by_month[month][host] for host in rest) for month in months]
        table.add_row(f"{len(rest)} more hosts", *(f"{one or ''}" for one in counts), f"{sum(rest.values())}")
    return table


def _priorities(outcome: Outcome) -> str:
    counts = Counter(ticket.priority for ticket in outcome.tickets)
    return ", ".join(f"{counts[one]} {one}" for one in sorted(counts)) or "none"


def _a_month(outcome: Outcome) -> float:
    return len(outcome.tickets) * MONTH / (outcome.host_days * DAY) if outcome.host_days else 0.0


def _told_before(ticket: ReplayedTicket) -> bool:
    return ticket.crossed_at is not None and ticket.crossed_at > ticket.opened_at


def _lead(outcome: Outcome) -> str:
    leads = [one.crossed_at - one.opened_at for one in outcome.tickets if one.crossed_at and _told_before(one)]
    return plain.duration(median(leads)) if leads else "none"


def _ticket(ticket: ReplayedTicket) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(ticket)
    for name in ("opened_at", "closed_at", "crossed_at"):
        told[name] = _iso(told[name])
    told["reopened_at"] = [_iso(at) for at in ticket.reopened_at]
    if ticket.forecast:
        told["forecast"] = {name: _iso(at) for name, at in told["forecast"].items()}
    return told


def _missed(missed: Missed) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(missed)
    return told | {"at": _iso(missed.at)}


def _iso(at: float | None) -> str | None:
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):  # a slow drift may end beyond all calendars
        return None
