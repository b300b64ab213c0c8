"""What `check`, `run`, `status`, `cases` and `outbox` print: sentences, and tables where there is much of one kind.

Imported by commands only. Text of hosts and desks never goes to rich as markup, nor with a control character: `_text` makes it
harmless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, OverflowMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent.following.model import Case, QueuedOperation
from agent.status import LATE_CYCLES, CaseDetails, Desk, Health, HeldCase, Queue, Snapshot, Summary, TicketText, health
from agent.wording import plain
from agent.wording.gist import gist
from collectors import safe_text
from thresholds import Severity

if TYPE_CHECKING:
    from agent.rehearsal import Rehearsal  # with all that a cycle needs, which `status` and the first summary do not

# What is printed of a key; `cases show` accepts any unambiguous beginning.
KEY_SHOWN = 12
LONGEST_LINE = 10_000  # of what people wrote at a desk
NARROW = 90  # columns; below it a list reads better than a table
VERY_NARROW = 60  # below it even a table of two columns is all folds

_HEALTH_STYLES: Mapping[Health, str] = {"well": "green", "unknown": "yellow", "attention": "yellow", "critical": "red"}
_SEVERITY_STYLES: Mapping[Severity, str] = {
    Severity.HEALTHY: "green",
    Severity.NOTICE: "cyan",
    Severity.WARNING: "yellow",
    Severity.CRITICAL: "red",
}


def show_check(console: Console, rehearsal: Rehearsal) -> None:
    """Print one cycle that sends nothing: what was read, found, held back and not seen, and what would be done."""
    snapshot = rehearsal.snapshot
    _show_cycle(console, snapshot)
    if rehearsal.without_records:
        _heading(console, "Judged as if no agent had run here before")
        _line(console, _text(rehearsal.without_records, style="yellow"))
    _heading(console, "What I would do")
    holds = {held.key: held for held in snapshot.held}
    for case in rehearsal.would_open:
        when = _due(holds.get(case.key), snapshot)
        home, *copies = rehearsal.desks[case.key]
        copied = f", with a copy at {' and '.join(copies)}" if copies else ""
        _line(console, _text(f"Open a {case.priority} ticket at {home}{when}{copied}:"))
        _line(console, _text(rehearsal.titles[case.key], style="bold"), indent=4)
    if not rehearsal.would_open:
        _line(console, _nothing(snapshot))


def show_first_cycle(console: Console, snapshot: Snapshot, page: str) -> None:
    """Print what the daemon's first cycle saw and did, and where its `page` is."""
    _show_cycle(console, snapshot)
    _heading(console, "Tickets")
    told = [case for case in snapshot.cases if case.parent is None]
    for case in told:
        _line(
            console,
            _texts(f"{_whereabouts(case, snapshot)}, {case.priority}: ", (_title(case, snapshot), "bold")),
        )
    for desk in snapshot.desks:
        if desk.queue.waiting:
            _line(console, _text(f"Waiting for the desk {desk.name}: {desk.queue.waiting}"))
    if not told and not snapshot.waiting:
        _line(console, _nothing(snapshot))
    console.print()
    console.print(_text(f"Watching. Status page: {page}"))
    console.print(_text("To see the whole way in a minute, on a recording: foretell demo"))


