"""What a finding does to a case: it opens, gets worse, recovers, comes back. Pure."""

from __future__ import annotations

from agent.following import priority as priorities
from agent.following.cases import Followed
from agent.following.flapping import verification_time
from agent.following.maintenance import verified_since
from thresholds import Finding, Severity
from ticketing_clients import Priority


def see(one: Followed, finding: Finding) -> None:
    """Take in what a rule says now."""
    one.seen = True
    if not one.case.rule:
        one.set(rule=finding.rule, subject=finding.subject)
    if finding.severity is Severity.HEALTHY:
        _see_healthy(one, finding)
    else:
        _see_breach(one, finding)


def _see_breach(one: Followed, finding: Finding) -> None:
    case = one.case
    earlier_severity = case.severity
    one.set(
        severity=finding.severity,
        labels=finding.labels,
        evidence=finding.evidence,
        forecast=finding.forecast,
        since=finding.since,
        last_seen=finding.at,
        judged_at=finding.at,
        breach_since=_running_since(one, case.breach_since),
        healthy_since=None,
        # Whoever confirmed an earlier recovery did not know of this.
        confirmed=case.confirmed and case.state == "awaiting_confirmation",
        adopted=False,
    )
    if case.adopted:  # what its ticket was opened with is not known; this is no change for the worse
        one.set(priority=_assess(one))
        one.set(desks=(*one.desks[:1], *(desk for desk in one.route()[1:] if desk not in one.desks)))
    match case.state:
        case "closed":
            one.become("pending", "seen again", first_seen=finding.at)
            _wait_or_open(one)
        case "pending":
            _wait_or_open(one)
        case "recovering":
            _relapse(one)
            _worsen(one, earlier_severity)
        case "awaiting_confirmation":
            if _held_long_enough(one):
                _return(one)
        case _:
            _worsen(one, earlier_severity)


def _wait_or_open(one: Followed) -> None:
    """Decide what a case that is not open waits for, in the order of `Hold`."""
    situation, case = one.situation, one.case
    priority = _assess(one)
    if case.severity is Severity.NOTICE:
        one.set(hold="notice", priority=priority)
    elif not _held_long_enough(one):
        one.set(hold="for", priority=priority)
    elif one.now < situation.first_look_ends and priority in {"P3", "P4"}:
        one.set(hold="first_look", priority=priority)
    elif situation.maintenance:
        one.set(hold="maintenance", priority=priority)
    else:
        one.set(priority=priority)
        one.wants_to_open = True


def _running_since(one: Followed, since: float | None) -> float:
    """Return the start of the present run; one in the future was dated by a clock that was set back while we were away."""
    return one.now if since is None else min(since, one.now)


def _held_long_enough(one: Followed) -> bool:
    hold = one.rule.hold if one.rule else 0.0
    return one.case.breach_since is not None and one.now - one.case.breach_since >= hold


def _assess(one: Followed) -> Priority:
    rule_impact = one.rule.impact if one.rule else "medium"
    situation = one.situation
    policy = situation.priorities
    impact = priorities.impact(rule_impact, situation.host.criticality, situation.customer.tier, policy)
    return priorities.assess(impact, priorities.urgency(one.case.severity, one.case.forecast, one.now, policy), policy)


def _return(one: Followed) -> None:
    """Say that the problem is back before anybody confirmed that it was gone; its ticket is still open."""
    one.set(opened=(*one.opened_lately(), one.now), confirmed=False)
    one.set(recurring=len(one.case.opened) >= one.situation.policy.recurring_after)
    one.become("open", "returned")
    one.ask("comment", "returned", public=True)


def _relapse(one: Followed) -> None:
    """Go on where the recovery began: what flaps takes nothing back that a person acknowledged or put off."""
    case = one.case
    if case.acknowledged_until is not None:
        one.become("acknowledged", "relapsed", acknowledged_until=case.acknowledged_until)
    elif case.deferred_until is not None:
        one.become("deferred", "relapsed", deferred_until=case.deferred_until)
    else:
        one.become("open", "relapsed")


def _worsen(one: Followed, earlier_severity: Severity) -> None:
    """Raise the priority when it got worse. It never falls: better findings end in recovery, not in a smaller ticket.

    What a digest told of and that got urgent opens by itself, as soon as something may: until then its priority waits too.
    """
    case, priority = one.case, _assess(one)
    more = priorities.worse(priority, case.priority)
    if case.state in {"acknowledged", "deferred"} and (more or case.severity > earlier_severity):
        one.become("open", "worse than what was acknowledged")
    opens = case.parent is not None and priority in {"P1", "P2"}
    if not more or (opens and one.situation.maintenance):
        return
    earlier = case.priority
    one.set(priority=priority)
    if opens:
        one.wants_to_open = True
    elif case.parent is None:
        one.raise_priority("worse", earlier)
        one.ask("comment", "worse", public=True, earlier_priority=earlier)


def _see_healthy(one: Followed, finding: Finding) -> None:
    case = one.case
    if case.state == "closed":
        return  # no news: what was measured when it ended is kept
    one.set(
        healthy_since=_running_since(one, case.healthy_since),
        healthy_evidence=finding.evidence,
        judged_at=finding.at,
        breach_since=None,
    )
    match case.state:
        case "pending":
            one.go_away("went away by itself")
        case "open" | "acknowledged" | "deferred":
            one.become("recovering", "healthy readings")
        case "recovering":
            _verify(one)
        case _:
            pass


def _verify(one: Followed) -> None:
    """Believe a recovery when it has lasted; then the other half of the two-way check is a person's."""
    case = one.case
    if case.healthy_since is None:
        return
    if one.now - verified_since(one, case.healthy_since) < verification_time(case, one.rule):
        return
    if case.parent is not None:
        one.close("parent")
    elif case.ticket is None:
        one.end_untold()
    elif case.closed_by_person_at is not None or case.confirmed:
        one.close("person")
    else:
        one.become("awaiting_confirmation", "recovery verified")
        one.ask("comment", "recovered", public=True)
