"""The agent's own records: Case, Operation, and what comes back from the desk. Data only; times are unix seconds."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.consent.levels import Level
from thresholds import Fact, Forecast, Severity
from ticketing_clients import Act, Priority, TicketRef, TicketState

CaseState = Literal["pending", "open", "acknowledged", "deferred", "recovering", "awaiting_confirmation", "closed"]
#: why a case that could open does not, in the order in which they apply
Hold = Literal["notice", "for", "first_look", "maintenance"]
#: after a person closed a ticket that still breaches: reopened once, and after that only told
Contest = Literal["none", "asked", "reopened", "over"]

#: a person's word, the rule that an unconfirmed recovery ends by itself, the gathering's end, or gone before it opened
ClosedBy = Literal["person", "rule", "parent", "cleared"]


#: instead of a rule's id, of the case whose ticket carries a health report: it is over as soon as it is told
HEALTH_REPORT: Final = "health_report"

#: what a service level promises a time for
Promised = Literal["first_response", "fix"]
Kept = Literal["met", "missed"]


class KeptPromises(msgspec.Struct, frozen=True, kw_only=True):
    """How many promises of one sort, made for one priority, were kept or missed."""

    promised: Promised
    priority: Priority
    kept: Kept
    count: int

    @property
    def of(self) -> tuple[Promised, Priority, Kept]:
        """What is counted."""
        return (self.promised, self.priority, self.kept)


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What the ticket says is due, by the service level of its priority; all in unix seconds.

    since: from when it counts. warning, fix_warning: when it is warned that the answer, or the fix, may come too late.
    """

    priority: Priority
    since: float
    answer_due: float
    answer_warning: float
    fix_due: float
    fix_warning: float


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """What people were promised about a case since it opened last, and what became of it. Times are unix seconds.

    promise: as the desk was told; None where nobody can see whether it is kept, because the desk is not read.
    answered_at: when a person at the desk did anything first. fixed_at: from when measurements were good, once verified.
    desk_due: the due time that the desk was told or, at the last look, showed. warned, settled: the promises that were warned of,
    and those that are known to be kept or missed.
    note_due: when the next progress note is due; noted_at, noted: when the last one was, and what was measured then.
    note: the operation that carries a note which the desk has not got yet.
    cause, done: what it was and what was done, in the words of who did it; resolution: what the desk keeps of that.
    rating: how content the customer is with it, 1 to 5. reminded_at: when we last asked to confirm its end.
    escalated_at, escalated_to: when and to which desk it was handed on. diagnosed_at: when a first look was made, which left it
    unexplained, or not.
    """

    promise: Promise | None = None
    answered_at: float | None = None
    fixed_at: float | None = None
    desk_due: float | None = None
    warned: tuple[Promised, ...] = ()
    settled: tuple[Promised, ...] = ()
    note_due: float | None = None
    noted_at: float | None = None
    noted: dict[str, Fact] = {}
    note: str = ""
    cause: str = ""
    done: str = ""
    resolution: str = ""
    rating: int | None = None
    reminded_at: float | None = None
    escalated_at: float | None = None
    escalated_to: str = ""
    diagnosed_at: float | None = None
    unexplained: bool = False


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a case was open, from its ticket to its end; times are unix seconds.

    measured, measured_after: numbers of the ticket's core, of the last finding and of the recovery. cause, done: people's words.
    rating: the customer's, 1 to 5. ticket: where it was told. subject: set only where it is told of another case.
    left: whether a person had it left as it is.
    """

    opened_at: float
    closed_at: float
    closed_by: ClosedBy
    severity: Severity
    priority: Priority
    measured: dict[str, Fact] = {}
    measured_after: dict[str, Fact] = {}
    cause: str = ""
    done: str = ""
    rating: int | None = None
    ticket: TicketRef | None = None
    subject: dict[str, str] = {}
    left: bool = False


#: how an earlier ticket ended: measured in order and confirmed; measured in order, and closed by the rule as nobody confirmed it;
#: left as it is by a person; closed by a person before anything in order was measured
Ending = Literal["confirmed", "unconfirmed", "left", "unproven"]


class EarlierTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that was closed before, as a new one of its rule tells of it. closed_at: unix seconds.

    subject: set only where it was about another one.
    """

    closed_at: float
    ended: Ending
    ticket: TicketRef
    subject: dict[str, str] = {}


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """A window that a person accepted: planned maintenance of this host. Times are unix seconds.

    by: their name at the desk. at: when it was taken in; crossing: what was then the earliest time it could happen.
    """

    window: MaintenanceWindow
    by: str
    at: float
    crossing: float | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Our record of one developing problem, from first Finding to verified close.

    evidence, forecast, severity, since: of the last finding that was not healthy.
    last_seen: of the last unhealthy finding; judged_at: of the last finding of any kind.
    adopted: all that is known of it is the ticket that the desk had; a forecast has to learn anew before its word counts.
    breach_since, healthy_since: start of the present run of findings; at most one of them is set.
    opened: the times this key opened or came back within the last 30 days; enough of them make it recurring.
    parent: key of the digest or storm case whose ticket speaks for this one. members: the keys such a parent speaks for.
    told_ended: how many members the ticket was told to be over; told_at: when it was told so last.
    desks: the names of the desks it was opened at, its home first (`routing`); none while its parent speaks for it.
    acts: what people did on the ticket, the last 50, so that each counts once.
    operations: how many operations this case has made, which numbers the next.
    care: what is promised to people since it opened last (`agent.following.service_clock`).
    proposed: the windows that its ticket told of last, in the order of their numbers. agreed: the one that was accepted.
    calendar: how often its entry in people's calendars was sent out, which numbers the next version (iCalendar's SEQUENCE).
    episodes: the last ten times that it was open and ended, the newest last (`agent.following.episodes`).
    """

    key: str
    rule: str
    subject: dict[str, str]
    labels: dict[str, str] = {}
    state: CaseState = "pending"
    hold: Hold | None = None
    severity: Severity = Severity.WARNING
    priority: Priority = "P4"
    first_seen: float
    last_seen: float
    judged_at: float = 0.0
    changed_at: float
    opened_at: float | None = None
    closed_at: float | None = None
    closed_by: ClosedBy | None = None
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    since: float | None = None
    breach_since: float | None = None
    healthy_since: float | None = None
    healthy_evidence: dict[str, Fact] = {}
    acknowledged_until: float | None = None
    deferred_until: float | None = None
    adopted: bool = False
    desks: tuple[str, ...] = ()
    ticket: TicketRef | None = None
    ticket_status: str = ""
    ticket_priority: Priority | None = None
    handler: str = ""
    confirmed: bool = False
    closed_by_person_at: float | None = None
    contest: Contest = "none"
    opened: tuple[float, ...] = ()
    recurring: bool = False
    parent: str | None = None
    members: tuple[str, ...] = ()
    told_ended: int = 0
    told_at: float = 0.0
    acts: tuple[Act, ...] = ()
    operations: int = 0
    care: Care = Care()
    proposed: tuple[MaintenanceWindow, ...] = ()
    agreed: Agreement | None = None
    calendar: int = 0
    episodes: tuple[Episode, ...] = ()


OperationKind = Literal["open", "reopen", "raise_priority", "comment", "resolve", "attach", "calendar"]
#: what a comment is about: the name of its wording template
Topic = Literal[
    "opened",
    "worse",
    "recovered",
    "not_fixed",
    "still_breaching",
    "closed",
    "returned",
    "recurring",
    "digest",
    "members",
    "attached",
    "not_attached",
    "diagnosis",
    "progress",
    "overdue_soon",
    "reminder",
    "dissatisfied",
    "escalated",
    "problem",
    "again",
    "agreed",
    "not_agreed",
    "window_moved",
    "window_over",
    "window_withdrawn",
    "health_report",
]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do at a desk, as language-neutral facts; queued in the transaction that changes its case.

    id: unique and stable, `<first 16 of the case key>-<mark of the records>-<number>`; it is the comment marker at the desk.
    desk: the configured name of the desk. copy: whether that is not the case's home.
    public: whether a comment is meant for the customer.
    facts: everything its wording needs, so that the courier reads no case.
    expires: unix seconds after which it is not said any more, for what is only news while it is fresh.
    """

    id: str
    case: str
    kind: OperationKind
    topic: Topic
    desk: str = ""  # in records from before there were many: the one that there was
    copy: bool = False
    public: bool = False
    facts: dict[str, object]
    created_at: float
    expires: float | None = None