def show_status(console: Console, summary: Summary | None, now: float, *, alive: bool) -> None:
    """Print whether the daemon is alive, its last cycle, open cases, queue, and what could not be checked.

    alive: whether a daemon holds the state folder now; the summary alone cannot know.
    """
    if summary is None:
        started = "The daemon is at its first cycle." if alive else "No daemon runs here. Start it with: foretell run"
        console.print(_text(started))
        return
    zone = summary.zone
    state = health(summary)
    if not alive:
        last = plain.moment(summary.cycle_at, zone)
        console.print(_text(f"The daemon is not running; this is how things were at {last}.", style="bold red"))
    elif now - summary.cycle_at > LATE_CYCLES * (summary.next_cycle_at - summary.cycle_at):
        console.print(
            _text(f"The daemon is stuck: no cycle since {plain.moment(summary.cycle_at, zone)}.", style="bold red")
        )
    console.print(_text(f"{plain.HEALTHS[state]}.", style=f"bold {_HEALTH_STYLES[state]}"))
    table = _table()
    seen = f"{plain.moment(summary.cycle_at, zone)} ({plain.distance(summary.cycle_at, now)})"
    _row(table, "Host", f"{summary.host_name} ({summary.host_id})")
    _row(table, "Last cycle", f"number {summary.cycle}, {seen}, took {summary.cycle_duration:.2f} s")
    _row(table, "Running for" if alive else "Ran for", plain.duration(summary.cycle_at - summary.started_at))
    for desk in summary.desks:
        _row(table, "Desk", f"{desk.name}, {_reachable(desk)}")
        _row(table, "Queue", _queue(desk.queue, now))
    _row(table, "History", plain.amount(summary.history_bytes, "bytes"))
    for sentence in summary.degraded.values():
        _row(table, "Degraded", sentence, style="red")
    console.print(table)
    if summary.cases:
        _heading(console, "Open cases")
        show_cases(console, summary.cases, summary.rules, zone, now)
    _show_held(console, summary, now)
    _show_unseen(console, summary)


def show_cases(console: Console, cases: Sequence[Case], rules: Mapping[str, str], zone: str, now: float) -> None:
    """Print a table of cases. rules: id to summary line."""
    if not cases:
        console.print(_text("There are no cases."))
        return
    rows = []
    for case in cases:
        problem = f"{rules.get(case.rule) or case.rule}: {plain.subject(case.subject)}"
        crossing = plain.distance(case.forecast.earliest, now) if case.forecast else ""
        state = f"{_state(case)}, since {plain.moment(case.changed_at, zone)}"
        rows.append((case.key[:KEY_SHOWN], case.priority, problem, state, crossing, _ticket(case)))
    _show_list(console, ("Key", "Priority", "Problem", "State", "Crossing", "Ticket"), rows)


def show_case(console: Console, details: CaseDetails, zone: str, now: float) -> None:
    """Print one case with its story, and the ticket's text when the desk is the local one."""
    case = details.case
    console.print(_text(f"{details.summary or case.rule}: {plain.subject(case.subject)}", style="bold"))
    table = _table()
    for name, said in _case_rows(details, zone, now):
        _row(table, name, said)
    console.print(table)
    if details.time_line:
        _heading(console, "What happened")
        story = _table()
        for entry in details.time_line:
            _row(story, plain.moment(entry.at, zone), f"{entry.what} by {entry.by}" if entry.by else entry.what)
        console.print(story)
    if details.ticket is not None:
        show_ticket(console, details.ticket, zone)


def show_ticket(console: Console, ticket: TicketText, zone: str) -> None:
    """Print a ticket of the local desk with everything that was said on it."""
    _heading(console, f"Ticket {ticket.id}: {ticket.title}")
    _line(console, _text(ticket.body))
    for comment in ticket.comments:
        audience = "" if comment.public else ", internal"
        _heading(console, f"{plain.moment(comment.at, zone)}, {comment.by or 'Foretell'}{audience}")
        _line(console, _text(comment.text))


def _case_rows(details: CaseDetails, zone: str, now: float) -> Iterator[tuple[str, str]]:
    case = details.case
    # What a desk elsewhere said is as old as the last look at it.
    status = details.ticket.status if details.ticket else case.ticket_status
    yield "State", f"{_state(case)}, since {plain.moment(case.changed_at, zone)}"
    yield "Priority", f"{case.priority}, {case.severity.name.lower()}"
    if measured := plain.measured(case.evidence, zone):
        yield "Measured", measured
    if case.forecast:
        yield "Crossing", f"{plain.distance(case.forecast.earliest, now)}: {plain.crossing(case.forecast, zone)}"
    yield from case.labels.items()
    for name, at in (
        ("First seen", case.first_seen),
        ("Opened", case.opened_at),
        ("Closed", case.closed_at if case.state == "closed" else None),
    ):
        if at is not None:
            yield name, plain.moment(at, zone)
    if case.recurring:
        yield "Recurring", f"{len(case.opened)} times within 30 days"
    yield "Ticket", ", ".join(filter(None, [_ticket(case), status, case.handler]))
    if case.ticket is not None and case.ticket.url:
        yield "", case.ticket.url
    yield "Key", case.key


