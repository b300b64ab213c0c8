"""What the desk and its people do to a case: tickets are there, people acknowledge, defer, confirm and close. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.following import escalation, maintenance, progress_notes, service_clock, verification
from agent.following.cases import Followed
from agent.following.model import (
    EXPIRED,
    FORBIDDEN,
    Acted,
    Adopted,
    Delivered,
    DeskEvent,
    Diagnosed,
    MaintenanceEnded,
    Observed,
    Refused,
)
from ticketing_clients import Act

# Older ones on a ticket that goes on for so long have had their effect.
KEPT_ACTS = 50


def hear(one: Followed, event: DeskEvent) -> None:
    """Take in what the desk did or shows."""
    match event:
        case Delivered():
            _take_in(one, event)
        case Refused():
            progress_notes.hear(one, event)
            if event.reason == EXPIRED:
                return
            by = f" by {event.desk}" if event.copy else ""
            one.happenings.append(f"refused {event.kind}{by}: {event.reason}")
            if (
                event.kind == "attach" and event.reason != FORBIDDEN
            ):  # whoever withdrew consent need not be told on the ticket
                one.ask("comment", "not_attached", desks=one.desks[:1])
        case Adopted():
            _adopt(one, event)
        case Acted():
            _note(one, event.act, event.window)
        case MaintenanceEnded():
            maintenance.end(one, event)
        case Observed():
            rating = one.case.care.rating
            _observe(one, event)
            verification.after_look(one, event, rating)
        case Diagnosed():
            escalation.hear(one, event)


def hear_of_report(one: Followed, event: DeskEvent) -> None:
    """Take in what became of a health report's ticket. Nothing is asked of anybody by it: its case is over, whatever comes."""
    match event:
        case Delivered():
            one.set(ticket=event.ref)
            one.happenings.append(f"delivered {event.kind}")
        case Refused():
            one.happenings.append(f"refused {event.kind}: {event.reason}")
        case _:
            pass


def _adopt(one: Followed, event: Adopted) -> None:
    """Take a ticket for the case's own, unless its home is known to be elsewhere: two desks may be two queues of one server."""
    case = one.case
    if case.desks[:1] not in {(), (event.ref.desk,)} or case.ticket is not None:
        return
    one.set(ticket=event.ref, desks=(event.ref.desk,), parent=None)
    if case.state == "pending":
        one.become("open", "adopted", hold=None, opened_at=one.now)
    elif case.state == "closed":
        one.become("recovering", "adopted", closed_at=None, closed_by=None)


def _take_in(one: Followed, event: Delivered) -> None:
    """Note that the desk did it. What is done to a copy changes nothing about the case."""
    progress_notes.hear(one, event)
    to = f" to {event.ref.desk}" if event.copy else ""
    one.happenings.append(f"{'left out' if event.left_out else 'delivered'} {event.kind}{to}")
    service_clock.promise(one, event)
    maintenance.hear_told(one, event)
    if event.copy or event.kind not in {"open", "reopen"}:
        return
    contest = "reopened" if one.case.contest == "asked" else one.case.contest
    if event.ref != one.case.ticket:
        one.set(ticket_priority=None)  # it was another ticket's
    one.set(ticket=event.ref, closed_by_person_at=None, contest=contest)
    if one.case.parent is not None:  # it was told in a digest meanwhile, and now speaks for itself
        one.set(parent=None, desks=(event.ref.desk,))
    if event.kind == "open":
        _tell_after_all(one)


def _tell_after_all(one: Followed) -> None:
    """Go on from a ticket that was opened while, or after, we gave it up."""
    if one.case.state == "pending":
        one.become("open", "its earlier ticket was opened after all", hold=None, opened_at=one.now)
    elif one.case.state == "closed" and one.case.members:
        one.become("open", "its ticket was opened after all", closed_at=None, closed_by=None)
    elif one.case.state == "closed":  # it may be ill again: the next look at it decides
        one.become("recovering", "its ticket was opened after all", closed_at=None, closed_by=None)


def _observe(one: Followed, event: Observed) -> None:
    state, case = event.state, one.case
    if case.ticket is None:
        return  # it was told in a digest since the desk was looked at
    if state is None or state.status in {"deleted", "merged"}:
        # A person deleted it, or made it part of another ticket: their decision stands; the case ends when the readings do.
        status = "merged" if state is not None and state.status == "merged" else "gone"
        one.set(ticket_status=status, contest="over", closed_by_person_at=case.closed_by_person_at or event.at)
        return
    one.set(ticket=state.ref, ticket_status=state.desk_status, ticket_priority=state.priority, handler=state.handler)
    verification.hear_resolution(one, state)
    service_clock.hear_due(one, state.due.timestamp() if state.due else None)
    for act in state.acts:
        _note(one, act)
    if state.status == "rejected" and case.closed_by_person_at is None and one.case.state in {"open", "acknowledged"}:
        _leave_it(one, "refused at the desk")
    _notice_status(one, open_now=state.open, at=event.at)


def _note(one: Followed, act: Act, window: MaintenanceWindow | None = None) -> None:
    """Count an act once, whether the desk shows it again or it is older than what is remembered."""
    acts = one.case.acts
    if any(act.id == known.id for known in acts) or (len(acts) >= KEPT_ACTS and act.at <= acts[0].at):
        return
    # The desk's clock may be ahead of ours: nothing was done later than it was seen.
    act = msgspec.structs.replace(act, at=min(act.at, datetime.fromtimestamp(one.now, UTC)))
    one.set(acts=(*acts, act)[-KEPT_ACTS:])
    one.happenings.append(f"{act.kind} by {act.by}")
    service_clock.hear_act(one, act)
    verification.hear_act(one, act)
    _heed(one, act, window)


def _heed(one: Followed, act: Act, window: MaintenanceWindow | None) -> None:
    """Do what a person's act means for the case."""
    case, policy = one.case, one.situation.policy
    at = act.at.timestamp()
    working = case.state in {"open", "acknowledged", "deferred"}
    match act.kind:
        case "acknowledge" if case.state == "open":
            one.become("acknowledged", "", acknowledged_until=one.now + policy.acknowledgement)
        case "defer" if working:
            until = act.until.timestamp() if act.until else one.now + policy.acknowledgement
            one.become("deferred", "", deferred_until=until)
            service_clock.put_off(one, until)
        case "accept_window":
            maintenance.accept(one, act, window)
        case "wont_fix" if working:
            _leave_it(one, "")
        case "confirm" if working and case.breach_since is not None:
            one.ask("comment", "still_breaching", public=True)
        case "confirm":
            one.set(confirmed=True)
        case "resolve" if case.closed_by_person_at is None:
            one.set(closed_by_person_at=at)
        case _:
            pass


def _leave_it(one: Followed, happening: str) -> None:
    """Take a refusal to fix like a deferral, with an end of its own: nothing is forgotten for ever."""
    one.become("deferred", happening, deferred_until=one.now + one.situation.policy.wont_fix)


def _notice_status(one: Followed, *, open_now: bool, at: float) -> None:
    case = one.case
    if open_now:
        one.set(closed_by_person_at=None)
    elif case.closed_by_person_at is None:
        one.set(closed_by_person_at=at)
