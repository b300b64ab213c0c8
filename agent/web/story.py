"""What happened to a case, from its records: each line as something the customer's page can say, or for IT only."""

from __future__ import annotations

from collections.abc import Mapping

from agent.status import CaseDetails, TimeLineEntry
from agent.web.view import Happening, Story

# What is on record, and what the customer is told of it; of the rest only IT is told, in the words of `agent.case_details`.
_PLAIN: Mapping[str, Story] = {
    "told in a digest": "told_with_others",
    "worse than what was acknowledged": "worse",
    "acknowledgement expired": "note_ended",
    "deferral ended": "deferral_ended",
    "healthy readings": "recovering",
    "relapsed": "relapsed",
    "recovery verified": "verified",
    "all members recovered": "verified",
    "returned": "returned",
    "closed by person": "closed_by_person",
    "closed by rule": "closed_by_rule",
    "closed by parent": "closed_by_parent",
    "went away by itself": "gone",
    "over before the desk was told": "gone",
    "first_response met": "answer_met",
    "first_response missed": "answer_missed",
    "fix met": "fix_met",
    "fix missed": "fix_missed",
    "window moved": "window_moved",
    "window over": "window_over",
    "window withdrawn": "window_withdrawn",
    "delivered open": "ticket_opened",
    "delivered reopen": "returned",
    "delivered raise_priority": "raised",
    "delivered comment": "written",
    "delivered attach": "attached",
    "delivered calendar": "attached",
    "delivered resolve": "ticket_resolved",
}
_ACTS: Mapping[str, Story] = {
    "reply": "reply",
    "acknowledge": "acknowledge",
    "confirm": "confirm",
    "accept_window": "accept_window",
    "defer": "defer",
    "wont_fix": "wont_fix",
    "resolve": "resolve",
    "reopen": "reopen",
    "rate": "rate",
    "cause": "cause",
    "done": "done",
    "maintenance ended": "maintenance_ended",
}


def happenings(details: CaseDetails) -> tuple[Happening, ...]:
    """Return everything that happened, oldest first, from the first time that it was seen."""
    first = Happening(at=details.case.first_seen, kind="seen")
    return tuple(sorted([first, *map(_happening, details.time_line)], key=lambda one: one.at))


def _happening(entry: TimeLineEntry) -> Happening:
    act, _, person = entry.record.partition(" by ")
    if person and act in _ACTS:
        return Happening(at=entry.at, kind=_ACTS[act], by=person, plain=entry.what)
    if entry.record.startswith("escalated to "):
        return Happening(at=entry.at, kind="escalated", plain=entry.what)
    return Happening(at=entry.at, kind=_PLAIN.get(entry.record), by=entry.by, plain=entry.what)
