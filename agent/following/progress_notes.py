"""Notes of what is measured now, while something urgent is open: when one is due, and what it has to say. Pure.

The rhythm is the service level's (`service_levels.P1.progress`). A note is said at the case's home only, is dropped where it
could not be said before the next one, and stops as soon as measurements are good, a person closes the ticket, or puts it off.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.following.cases import Followed
from agent.following.model import Case, Delivered, Refused
from agent.following.service_clock import effective_priority


def hear(one: Followed, event: Delivered | Refused) -> None:
    """Note that a note has arrived, or was given up, so that the next may follow."""
    if event.operation and event.operation == one.case.care.note:
        one.tend(note="")


def tell_progress(one: Followed, members: Sequence[Case] = ()) -> None:
    """Keep the next note's time, and ask for the note when it is due; `members` are those of a gathering that are open."""
    rhythm = _rhythm(one)
    care = one.case.care
    if rhythm is None:
        if care.note_due is not None:
            one.tend(note_due=None)
        return
    if care.note_due is None or care.note_due > one.now + rhythm:
        one.tend(note_due=one.now + rhythm)
        return
    if one.now < care.note_due:
        return
    one.tend(note_due=one.now + rhythm)
    if one.case.ticket is None or care.note:
        return  # the desk was not told that it began, or has not got the last one yet
    one.ask("comment", "progress", public=True, members=members, desks=one.desks[:1], expires=one.now + rhythm)
    said = one.operations[-1]
    one.tend(noted_at=one.now, noted=dict(one.case.evidence), note=said.id)


def _rhythm(one: Followed) -> float | None:
    """Return the seconds between two notes, None while none is wanted."""
    case, situation = one.case, one.situation
    if case.state not in {"open", "acknowledged"} or case.parent is not None or case.closed_by_person_at is not None:
        return None
    return situation.service_levels.of(effective_priority(one), situation.customer.tier).progress
