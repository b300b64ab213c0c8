"""The second half of a verified end: the person's. Reminders, what they write for the report, and how content they are. Pure."""

from __future__ import annotations

from agent.following.cases import Followed
from agent.following.episodes import DISSATISFIED, rated
from agent.following.model import Observed
from ticketing_clients import Act, TicketState

LONGEST = 500  # code points of what people wrote, in a report


def remind(one: Followed) -> None:
    """Ask again for the confirmation of a recovery, at intervals, until it is closed without one."""
    case, policy = one.case, one.situation.policy
    if case.state != "awaiting_confirmation" or case.breach_since is not None or case.ticket is None:
        return
    if case.confirmed or case.closed_by_person_at is not None:
        return
    last = max(case.changed_at, case.care.reminded_at or 0.0)
    if one.now - last >= policy.remind_every and one.now < case.changed_at + policy.confirm_within:
        one.tend(reminded_at=one.now)
        one.ask("comment", "reminder", public=True)


def hear_act(one: Followed, act: Act) -> None:
    """Keep what people write for the report, and how content the customer is with its end."""
    match act.kind:
        case "cause":
            one.tend(cause=act.text[:LONGEST])
        case "done":
            one.tend(done=act.text[:LONGEST])
        case "rate" if act.option is not None:
            _take_rating(one, act.option)
        case _:
            pass


def hear_resolution(one: Followed, state: TicketState) -> None:
    """Keep what the desk itself keeps of how it was settled."""
    if state.resolution and state.resolution[:LONGEST] != one.case.care.resolution:
        one.tend(resolution=state.resolution[:LONGEST])


def after_look(one: Followed, event: Observed, rating_before: int | None) -> None:
    """Close again what the desk opened by itself, because the customer answered our question on a closed ticket."""
    case, state = one.case, event.state
    rating = case.care.rating
    if case.state != "closed" or state is None or not state.open or rating == rating_before or rating is None:
        return
    if rating > DISSATISFIED:
        one.ask("resolve", "closed", desks=one.desks[:1])


def _take_rating(one: Followed, rating: int) -> None:
    """Note it; who is not content is somebody's to follow up: on the ticket, and with the supervisor that is configured."""
    first = one.case.care.rating is None
    one.tend(rating=rating)
    if one.case.state == "closed":
        one.set(episodes=rated(one.case, rating))
    if rating > DISSATISFIED or not first:
        return
    home, supervisor = one.desks[:1], one.situation.delivery.supervisor
    one.happenings.append("the customer is not content")
    one.ask("comment", "dissatisfied", desks=home)
    if supervisor and supervisor not in one.desks:
        one.ask("open", "dissatisfied", desks=(supervisor,))