#: why a file or a comment was given up that consent does not let out any more
FORBIDDEN = "forbidden"
#: why something was given up that waited until it was no news any more
EXPIRED = "expired"

QueueState = Literal["queued", "sending", "done", "rejected", "dropped"]


class QueuedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An Operation with its place in the outbox.

    sending: its intent is journalled and no result is; found so at the start of a batch, its outcome is unknown.
    rendered: the exact payload that leaves, and its SHA-256; once set, rendered again only when consent has come to less than
    `level`, the one by which it was rendered.
    not_before: unix seconds of the next try. reason: why the last try failed, from the closed set of DeskError reasons; of
    what is done or was given up, the outbox's own word for how that ended.
    """

    operation: Operation
    state: QueueState
    attempts: int = 0
    not_before: float = 0.0
    reason: str = ""
    detail: str = ""
    rendered: bytes | None = None
    digest: str = ""
    level: Level = "none"
    ref: TicketRef | None = None


class Delivered(msgspec.Struct, frozen=True, kw_only=True, tag="delivered"):
    """The desk did it, and it was read back. left_out: the desk cannot do such a thing, so that nothing was done.

    promise: what the ticket now says is due, where that was said, and where the desk can be read.
    windows: the times that it now tells of, in the order of their numbers; empty when it said nothing of any.
    """

    case: str
    operation: str
    kind: OperationKind
    ref: TicketRef
    at: float
    copy: bool = False
    left_out: bool = False
    promise: Promise | None = None
    windows: tuple[MaintenanceWindow, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The desk refused it; it is set aside in the outbox."""

    case: str
    operation: str
    kind: OperationKind
    reason: str
    at: float
    desk: str = ""
    copy: bool = False


