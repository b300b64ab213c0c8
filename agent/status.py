"""What is known now: the Snapshot the daemon makes once per cycle, and the summary of it that `foretell status` reads."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from agent.following.model import Case, CaseState, Hold, KeptPromises, QueueState
from collectors import CouldNotCheck, Reading
from thresholds import Finding, Severity, Unjudged
from ticketing_clients import Document

SUMMARY_NAME = "status.json"
# Three missed cycles are no longer one slow one: the daemon is stuck.
LATE_CYCLES = 3


class CollectorRun(msgspec.Struct, frozen=True, kw_only=True):
    """One collector's last run, as its runner saw it.

    success: whether the collector as a whole could read its source; single gaps are in `unchecked`.
    duration: seconds. names: of the readings it yielded. not_supported: why there is nothing of its kind on this host.
    """

    name: str
    success: bool
    duration: float
    names: list[str] = []
    unchecked: list[CouldNotCheck] = []
    not_supported: str = ""


class HeldCase(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that does not open a ticket yet, and why. `until` is when the hold ends at the latest, where that is known."""

    key: str
    rule: str
    subject: dict[str, str]
    severity: Severity
    hold: Hold
    since: float
    until: float | None = None


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A desk's part of the outbox: operations by state, when the oldest waiting one was queued, why the last try failed.

    attempts: how many tries ended so since the records began: `done`, or a DeskError's reason.
    """

    counts: dict[QueueState, int] = {}
    oldest_at: float | None = None
    last_reason: str = ""
    last_detail: str = ""
    attempts: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """Operations that have not reached the desk and will be tried again."""
        return self.counts.get("queued", 0) + self.counts.get("sending", 0)

    @property
    def rejected(self) -> int:
        """Operations the desk refused; a person must retry or drop them."""
        return self.counts.get("rejected", 0)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A desk as the last delivery found it, and what waits for it.

    reachable: whether it served us; None before the first contact. detail: why not. last_contact: when it last did.
    requests: batches at it since the start, by outcome: `ok`, a DeskError's reason, or `failed`.
    """

    name: str
    queue: Queue = Queue()
    reachable: bool | None = None
    detail: str = ""
    last_contact: float | None = None
    requests: dict[str, int] = {}


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about now but the readings. Times are unix seconds, durations seconds.

    cycle: number of the last finished cycle since the start, from 1. zone: IANA name in which people are shown times.
    cases: those that have or had a ticket and are not closed; held: the pending ones.
    desks: those that get tickets, in the order of the routes, and those that still have some.
    degraded: modes the agent is in, each with plain words for what that means (`state_read_only`).
    rules: id of every rule that is spoken of here to its summary line; reads: to the name of the readings that it judges.
    history_bytes: size of the history on disk.
    promises: how many of the service levels' promises were kept and missed since the records began.
    """

    version: str
    host_id: str
    host_name: str
    zone: str = "UTC"
    started_at: float
    cycle: int
    cycle_at: float
    cycle_duration: float
    next_cycle_at: float
    collectors: list[CollectorRun] = []
    findings: list[Finding] = []
    unjudged: list[Unjudged] = []
    held: list[HeldCase] = []
    cases: list[Case] = []
    desks: list[Desk] = []
    degraded: dict[str, str] = {}
    history_bytes: int = 0
    rules: dict[str, str] = {}
    reads: dict[str, str] = {}
    promises: list[KeptPromises] = []

    @property
    def unchecked(self) -> list[tuple[str, CouldNotCheck]]:
        """What could not be checked, with the collector that should have."""
        return [(run.name, gap) for run in self.collectors for gap in run.unchecked]

    @property
    def waiting(self) -> int:
        """Operations that have not reached their desk and will be tried again."""
        return sum(desk.queue.waiting for desk in self.desks)

    @property
    def rejected(self) -> int:
        """Operations that a desk refused; a person must retry or drop them."""
        return sum(desk.queue.rejected for desk in self.desks)

    @property
    def cases_by_state(self) -> dict[CaseState, int]:
        """How many cases are in each state that is not closed."""
        counts: dict[CaseState, int] = {
            "pending": len(self.held),
            "open": 0,
            "acknowledged": 0,
            "deferred": 0,
            "recovering": 0,
            "awaiting_confirmation": 0,
        }
        for case in self.cases:
            counts[case.state] += 1
        return counts


class Snapshot(Summary, frozen=True, kw_only=True):
    """Everything a reader needs about now: the Summary and the latest readings. Made once per cycle, never changed."""

    readings: list[Reading] = []

    @property
    def summary(self) -> Summary:
        """This snapshot without its readings."""
        return Summary(**{field: getattr(self, field) for field in Summary.__struct_fields__})


class TimeLineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's story: when, what in plain words, and who if it was a person. record: as it stands in the records."""

    at: float
    what: str
    by: str = ""
    record: str = ""


