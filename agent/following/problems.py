"""A problem ticket for what keeps coming back: opened once beside the ticket at hand, it asks for the cause. Pure.

It is a case of its own that speaks for the one that recurs. It ends when a person closes it, or when nothing has come back for as
long as recurrences are counted; then a person is asked to confirm that, like for any recovery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.following.cases import RECURRENCE_PERIOD, Followed, Situation
from agent.following.gatherings import members_recovered
from agent.following.model import Case
from ticketing_clients import Priority

PROBLEM: Final = "problem"
# What is urgent about it is in the ticket at hand; finding a cause is work that is planned.
PRIORITY: Priority = "P3"


def open_problems(followed: dict[str, Followed], situation: Situation) -> None:
    """Open a problem ticket for every case that recurs and has none; what recurs during maintenance waits for its end."""
    if situation.maintenance:
        return
    for one in list(followed.values()):
        case = one.case
        if not case.recurring or case.state != "open" or case.parent is not None or case.ticket is None:
            continue
        if not any(_is_about(other.case, case, situation) for other in followed.values()):
            _open(followed, one, situation)


def _is_about(problem: Case, case: Case, situation: Situation) -> bool:
    """Return whether `problem` is the ticket for what recurs in `case`: open, or closed and not often enough since."""
    if problem.rule != PROBLEM or case.key not in problem.members:
        return False
    closed_at = problem.closed_at
    if problem.state != "closed" or closed_at is None:
        return True
    return sum(at > closed_at for at in case.opened) < situation.policy.recurring_after


def _open(followed: dict[str, Followed], member: Followed, situation: Situation) -> None:
    now = situation.now
    subject = {"of": member.case.key[:16], "began": str(int(now))}
    key = situation.key(PROBLEM, subject)
    case = Case(
        key=key,
        rule=PROBLEM,
        subject=subject,
        severity=member.case.severity,
        priority=PRIORITY,
        first_seen=now,
        last_seen=now,
        changed_at=now,
        breach_since=now,
        members=(member.case.key,),
    )
    problem = followed[key] = Followed(case, situation)
    problem.become("open", "opened", opened_at=now, opened=(now,), told_at=now, desks=problem.route())
    problem.ask("open", PROBLEM, members=[member.case])


def follow_problem(problem: Followed, followed: Mapping[str, Followed]) -> None:
    """Link both tickets, tell the problem's of each return, and end it."""
    case = problem.case
    members = [followed[key] for key in case.members if key in followed]
    if case.closed_by_person_at is not None:
        problem.close("person")
        return
    for member in members:
        if case.ticket is not None and not case.told_ended:
            problem.set(told_ended=1)
            member.ask("comment", PROBLEM, public=True, members=[case])
    returned = [one for one in members if one.case.opened and one.case.opened[-1] > case.told_at]
    if returned:
        problem.set(told_at=problem.now, last_seen=problem.now)
        if case.state == "awaiting_confirmation":
            problem.become("open", "returned", healthy_since=None, breach_since=problem.now)
        if case.ticket is not None:
            problem.ask("comment", "again", members=[one.case for one in returned])
    elif problem.now - case.told_at >= RECURRENCE_PERIOD and all(one.case.state == "closed" for one in members):
        members_recovered(problem)
