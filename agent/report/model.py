"""What a health report says, as plain data: no word of it is in any language yet. Times are unix seconds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from agent.chart import Mark, Point
from agent.consent.levels import Level
from agent.following.model import Ending, Kept, Promised
from thresholds import Fact, Forecast, Severity
from ticketing_clients import Priority

#: what became of what a ticket warned of: prevented; reached all the same; not over yet; or nobody can tell
Outcome = Literal["prevented", "reached", "running", "unknown"]
#: where the date of a capacity comes from: the ticket that is open about it, or the trend of the period
DateSource = Literal["ticket", "trend"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the report."""


class About(Record, frozen=True, kw_only=True):
    """Which rule, on what. summary: the rule's own plain line in English; remedy: id of what can be done."""

    rule: str
    summary: str = ""
    remedy: str = ""
    subject: dict[str, str] = {}


class Ticket(Record, frozen=True, kw_only=True):
    """One ticket of the period, from its opening to its end.

    number: at the desk. closed_at, ending: None while it is open. forecast: as it was when the ticket opened.
    outcome: of what it warned of; None where it warned of no date. done: what was done, in people's words.
    """

    about: About
    number: str
    priority: Priority
    opened_at: float
    closed_at: float | None = None
    ending: Ending | None = None
    forecast: Forecast | None = None
    outcome: Outcome | None = None
    done: str = ""
    rating: int | None = None

    @property
    def lead(self) -> float:
        """Seconds from the ticket to the date that it warned of, most likely; 0 where it warned of none."""
        return max(self.forecast.expected - self.opened_at, 0.0) if self.forecast else 0.0


class Recurrence(Record, frozen=True, kw_only=True):
    """What came back in the period. times: when it opened, oldest first. flagged: whether it is known to recur."""

    about: About
    times: tuple[float, ...]
    flagged: bool = False


class Promises(Record, frozen=True, kw_only=True):
    """What the service level promised for one priority, and how often it was kept in the period."""

    promised: Promised
    priority: Priority
    met: int = 0
    missed: int = 0


class Risk(Record, frozen=True, kw_only=True):
    """What is not in order now. number: of its ticket; empty where it has none, as what is only worth a line in a report."""

    about: About
    severity: Severity
    since: float
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    number: str = ""
    priority: Priority | None = None


class Capacity(Record, frozen=True, kw_only=True):
    """How one thing that fills up went: `used` of `whole`, in `unit`.

    used_before: at the period's beginning. per_day: how it grows by the trend of the period; None where too little is known.
    forecast: when it is full, and where that comes from. points: the drawing, empty where it may not leave or none is wanted.
    """

    about: About
    unit: str
    used: float
    whole: float
    used_before: float
    per_day: float | None = None
    forecast: Forecast | None = None
    source: DateSource | None = None
    points: Sequence[Point] = ()
    marks: Sequence[Mark] = ()

    @property
    def share(self) -> float:
        """The share that is used, 0 to 1."""
        return self.used / self.whole if self.whole > 0 else 0.0


class Load(Record, frozen=True, kw_only=True):
    """How busy processors or memory were: shares from 0 to 1, over the first and the last quarter of the period."""

    what: Literal["cpu", "memory"]
    before: float
    now: float
    highest: float
    points: Sequence[Point] = ()


class Lifecycle(Record, frozen=True, kw_only=True):
    """Until when something is supported or valid. ends_at: None where no day is announced."""

    kind: Literal["system", "software", "certificate"]
    name: str
    version: str = ""
    ends_at: float | None = None


class Gap(Record, frozen=True, kw_only=True):
    """What one sort of reading lacks. missing: seconds without one, of all that could have been measured (`expected`)."""

    name: str
    expected: float
    missing: float


class Unseen(Record, frozen=True, kw_only=True):
    """What cannot be checked now. reason: as the collector said it, in English."""

    name: str
    subject: dict[str, str] = {}
    reason: str = ""


class Coverage(Record, frozen=True, kw_only=True):
    """How much could not be checked. expected, missing: seconds, over all readings. known_since: when the records began.

    silent: seconds in which nothing at all was measured.
    """

    expected: float = 0.0
    missing: float = 0.0
    silent: float = 0.0
    gaps: Sequence[Gap] = ()
    unseen: Sequence[Unseen] = ()
    known_since: float | None = None

    @property
    def share(self) -> float | None:
        """The share of the time that was measured, 0 to 1; None where nothing ever was."""
        return 1.0 - self.missing / self.expected if self.expected > 0 else None


class Report(Record, frozen=True, kw_only=True):
    """All of it. since, until: the period; made_at: when it was made. level: what of it may leave; None for all, on this host.

    days: of how much of the period there are records.
    """

    host: str
    host_id: str
    role: str
    customer: str
    version: str
    zone: str
    since: float
    until: float
    made_at: float
    level: Level | None = None
    tickets: Sequence[Ticket] = ()
    recurrences: Sequence[Recurrence] = ()
    promises: Sequence[Promises] = ()
    risks: Sequence[Risk] = ()
    capacities: Sequence[Capacity] = ()
    loads: Sequence[Load] = ()
    lifecycle: Sequence[Lifecycle] = ()
    coverage: Coverage = Coverage()

    def kept(self, kept: Kept) -> int:
        """Return how many promises of service levels were kept so."""
        return sum(getattr(one, kept) for one in self.promises)

    def with_outcome(self, *outcomes: Outcome) -> list[Ticket]:
        """Return the tickets of which that became of what they warned of."""
        return [one for one in self.tickets if one.outcome in outcomes]
