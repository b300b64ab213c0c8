"""For how long a ticket is left alone between two looks: as long as its priority bears, unless an answer is awaited. Pure.

A desk is asked for nothing else so often, and most tickets are in no hurry: what is promised for a P4 is an answer within a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.following.model import Case
from agent.following.priority import highest
from ticketing_clients import Priority

# How many times `delivery.poll` it is left alone. People are at work on a P1 now.
RESTS: Mapping[Priority, float] = {"P1": 0.2, "P2": 1.0, "P3": 2.0, "P4": 4.0}
SHORTEST = min(RESTS.values())
# Looks in one batch. With more open tickets than this each has its turn later, and no batch is endless.
LOOKS = 100


def rest(case: Case, now: float, poll: float) -> float:
    """Return for how many seconds the ticket of `case` is left alone, reckoned at `now` (unix seconds).

    No longer than `poll` while an answer to us is awaited, or a time that was told to people is at hand. That of a closed case,
    which is looked at for the customer's rating alone, is not in our hands here.
    """
    longest = poll * RESTS[highest((case.priority, case.ticket_priority or case.priority))]
    if case.state == "closed" or _is_awaited(case) or any(one <= longest for one in _times_left(case, now)):
        return min(longest, poll)
    return longest


def _is_awaited(case: Case) -> bool:
    return case.state in {"recovering", "awaiting_confirmation"}


def _times_left(case: Case, now: float) -> Iterator[float]:
    """Yield the seconds until each time that the ticket tells of, 0 while a window lasts; none for what is past."""
    yield from (max(one.start - now, 0.0) for one in case.proposed if now < one.end)
    if case.agreed is not None:  # until it is told to be over: the work may be reported as done
        yield max(case.agreed.window.start - now, 0.0)
    care = case.care
    if care.promise is not None:
        answer = () if care.answered_at is not None else (care.promise.answer_warning, care.promise.answer_due)
        told = (*answer, care.promise.fix_warning, care.promise.fix_due)
        yield from (at - now for at in told if now <= at)
