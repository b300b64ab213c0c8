"""Planned maintenance: a window that a person accepted, from their word to its end. Pure.

While it lasts nothing new is opened for the host, and what would have been is told together at its end (`follow`). A
recovery is verified from its end on. A window that cannot prevent the problem any more, or is not needed any more, is taken
back, and people are told: nobody waits for a night that is no use.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.following import service_clock
from agent.following.cases import Followed
from agent.following.model import Agreement, Case, Delivered, MaintenanceEnded, Topic
from ticketing_clients import Act

_WORKING = frozenset({"open", "acknowledged", "deferred"})


def is_on(cases: Iterable[Case], now: float) -> bool:
    """Return whether an agreed window of one of this host's `cases` is open at `now` (unix seconds)."""
    return any(case.agreed.window.start <= now < case.agreed.window.end for case in cases if case.agreed)


def hear_told(one: Followed, event: Delivered) -> None:
    """Remember which windows the ticket tells of now: a person's number is one of these."""
    if event.windows and not event.copy:
        one.set(proposed=event.windows)


def accept(one: Followed, act: Act, window: MaintenanceWindow | None = None) -> None:
    """Take a person's word for a window: `window`, or the one that has the act's number on the ticket."""
    case = one.case
    if case.state not in _WORKING or act.at.timestamp() < (case.opened_at or 0.0):
        return  # it is over, or it was said before this ticket was opened or adopted
    if window is None and act.option is not None and 1 <= act.option <= len(case.proposed):
        window = case.proposed[act.option - 1]
    if window is None or window.end <= one.now:
        one.ask("comment", "not_agreed", public=True)
    elif case.agreed is None or case.agreed.window.start != window.start:
        crossing = case.forecast.earliest if case.forecast else None
        one.set(agreed=Agreement(window=window, by=act.by, at=one.now, crossing=crossing))
        one.become("acknowledged", "", acknowledged_until=window.end)
        service_clock.put_off(one, window.end)
        _tell(one, "agreed")


def end(one: Followed, event: MaintenanceEnded) -> None:
    """End the agreed window now: the work is done, and what is measured from here on counts."""
    agreed = one.case.agreed
    if agreed is not None and agreed.window.start <= one.now < agreed.window.end:
        over = msgspec.structs.replace(agreed.window, end=one.now)
        one.set(agreed=msgspec.structs.replace(agreed, window=over))
        one.happenings.append(f"maintenance ended by {event.by}")


def verified_since(one: Followed, healthy_since: float) -> float:
    """Return from when healthy readings count: not before the end of maintenance that has begun."""
    agreed = one.case.agreed
    if agreed is None or one.now < agreed.window.start:
        return healthy_since
    return max(healthy_since, agreed.window.end)


def watch(one: Followed) -> None:
    """Take back an agreed window that is not needed or comes too late; say so when it is over and did not help."""
    case, agreed = one.case, one.case.agreed
    if agreed is None:
        return
    window, over = agreed.window, case.state in {"awaiting_confirmation", "closed", "deferred"}
    if one.now < window.start and over:
        _take_back(one, "window_withdrawn")
    elif one.now < window.start and _comes_too_late(case, agreed):
        _take_back(one, "window_moved")
    elif one.now >= window.end and over:
        one.set(agreed=None, proposed=())
    elif (
        one.now >= window.end + one.situation.policy.grace and case.state in _WORKING and _still_breaches(case, window)
    ):
        _take_back(one, "window_over")


def _comes_too_late(case: Case, agreed: Agreement) -> bool:
    """Return whether it may happen before the window is over, which it could not when the person agreed to that."""
    earliest = case.forecast.earliest if case.forecast and case.breach_since is not None else math.inf
    then = math.inf if agreed.crossing is None else agreed.crossing
    return earliest < agreed.window.end <= then


def _still_breaches(case: Case, window: MaintenanceWindow) -> bool:
    return case.breach_since is not None and case.judged_at > window.end


def _take_back(one: Followed, topic: Topic) -> None:
    """Say why the window does not stand any more, and what does instead."""
    _tell(one, topic)
    one.happenings.append(topic.replace("_", " "))
    if one.case.state == "acknowledged":
        one.become("open", "")
    one.set(agreed=None, proposed=(), acknowledged_until=None)


def _tell(one: Followed, topic: Topic) -> None:
    """Comment, and bring the entry in people's calendars up to date where the comment does not carry it."""
    one.ask("comment", topic, public=True)
    one.ask("calendar", topic, desks=one.desks[:1])
