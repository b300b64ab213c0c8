"""What an Operation carries: everything its wording needs, language-neutral. `cases` packs it, `wording.render` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.following.flapping import verification_time
from agent.following.model import Case, ClosedBy, EarlierTicket, Episode, Promise, Promised
from thresholds import Fact, Forecast, Rule, Severity
from ticketing_clients import ActKind, Priority, TicketType

Impact = Literal["high", "medium", "low"]


class MemberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One problem that a digest or storm ticket speaks for. `summary` is the rule's own plain line.

    ticket: of its own, if it has one. opened: the times it opened within 30 days. episodes: those that ended.
    """

    rule: str
    summary: str = ""
    subject: dict[str, str] = {}
    severity: Severity = Severity.WARNING
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    since: float | None = None
    ticket: str = ""
    opened: tuple[float, ...] = ()
    episodes: tuple[Episode, ...] = ()


class ActFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a person who is not us did or wrote on the ticket."""

    kind: ActKind
    at: float
    by: str = ""
    text: str = ""


class FoundFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a first diagnosis found, as its ticket may say it: shaped like a Reading, redacted.

    unit: of `value`, or `text`. whole: nothing that belongs to it was hidden; otherwise it is "at least".
    """

    name: str
    value: float | str
    unit: str
    labels: dict[str, str] = {}
    whole: bool = True


class UnseenFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a first diagnosis could not see, in words of our own: how many of `what`, where that is known, and the reason."""

    what: str
    reason: str
    count: int | None = None


class DiagnosisFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a first diagnosis may stand on its ticket. at: unix seconds when it was made."""

    at: float
    found: tuple[FoundFact, ...] = ()
    unseen: tuple[UnseenFact, ...] = ()


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One case at the moment of the operation; times are unix seconds, durations seconds, values in base units.

    rule, summary, type, impact, remedy: of the rule (`remedy` is the rule's own id when it names none). A case that no
    rule made carries `first_look`, `storm` or `maintenance_digest` as its rule and speaks for its `members`.
    subject: the labels that identify it, and only those.
    evidence, forecast, severity: of the last finding that was not healthy; since: from when the source says it lasts.
    priority: the one the ticket gets now; earlier_priority: the one it had, when this operation raises it.
    healthy_since, healthy_evidence: the present healthy run, for recovered and closed; verify: how long it had to last.
    opened: the times it opened or reopened within 30 days, oldest first. recurring: whether that is too often.
    closed_at, closed_by: for closed, and for those that follow a closing (not_fixed: the person's, returned: the case's).
    changed_at: when its state changed last. measured_at: when it was last judged.
    noted_at, noted: when the last progress note was, and what was measured then.
    handler: who works on it, by the desk. promise: what the ticket said is due; answered_at: when the desk answered.
    cause, done: in the words of whoever settled it. rating: the customer's, 1 to 5. escalated_to: the desk it was handed on to;
    unexplained: whether a first look found nothing. ticket: where it is at its home, as people open it.
    episodes: the earlier times that it was open, the newest last. helped: what helped at the last one, or elsewhere on the host.
    earlier: the last tickets of this rule on this host, the newest first.
    at_risk: what of it may be missed. acts: of people, oldest first.
    unseen: names of the collectors and rules that could not check at the time.
    diagnosis: what a first look found; only where that is told, and only by consent.
    agreed: the window that a person accepted. entry: what people's calendars hold of it until now; calendar: the version that
    this operation makes of that.
    """

    key: str
    rule: str
    summary: str = ""
    type: TicketType = "capacity"
    impact: Impact = "medium"
    remedy: str = ""
    subject: dict[str, str] = {}
    severity: Severity = Severity.WARNING
    priority: Priority = "P4"
    earlier_priority: Priority | None = None
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    since: float | None = None
    first_seen: float
    opened_at: float | None = None
    healthy_since: float | None = None
    healthy_evidence: dict[str, Fact] = {}
    verify: float | None = None
    changed_at: float | None = None
    opened: tuple[float, ...] = ()
    recurring: bool = False
    closed_at: float | None = None
    closed_by: ClosedBy | None = None
    measured_at: float | None = None
    noted_at: float | None = None
    noted: dict[str, Fact] = {}
    handler: str = ""
    promise: Promise | None = None
    answered_at: float | None = None
    at_risk: tuple[Promised, ...] = ()
    cause: str = ""
    done: str = ""
    rating: int | None = None
    escalated_to: str = ""
    unexplained: bool = False
    ticket: str = ""
    episodes: tuple[Episode, ...] = ()
    helped: Episode | None = None
    earlier: tuple[EarlierTicket, ...] = ()
    members: tuple[MemberFacts, ...] = ()
    acts: tuple[ActFacts, ...] = ()
    unseen: tuple[str, ...] = ()
    diagnosis: DiagnosisFacts | None = None
    agreed: MaintenanceWindow | None = None
    entry: MaintenanceWindow | None = None
    calendar: int = 0


def case_facts(
    case: Case,
    rules: Mapping[str, Rule],
    unseen: tuple[str, ...] = (),
    earlier_priority: Priority | None = None,
    members: Sequence[Case] = (),
    *,
    helped: Episode | None = None,
    earlier: tuple[EarlierTicket, ...] = (),
) -> CaseFacts:
    """Return what is known of `case` now; `members` are the cases that it speaks for in this operation.

    helped: what settled something of its kind before. earlier: the tickets that were about its kind before.
    """
    rule = rules.get(case.rule)
    care = case.care
    return CaseFacts(
        key=case.key,
        rule=case.rule,
        summary=rule.summary if rule else "",
        type=rule.type if rule else "capacity",
        impact=rule.impact if rule else "medium",
        remedy=(rule.remedy if rule else None) or case.rule,
        subject=case.subject,
        severity=case.severity,
        priority=case.priority,
        earlier_priority=earlier_priority,
        evidence=case.evidence,
        forecast=case.forecast,
        since=case.since,
        first_seen=case.first_seen,
        opened_at=case.opened_at,
        healthy_since=case.healthy_since,
        healthy_evidence=case.healthy_evidence,
        verify=verification_time(case, rule) if rule else None,
        changed_at=case.changed_at,
        opened=case.opened,
        recurring=case.recurring,
        closed_at=case.closed_at if case.state == "closed" else case.closed_by_person_at or case.closed_at,
        closed_by=case.closed_by,
        measured_at=case.judged_at or None,
        noted_at=care.noted_at,
        noted=care.noted,
        handler=case.handler,
        promise=care.promise,
        answered_at=care.answered_at,
        at_risk=tuple(what for what in care.warned if what not in care.settled),
        cause=care.cause,
        done=care.done or care.resolution,
        rating=care.rating,
        escalated_to=care.escalated_to,
        unexplained=care.unexplained,
        ticket=_place(case),
        episodes=case.episodes,
        helped=helped,
        earlier=earlier,
        agreed=case.agreed.window if case.agreed else None,
        entry=case.agreed.window if case.agreed else next(iter(case.proposed), None),
        calendar=case.calendar,
        members=tuple(_member_facts(member, rules) for member in members),
        acts=tuple(ActFacts(kind=act.kind, at=act.at.timestamp(), by=act.by, text=act.text) for act in case.acts),
        unseen=unseen,
    )


def _member_facts(member: Case, rules: Mapping[str, Rule]) -> MemberFacts:
    rule = rules.get(member.rule)
    return MemberFacts(
        rule=member.rule,
        summary=rule.summary if rule else "",
        subject=member.subject,
        severity=member.severity,
        evidence=member.evidence,
        forecast=member.forecast,
        since=member.since,
        ticket=_place(member),
        opened=member.opened,
        episodes=member.episodes,
    )


def _place(case: Case) -> str:
    """Return where people find the ticket of `case`: its address, or else its number."""
    return (case.ticket.url or case.ticket.id) if case.ticket else ""


def pack(facts: CaseFacts) -> dict[str, object]:
    """Return `facts` as an Operation carries them: plain values that JSON knows."""
    packed: dict[str, object] = msgspec.to_builtins(facts)
    return packed


def unpack(packed: dict[str, object]) -> CaseFacts:
    """Return the facts in `packed`; raises msgspec.ValidationError when they are not what `pack` makes."""
    return msgspec.convert(packed, CaseFacts)