class Observed(msgspec.Struct, frozen=True, kw_only=True, tag="observed"):
    """An open ticket as the desk has it now; `state` None when it is gone."""

    case: str
    state: TicketState | None
    at: float


class Adopted(msgspec.Struct, frozen=True, kw_only=True, tag="adopted"):
    """A ticket of this host that the desk has open and we did not know: our records were lost."""

    case: str
    ref: TicketRef
    at: float


class Acted(msgspec.Struct, frozen=True, kw_only=True, tag="acted"):
    """A person said so on the host itself (`foretell cases ack|defer|confirm`), whatever the desk can carry.

    window: the one that was accepted, when it is not one of the ticket's.
    """

    case: str
    act: Act
    at: float
    window: MaintenanceWindow | None = None


class Diagnosed(msgspec.Struct, frozen=True, kw_only=True, tag="diagnosed"):
    """A first look at the case's cause was made. found: how many things it found that its ticket can say."""

    case: str
    found: int
    at: float


class MaintenanceEnded(msgspec.Struct, frozen=True, kw_only=True, tag="maintenance_ended"):
    """A person said on the host that the work in the case's agreed window is done."""

    case: str
    by: str
    at: float


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Maintenance that somebody declared on the host; unix seconds. by: which account; reason: in their words."""

    since: float
    until: float
    by: str = ""
    reason: str = ""


DeskEvent = Delivered | Refused | Observed | Adopted | Acted | Diagnosed | MaintenanceEnded


class DeskHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the desk was at the end of the last batch; it is left in peace until `not_before`.

    at: of that batch; last_contact: of the last one in which it served us.
    detail: what is wrong with it; of a desk that serves us, which part of it does not.
    standing: whether it has to be told again before long what it was told, for it forgets. read: whether it can be looked at.
    all_seen: whether that batch looked at tickets, and was told of each how it is.
    """

    reachable: bool | None = None
    reason: str = ""
    detail: str = ""
    failures: int = 0
    not_before: float = 0.0
    at: float = 0.0
    last_contact: float | None = None
    standing: bool = False
    read: bool = True
    all_seen: bool = False