def show_outbox(console: Console, operations: Sequence[QueuedOperation], zone: str, now: float) -> None:
    """Print the operations that wait or were refused, and what can be done about the latter."""
    if not operations:
        console.print(_text("The outbox is empty."))
        return
    rows = []
    for queued in operations:
        operation = queued.operation
        what = f"comment: {operation.topic}" if operation.kind == "comment" else operation.kind
        state = plain.QUEUE_STATES[queued.state]
        if queued.state == "queued" and queued.not_before > now:
            state += f", next try {plain.distance(queued.not_before, now)}"
        why = ": ".join(filter(None, [queued.reason.replace("_", " "), queued.detail]))
        queued_at = plain.moment(operation.created_at, zone)
        row = (operation.id, operation.desk, what.replace("_", " "), state, queued_at, str(queued.attempts), why)
        rows.append(row)
    _show_list(console, ("Id", "Desk", "What", "State", "Queued", "Tries", "Why"), rows)
    if any(queued.state == "rejected" for queued in operations):
        console.print(_text("What was refused waits for you: foretell outbox retry ID, or foretell outbox drop ID"))


def _show_cycle(console: Console, snapshot: Snapshot) -> None:
    when = plain.moment(snapshot.cycle_at, snapshot.zone)
    console.print(_text(f"Foretell {snapshot.version} on {snapshot.host_name}, {when}", style="bold"))
    _heading(console, "Read")
    rows = []
    for run in snapshot.collectors:
        names = set(run.names)
        readings = [reading for reading in snapshot.readings if reading.name in names]
        said = run.not_supported or (gist(readings) if run.success else "could not be read, see below")
        count = f"{len(readings)} {'reading' if len(readings) == 1 else 'readings'}" if readings else ""
        style = "" if run.success else "dim" if run.not_supported else "yellow"
        rows.append((run.name, count, said, style))
    _show_rows(console, rows)
    _show_found(console, snapshot)
    _show_held(console, snapshot, snapshot.cycle_at)
    _show_unseen(console, snapshot)


def _show_found(console: Console, snapshot: Snapshot) -> None:
    _heading(console, "Found")
    for finding in sorted(snapshot.findings, key=lambda one: -one.severity):
        level = (finding.severity.name.lower(), _SEVERITY_STYLES[finding.severity])
        _line(console, _texts(level, "  ", _title(finding, snapshot)))
        if measured := plain.measured(finding.evidence, snapshot.zone):
            _line(console, _text(measured), indent=4)
        if finding.forecast:
            soon = plain.distance(finding.forecast.earliest, snapshot.cycle_at)
            _line(console, _text(f"{soon}: {plain.crossing(finding.forecast, snapshot.zone)}"), indent=4)
    if not snapshot.findings:
        _line(console, _text("Nothing is wrong with what was checked."))


def _show_held(console: Console, summary: Summary, now: float) -> None:
    if not summary.held:
        return
    _heading(console, "Held back")
    for held in summary.held:
        until = f"; due {plain.distance(held.until, now)}" if held.until is not None and held.until > now else ""
        _line(console, _text(_title(held, summary)))
        _line(console, _text(f"{plain.HOLDS[held.hold]}{until}", style="dim"), indent=4)


def _due(held: HeldCase | None, snapshot: Snapshot) -> str:
    """Return when what `held` holds back would open."""
    if held is None:
        return " now"
    soon = f" {plain.distance(held.until, snapshot.cycle_at)}" if held.until is not None else ""
    return {
        "notice": "",
        "for": f"{soon}, if it lasts",
        "first_look": f"{soon}, with all else that was there when we came",
        "maintenance": " when maintenance mode ends",
    }[held.hold]


def _show_unseen(console: Console, summary: Summary) -> None:
    if not summary.unchecked and not summary.unjudged:
        return
    _heading(console, "Could not be checked")
    for collector, gap in summary.unchecked:
        about = f"{gap.name or collector}{f' of {plain.subject(gap.labels)}' if gap.labels else ''}"
        _line(console, _texts((about, "yellow"), f": {gap.reason}"))
    alike = defaultdict(list)
    for unjudged in summary.unjudged:
        alike[unjudged.rule, unjudged.reason].append(unjudged)
    for (_, reason), [first, *others] in alike.items():
        more = f" and {len(others)} more" if others else ""
        _line(console, _texts((_title(first, summary) + more, "yellow"), f": {reason}"))


