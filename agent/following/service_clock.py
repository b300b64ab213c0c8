"""The clocks of a case: first answer and fix against what was promised, warnings before they are missed. Pure.

What was promised is what the desk was told (`calendar.service_levels` plans it, in the courier). Where a desk cannot be read
nobody knows whether it was kept: then there is no promise here, no warning, and no count.
"""

from __future__ import annotations

import msgspec

from agent.following.cases import Followed
from agent.following.escalation import escalate
from agent.following.model import Delivered, Kept, Promise, Promised
from agent.following.priority import highest
from ticketing_clients import Act, ActKind, Priority

# What people at the desk do. The lines that a ticket teaches its reader are the customer's, and no answer of the desk.
_ANSWERS: frozenset[ActKind] = frozenset(
    {"reply", "acknowledge", "defer", "wont_fix", "resolve", "reopen", "cause", "done"}
)
# Desks keep due times to the second or to the minute.
_SAME = 60.0


def effective_priority(one: Followed) -> Priority:
    """Return how urgent the ticket is for whoever waits: the case's priority, a person's, or that which was promised."""
    case = one.case
    promised = case.care.promise
    return highest(
        (case.priority, case.ticket_priority or case.priority, promised.priority if promised else case.priority)
    )


def promise(one: Followed, event: Delivered) -> None:
    """Take in what the ticket promises now."""
    if event.promise is None or event.copy:
        return
    care = one.case.care
    if care.promise is not None:  # raised, or opened again: since when it counts stays, and an answer is due only once
        made = msgspec.structs.replace(event.promise, since=care.promise.since)
        if care.answered_at is not None:
            made = msgspec.structs.replace(
                made, answer_due=care.promise.answer_due, answer_warning=care.promise.answer_warning
            )
        one.tend(promise=made)
    else:
        # What a ticket shows is compared with what it was told when it was opened, whatever was promised meanwhile; opened again,
        # it shows what it did before.
        told = event.promise.fix_due if event.kind == "open" else care.desk_due
        one.tend(promise=event.promise, desk_due=told)


def hear_act(one: Followed, act: Act) -> None:
    """Count what a person did as the desk's first answer, if it is one."""
    care, at = one.case.care, act.at.timestamp()
    if care.promise is None or care.answered_at is not None or act.kind not in _ANSWERS:
        return
    if not _is_customer(one, act.by) and at >= care.promise.since - _SAME:
        one.tend(answered_at=at)


def _is_customer(one: Followed, name: str) -> bool:
    """Return whether `name`, as the desk shows who did it, is the customer's contact."""
    contact = one.situation.customer.contact.casefold()
    return bool(name) and name.casefold() in {contact, contact.partition("@")[0]}


def hear_due(one: Followed, due: float | None) -> None:
    """Take over a due time that a person, or the desk's own rules, set in place of ours."""
    care = one.case.care
    if due is None or care.promise is None or due == care.desk_due:
        return
    before = care.desk_due if care.desk_due is not None else care.promise.fix_due
    one.tend(desk_due=due)
    if abs(due - before) >= _SAME:
        _move_fix(one, due)
        one.happenings.append("due time changed at the desk")


def put_off(one: Followed, until: float) -> None:
    """Let the fix be due no sooner than a person asked for."""
    promised = one.case.care.promise
    if promised is not None and until > promised.fix_due:
        _move_fix(one, until)


def _move_fix(one: Followed, due: float) -> None:
    care = one.case.care
    promised = care.promise
    if promised is None:
        return
    ahead = promised.fix_due - promised.fix_warning
    moved = msgspec.structs.replace(promised, fix_due=due, fix_warning=max(due - ahead, min(one.now, due)))
    one.tend(promise=moved, warned=tuple(what for what in care.warned if what != "fix"))


def watch(one: Followed) -> None:
    """Settle what is known to be kept or missed by now, and warn of what may be missed soon."""
    case = one.case
    promised = case.care.promise
    if promised is None or case.parent is not None:
        return
    _note_fix(one)
    _watch_answer(one, promised)
    _watch_fix(one, promised)


def _note_fix(one: Followed) -> None:
    """Keep from when measurements were good, once that is verified; a problem that is back is not fixed."""
    case = one.case
    if case.state in {"awaiting_confirmation", "closed"}:
        fixed_at = case.healthy_since or case.closed_by_person_at or case.closed_at
    else:
        fixed_at = None
    if fixed_at != case.care.fixed_at and "fix" not in case.care.settled:
        one.tend(fixed_at=fixed_at)


def _watch_answer(one: Followed, promised: Promise) -> None:
    care = one.case.care
    if care.answered_at is not None:
        _settle(one, "first_response", met=care.answered_at <= promised.answer_due + _SAME)
    elif one.case.state == "closed" or care.fixed_at is not None:
        return  # it was over before anybody had to answer
    elif one.now > promised.answer_due + _SAME:
        _settle(one, "first_response", met=False)
    elif one.now >= promised.answer_warning:
        _warn(one, "first_response")


def _watch_fix(one: Followed, promised: Promise) -> None:
    case = one.case
    if case.state == "closed":
        fixed_at = case.care.fixed_at
        _settle(one, "fix", met=fixed_at is not None and fixed_at <= promised.fix_due + _SAME)
    elif case.state not in {"open", "acknowledged"}:
        return  # put off by a person, or measured in order: whether that lasts is not known yet
    elif one.now > promised.fix_due + _SAME:
        _settle(one, "fix", met=False)
    elif one.now >= promised.fix_warning:
        _warn(one, "fix")


def _settle(one: Followed, what: Promised, *, met: bool) -> None:
    care, promised = one.case.care, one.case.care.promise
    if promised is None or what in care.settled:
        return
    kept: Kept = "met" if met else "missed"
    one.tend(settled=(*care.settled, what))
    one.kept.append((what, promised.priority, kept))
    one.happenings.append(f"{what} {kept}")


def _warn(one: Followed, what: Promised) -> None:
    care = one.case.care
    if what in care.warned or what in care.settled or one.case.ticket is None or one.case.closed_by_person_at:
        return
    one.tend(warned=(*care.warned, what))
    one.happenings.append(f"{what} may be missed")
    one.ask("comment", "overdue_soon", desks=one.desks[:1])
    escalate(one, f"{what} may be missed")