class TicketComment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment on a ticket in the local desk. `by` is empty for the agent's own."""

    at: float
    text: str
    by: str = ""
    public: bool = False


class TicketText(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket in the local desk as people read it."""

    id: str
    title: str
    status: str
    body: str
    comments: list[TicketComment] = []


class SentText(msgspec.Struct, frozen=True, kw_only=True):
    """A text exactly as it was sent to a desk. at: unix seconds when it was queued. title: a ticket's. public: to the customer.

    copy: whether the desk is not the case's home.
    """

    at: float
    desk: str
    body: Document
    title: str = ""
    public: bool = True
    copy: bool = False


class CaseDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One case with its story and the texts that were sent, oldest first, and its ticket when the desk is the local one."""

    case: Case
    summary: str = ""
    time_line: list[TimeLineEntry] = []
    ticket: TicketText | None = None
    sent: list[SentText] = []


Health = Literal["well", "unknown", "attention", "critical"]


def health(summary: Summary) -> Health:
    """Return the host's state at a glance: the worst of findings and open cases; never well where something was unseen."""
    severities = [finding.severity for finding in summary.findings]
    severities += [case.severity for case in summary.cases if case.state in {"open", "acknowledged", "deferred"}]
    worst = max(severities, default=Severity.HEALTHY)
    if worst == Severity.CRITICAL:
        return "critical"
    unserved = any(desk.reachable is False for desk in summary.desks)
    if worst == Severity.WARNING or summary.degraded or summary.rejected or unserved:
        return "attention"
    if summary.unchecked or any(not run.success and not run.not_supported for run in summary.collectors):
        return "unknown"
    return "well"


def in_brief(summary: Summary) -> str:
    """Return the state in a few plain lines, for when nothing better can be shown."""
    count = summary.cases_by_state
    lines = [
        f"foretell {summary.version} on {summary.host_name}: {health(summary)}",
        *(f"{state}: {number} cases" for state, number in count.items() if number),
        f"could not be checked: {len(summary.unchecked)}",
        *(
            f"waiting for the desk {desk.name}: {desk.queue.waiting}, refused by it: {desk.queue.rejected}"
            for desk in summary.desks
        ),
        *summary.degraded.values(),
    ]
    return "\n".join(lines)


def write_summary(folder: Path, snapshot: Snapshot, runtime: Path | None = None) -> None:
    """Replace `status.json` in the state folder, readable by its owner only. Raises OSError.

    runtime: a folder in memory; the file then lies there, and its name in the state folder leads to it. Written each cycle, it
    would be nearly all that the agent writes to the disk. Not synced either: it is a convenience for `foretell status`, not a
    record.
    """
    path = folder / SUMMARY_NAME
    if runtime is not None:
        _lead(path, runtime / SUMMARY_NAME)
        path = runtime / SUMMARY_NAME
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(snapshot.summary))
    fresh.replace(path)


def _lead(link: Path, target: Path) -> None:
    """Have `link` lead to `target`, whatever was there."""
    with suppress(OSError):  # there is none yet
        if os.readlink(link) == str(target):  # noqa: PTH115 - a Path made of it each cycle took twice the call itself
            return
    fresh = link.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def read_summary(folder: Path) -> Summary | None:
    """Return the summary the daemon last left for `folder`; None when there is none that this version understands.

    Raises OSError when it is there and may not be read.
    """
    try:
        return msgspec.json.decode((folder / SUMMARY_NAME).read_bytes(), type=Summary)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