def _nothing(snapshot: Snapshot) -> Text:
    unseen = " What could not be checked is not known to be well." if snapshot.unchecked else ""
    waits = any(held.hold != "notice" for held in snapshot.held)
    held = " What is held back is not old enough, or is kept for the digest." if waits else ""
    known = sum(case.ticket is not None for case in snapshot.cases)
    already = f"; {known} {'ticket is' if known == 1 else 'tickets are'} open already" if known else ""
    return _text(f"Nothing to open{already}.{held}{unseen}")


def _title(judged: plain.Judged, summary: Summary) -> str:
    return plain.title(judged, summary.rules)


def _state(case: Case) -> str:
    held = f" ({plain.HOLDS[case.hold]})" if case.state == "pending" and case.hold else ""
    return plain.state(case) + held


def _ticket(case: Case) -> str:
    return f"{case.ticket.desk} #{case.ticket.id}" if case.ticket is not None else "no ticket"


def _whereabouts(case: Case, snapshot: Snapshot) -> str:
    """Return where a case's ticket is; the first cycle has asked for it, and the next will know its number."""
    if case.ticket is not None:
        return _ticket(case)
    return f"{'For' if snapshot.waiting else 'Opened at'} {', '.join(case.desks[:1])}"


def _reachable(desk: Desk) -> str:
    if desk.reachable is None:
        return "nothing had to be sent yet"
    if not desk.reachable:
        return f"does not serve us: {desk.detail}"
    return f"reachable, but for a part of it: {desk.detail}" if desk.detail else "reachable"


def _queue(queue: Queue, now: float) -> str:
    oldest = f", the oldest for {plain.duration(now - queue.oldest_at)}" if queue.oldest_at is not None else ""
    refused = f", {queue.rejected} refused by the desk (foretell outbox list)" if queue.rejected else ""
    return f"{queue.waiting} waiting{oldest if queue.waiting else ''}{refused}"


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(_text(text, style="bold"))


def _line(console: Console, text: Text, indent: int = 2) -> None:
    """Print `text` folded and indented, without the blanks that would pad it to the terminal's width."""
    for line in text.wrap(console, max(console.width - indent, 1)):
        line.rstrip()
        console.print(_text(" " * indent if line else "").append_text(line), soft_wrap=True)


def _show_list(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` as a table, or one below the other where the terminal is too narrow for that."""
    if console.width >= NARROW:
        table = _table(*columns)
        for row in rows:
            _row(table, *row)
        console.print(table)
        return
    for row in rows:
        console.print(_text(row[0], style="bold"))
        for column, said in zip(columns[1:], row[1:], strict=True):
            if said:
                _line(console, _text(f"{column}: {said}"))


def _show_rows(console: Console, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print rows of a name, an amount, what is said, and their style, indented; on a very narrow terminal one below the other."""
    if console.width >= VERY_NARROW:
        table = _table()
        for *cells, style in rows:
            _row(table, *cells, style=style)
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
        return
    for name, amount, said, style in rows:
        _line(console, _text(": ".join(filter(None, (name, amount))), style=style or "bold"))
        _line(console, _text(said, style=style), indent=4)


def _table(*columns: str) -> Table:
    """Return a table without lines; without column names, its first column names the rows."""
    table = Table(box=None, show_header=bool(columns), header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"Key", "Priority", "Tries"})
    return table


def _row(table: Table, *cells: str, style: str = "") -> None:
    table.add_row(*(_text(cell, overflow="fold") for cell in cells), style=style)


def _text(said: str, style: str = "", overflow: OverflowMethod | None = None) -> Text:
    """Return `said` as no more than text: what a desk or a host calls its things moves no cursor and turns no line around."""
    harmless = "\n".join(safe_text(line, LONGEST_LINE) for line in said.split("\n"))
    return Text(harmless, style=style, overflow=overflow)


def _texts(*parts: str | tuple[str, str]) -> Text:
    """Return several texts as one, each with its style if it has one."""
    whole = Text()
    for part in parts:
        whole.append_text(_text(part) if isinstance(part, str) else _text(*part))
    return whole
