"""Escalation: a ticket that will not be settled in time, or that a first look cannot explain, is handed on, once. Pure.

To where the case's route says (`escalate_to`): a second or third line is a desk of its own, perhaps another queue of the same
server, and gets a copy of the ticket. The customer's ticket stays where it is, and says so.
"""

from __future__ import annotations

from agent.following.cases import Followed
from agent.following.model import Diagnosed
from agent.following.routing import second_line


def escalate(one: Followed, reason: str) -> None:
    """Hand the case on, unless it was already, it has ended, or nowhere is configured; `reason` says why on its time line."""
    case, situation = one.case, one.situation
    to = second_line(case, situation.customer, situation.delivery)
    if not to or case.ticket is None or case.care.escalated_at is not None or case.closed_by_person_at is not None:
        return
    if case.state not in {"open", "acknowledged"} or case.parent is not None:
        return
    one.tend(escalated_at=one.now, escalated_to=to)
    one.happenings.append(f"escalated to {to}: {reason}")
    home = one.desks[:1]
    if to not in one.desks:
        one.set(desks=(*one.desks, to))
        one.ask("open", "escalated", desks=(to,))
    one.ask("comment", "escalated", desks=home if to in home else (*home, to))


def hear(one: Followed, event: Diagnosed) -> None:
    """Take in what came of the first look; one that found nothing is a reason to hand the case on."""
    one.tend(diagnosed_at=event.at, unexplained=event.found == 0)
    if event.found == 0:
        escalate(one, "the first look explains nothing")
