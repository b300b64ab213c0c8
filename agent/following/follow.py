"""All cases of a host through one cycle: each followed by itself, then those gathered that a person would rather read as one.

A gathering (first look, maintenance, storm, a desk's overflow, and a problem: `problems`) is a case without a rule of its
own: it has members, its ticket speaks for them, and it is healthy when none of them breaches any more. A member that becomes
urgent leaves it and opens its own ticket. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from agent.following import maintenance
from agent.following.cases import UNMEASURED_AFTER, Followed, Situation, Step
from agent.following.desk_events import hear, hear_of_report
from agent.following.episodes import earlier_tickets, that_helped
from agent.following.findings import see
from agent.following.gatherings import members_recovered, open_gathering, put_off, take_members, tell_of_ended
from agent.following.model import HEALTH_REPORT, Adopted, Case, DeskEvent
from agent.following.priority import highest
from agent.following.problems import PROBLEM, follow_problem, open_problems
from agent.following.progress_notes import tell_progress
from agent.following.service_clock import watch
from agent.following.verification import remind
from thresholds import Finding

GatheringRule = Literal["first_look", "maintenance_digest", "storm", "overflow"]
GATHERINGS: frozenset[str] = frozenset({"first_look", "maintenance_digest", "storm", "overflow", PROBLEM})


def follow(
    cases: Mapping[str, Case], findings: Iterable[Finding], events: Sequence[DeskEvent], situation: Situation
) -> list[Step]:
    """Given the known cases, return a Step for each case, old and new. Raises nothing for any order of events."""
    if not situation.maintenance and maintenance.is_on(cases.values(), situation.now):
        situation = msgspec.structs.replace(situation, maintenance=True)
    followed = {key: Followed(case, situation) for key, case in cases.items()}
    for event in events:
        _take(followed, event, situation)
    of_rules = {one.case.rule for one in followed.values()}
    adopted = "" in of_rules  # such a case is of no known rule
    for finding in findings:
        if not (finding.severity or finding.rule in of_rules or adopted):
            continue  # seldom is anything wrong, and a key costs more than the rest
        key = situation.key(finding.rule, finding.subject)
        if key not in followed:
            if not finding.severity:
                continue
            followed[key] = Followed(_new_case(key, finding), situation)
        see(followed[key], finding)
    for one in followed.values():
        one.let_time_pass()
        remind(one)
    _recall(followed)
    _gather(followed, situation)
    open_problems(followed, situation)
    for one in followed.values():
        maintenance.watch(one)
        watch(one)
        members = (followed[key].case for key in one.case.members if key in followed)
        tell_progress(one, [case for case in members if case.state != "closed"])
    return [one.step(cases.get(key)) for key, one in followed.items()]


def _new_case(key: str, finding: Finding) -> Case:
    return Case(
        key=key,
        rule=finding.rule,
        subject=finding.subject,
        first_seen=finding.at,
        last_seen=finding.at,
        changed_at=finding.at,
    )


def _take(followed: dict[str, Followed], event: DeskEvent, situation: Situation) -> None:
    if isinstance(event, Adopted) and event.case not in followed:
        orphan = Case(
            key=event.case,
            rule="",  # known again as soon as a finding with this key comes by
            subject={},
            state="open",
            adopted=True,
            desks=(event.ref.desk,),
            ticket=event.ref,
            first_seen=event.at,
            last_seen=event.at,
            changed_at=event.at,
            opened_at=event.at,
        )
        followed[event.case] = Followed(orphan, situation, happenings=["adopted"])
    elif event.case in followed:
        one = followed[event.case]
        (hear_of_report if one.case.rule == HEALTH_REPORT else hear)(one, event)


def _recall(followed: Mapping[str, Followed]) -> None:
    """Give what opens now the last tickets of its rule, and what helped last: with itself, or else with another subject."""
    for one in followed.values():
        if one.wants_to_open:
            kin = [other.case for other in followed.values() if other.case.rule == one.case.rule]
            one.helped = that_helped([one.case]) or that_helped(kin)
            one.earlier = earlier_tickets(one.case, kin)


def _gather(followed: dict[str, Followed], situation: Situation) -> None:
    """Open what wants to open, then follow the gatherings."""
    if any(one.wants_to_open for one in followed.values()):
        _open_wanting(followed, situation)
    for one in list(followed.values()):
        if one.case.rule in GATHERINGS and one.case.state != "closed":
            _follow_members(one, followed)
    for one in followed.values():
        _forget_unmeasured(one, followed)


def _open_wanting(followed: dict[str, Followed], situation: Situation) -> None:
    """Open what wants to open, together where a person would rather read one ticket."""
    after_maintenance = [one for one in followed.values() if one.wants_to_open and one.case.hold == "maintenance"]
    from_first_look = [one for one in followed.values() if _belongs_to_first_look(one)]
    if from_first_look:
        _tell_first_look(followed, from_first_look, situation)
    if len(after_maintenance) > 1:
        subject = {"ended": str(int(situation.now))}
        _open_together(followed, after_maintenance, rule="maintenance_digest", subject=subject, situation=situation)
    rest = [one for one in followed.values() if one.wants_to_open]
    storm = _running_storm(followed, situation)
    if storm is not None and rest:
        _join(storm, rest)
    elif len(rest) + _opened_lately(followed, situation) >= situation.policy.storm_cases and len(rest) > 1:
        _open_together(followed, rest, rule="storm", subject={"began": str(int(situation.now))}, situation=situation)
    else:
        for desk in dict.fromkeys(one.desks[0] for one in rest):
            _open_within_budget(followed, desk, [one for one in rest if one.desks[0] == desk], situation)


def _open_within_budget(
    followed: dict[str, Followed], desk: str, wanting: Sequence[Followed], situation: Situation
) -> None:
    """Open the most urgent by themselves, as many as the desk takes in this time, and the rest in one ticket."""
    budget = situation.budgets.get(desk)
    room = len(wanting) if budget is None else max(budget - _opened_lately(followed, situation, desk), 0)
    wanting = sorted(wanting, key=lambda one: one.case.priority)
    for one in wanting[:room]:
        one.open()
    beyond = wanting[room:]
    overflow = _running_storm(followed, situation, desk)
    if beyond and overflow is not None:
        _join(overflow, beyond)
    elif beyond:
        subject = {"began": str(int(situation.now)), "desk": desk}
        _open_together(followed, beyond, rule="overflow", subject=subject, situation=situation)


def _belongs_to_first_look(one: Followed) -> bool:
    """Return whether a case that wants to open was held for the digest, and has not become urgent meanwhile."""
    return one.wants_to_open and one.case.hold == "first_look" and one.case.priority in {"P3", "P4"}


def _tell_first_look(followed: dict[str, Followed], members: list[Followed], situation: Situation) -> None:
    """Open the one digest of the first look, or add to it what could not be checked when that was due.

    When it is closed, it is too late for a first look: each opens by itself.
    """
    digest = followed.get(situation.key("first_look", {}))
    if digest is None:
        notices = [one.case for one in followed.values() if one.case.hold == "notice" and one.case.state == "pending"]
        _open_together(followed, members, rule="first_look", subject={}, situation=situation, notices=notices)
    elif digest.case.state != "closed":
        digest.set(rule="first_look")  # one that was adopted after records were lost does not know it yet
        _join(digest, members)


def _open_together(
    followed: dict[str, Followed],
    members: list[Followed],
    *,
    rule: GatheringRule,
    subject: dict[str, str],
    situation: Situation,
    notices: Iterable[Case] = (),
) -> None:
    """Open one ticket for `members`; `notices` are told in it too, but stay what they are."""
    key = situation.key(rule, subject)
    case = Case(
        key=key,
        rule=rule,
        subject=subject,
        severity=max(one.case.severity for one in members),
        priority=highest(one.case.priority for one in members),
        first_seen=min(one.case.first_seen for one in members),
        last_seen=situation.now,
        changed_at=situation.now,
        breach_since=situation.now,
        members=tuple(one.case.key for one in members),
    )
    parent = followed[key] = Followed(case, situation)
    told = [one.case for one in members]
    for one in members:
        one.open(parent=key)
        one.wants_to_open = False
    open_gathering(parent, [*told, *notices])


def _running_storm(followed: Mapping[str, Followed], situation: Situation, desk: str = "") -> Followed | None:
    """Return the storm, or the overflow of `desk`, that still takes members: that took its last within the storm window."""
    for one in followed.values():
        joined = one.case.last_seen
        if (
            (one.case.rule == "overflow" and one.case.subject.get("desk") == desk if desk else one.case.rule == "storm")
            and one.case.state in {"open", "acknowledged"}
            and 0 <= situation.now - joined < situation.policy.storm_window
        ):
            return one
    return None


def _opened_lately(followed: Mapping[str, Followed], situation: Situation, desk: str = "") -> int:
    """Return how many cases got a ticket of their own within the storm window: at `desk`, or anywhere."""
    return sum(
        1
        for one in followed.values()
        if one.case.parent is None
        and (not desk or one.desks[0] == desk)
        and one.case.rule not in GATHERINGS
        and one.case.opened_at is not None
        and 0 <= situation.now - one.case.opened_at < situation.policy.storm_window
    )


def _join(gathering: Followed, members: list[Followed]) -> None:
    told = [one.case for one in members]
    for one in members:
        one.open(parent=gathering.case.key)
        one.wants_to_open = False
    take_members(gathering, told)


def _follow_members(parent: Followed, followed: Mapping[str, Followed]) -> None:
    """End a gathering when all members have ended; a person who closes its ticket has taken note of all of them.

    A member that got urgent and has a ticket of its own is not over for that.
    """
    if parent.case.rule == PROBLEM:
        follow_problem(parent, followed)
        return
    members = [followed[key] for key in parent.case.members if key in followed]
    if parent.case.closed_by_person_at is not None:
        for one in members:
            if one.case.parent == parent.case.key:
                put_off(one)
        parent.close("person")
    elif all(one.case.state == "closed" for one in members):
        members_recovered(parent)
    else:
        tell_of_ended(parent, [one.case for one in members])


def _forget_unmeasured(one: Followed, followed: Mapping[str, Followed]) -> None:
    """End a case that nothing measures any more, and whose one ticket, which told of many, is closed: there is nobody to ask."""
    case = one.case
    if case.parent is None or case.ticket is not None or one.seen or case.state in {"pending", "closed"}:
        return
    parent = followed.get(case.parent)
    unmeasured = one.now - max(case.judged_at, case.changed_at) >= UNMEASURED_AFTER
    if unmeasured and (parent is None or parent.case.state == "closed"):
        one.close("parent")
