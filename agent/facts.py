"""What an Operation carries: everything its wording needs, language-neutral. `agent.cases` packs it, `agent.render` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from agent.model import Case, ClosedBy
from thresholds import Fact, Forecast, Rule, Severity
from ticketing_clients import ActKind, Priority, TicketType

Impact = Literal["high", "medium", "low"]


class MemberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One problem that a digest or storm ticket speaks for. `summary` is the rule's own plain line."""

    rule: str
    summary: str = ""
    subject: dict[str, str] = {}
    severity: Severity = Severity.WARNING
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    since: float | None = None


class ActFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a person who is not us did or wrote on the ticket."""

    kind: ActKind
    at: float
    by: str = ""
    text: str = ""


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
    acts: of people, oldest first. unseen: names of the collectors and rules that could not check at the time.
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
    opened: tuple[float, ...] = ()
    recurring: bool = False
    closed_at: float | None = None
    closed_by: ClosedBy | None = None
    members: tuple[MemberFacts, ...] = ()
    acts: tuple[ActFacts, ...] = ()
    unseen: tuple[str, ...] = ()


def case_facts(
    case: Case,
    rules: Mapping[str, Rule],
    unseen: tuple[str, ...] = (),
    earlier_priority: Priority | None = None,
    members: Sequence[Case] = (),
) -> CaseFacts:
    """Return what is known of `case` now; `members` are the cases that it speaks for in this operation."""
    rule = rules.get(case.rule)
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
        verify=rule.verify if rule else None,
        opened=case.opened,
        recurring=case.recurring,
        closed_at=case.closed_at if case.state == "closed" else case.closed_by_person_at or case.closed_at,
        closed_by=case.closed_by,
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
    )


def pack(facts: CaseFacts) -> dict[str, object]:
    """Return `facts` as an Operation carries them: plain values that JSON knows."""
    packed: dict[str, object] = msgspec.to_builtins(facts)
    return packed


def unpack(packed: dict[str, object]) -> CaseFacts:
    """Return the facts in `packed`; raises msgspec.ValidationError when they are not what `pack` makes."""
    return msgspec.convert(packed, CaseFacts)
