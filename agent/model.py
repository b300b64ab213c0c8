"""The agent's own records: Case, Operation, and what comes back from the desk. Data only; times are unix seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from thresholds import Fact, Forecast, Severity
from ticketing_clients import Act, Priority, TicketRef, TicketState

CaseState = Literal["pending", "open", "acknowledged", "deferred", "recovering", "awaiting_confirmation", "closed"]
#: why a case that could open does not, in the order in which they apply
Hold = Literal["notice", "for", "first_look", "maintenance"]
#: after a person closed a ticket that still breaches: reopened once, and after that only told
Contest = Literal["none", "asked", "reopened", "over"]

#: a person's word, the rule that an unconfirmed recovery ends by itself, the gathering's end, or gone before it opened
ClosedBy = Literal["person", "rule", "parent", "cleared"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Our record of one developing problem, from first Finding to verified close.

    evidence, forecast, severity, since: of the last finding that was not healthy.
    last_seen: of the last unhealthy finding; judged_at: of the last finding of any kind.
    adopted: all that is known of it is the ticket that the desk had; a forecast has to learn anew before its word counts.
    breach_since, healthy_since: start of the present run of findings; at most one of them is set.
    opened: the times this key opened or came back within the last 30 days; enough of them make it recurring.
    parent: key of the digest or storm case whose ticket speaks for this one. members: the keys such a parent speaks for.
    told_ended: how many members the ticket was told to be over; told_at: when it was told so last.
    desks: the names of the desks it was opened at, its home first (`agent.routing`); none while its parent speaks for it.
    acts: what people did on the ticket, the last 50, so that each counts once.
    operations: how many operations this case has made, which numbers the next.
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


OperationKind = Literal["open", "reopen", "raise_priority", "comment", "resolve", "attach"]
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
]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do at a desk, as language-neutral facts; queued in the transaction that changes its case.

    id: unique and stable, `<first 16 of the case key>-<number>`; it is the comment marker at the desk.
    desk: the configured name of the desk. copy: whether that is not the case's home.
    public: whether a comment is meant for the customer.
    facts: everything its wording needs, so that the courier reads no case.
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


#: why a file was given up that consent does not let out any more
FORBIDDEN = "forbidden"

QueueState = Literal["queued", "sending", "done", "rejected", "dropped"]


class QueuedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An Operation with its place in the outbox.

    sending: its intent is journalled and no result is; found so at the start of a batch, its outcome is unknown.
    rendered: the exact payload that leaves, and its SHA-256; once set, never rendered again.
    not_before: unix seconds of the next try. reason: why the last try failed, from the closed set of DeskError reasons.
    """

    operation: Operation
    state: QueueState
    attempts: int = 0
    not_before: float = 0.0
    reason: str = ""
    detail: str = ""
    rendered: bytes | None = None
    digest: str = ""
    ref: TicketRef | None = None


class Delivered(msgspec.Struct, frozen=True, kw_only=True, tag="delivered"):
    """The desk did it, and it was read back. left_out: the desk cannot do such a thing, so that nothing was done."""

    case: str
    operation: str
    kind: OperationKind
    ref: TicketRef
    at: float
    copy: bool = False
    left_out: bool = False


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
    """A person said so on the host itself (`foretell cases ack|defer|confirm`), whatever the desk can carry."""

    case: str
    act: Act
    at: float


DeskEvent = Delivered | Refused | Observed | Adopted | Acted


class DeskHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the desk was at the end of the last batch; it is left in peace until `not_before`.

    at: of that batch; last_contact: of the last one in which it served us.
    """

    reachable: bool | None = None
    reason: str = ""
    detail: str = ""
    failures: int = 0
    not_before: float = 0.0
    at: float = 0.0
    last_contact: float | None = None
