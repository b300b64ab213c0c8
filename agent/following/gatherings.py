"""A ticket that speaks for many: what it tells of the cases it gathers, from their joining to the last one's end. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agent.configuration.settings import HOUR
from agent.following import priority as priorities
from agent.following.cases import Followed
from agent.following.model import Case

# What is over of a ticket that speaks for many is told at most so often.
UPDATE_EVERY = HOUR


def open_gathering(one: Followed, told: Sequence[Case]) -> None:
    """Open the one ticket that speaks for `told`; one for a desk's sake goes to that desk."""
    desk = one.case.subject.get("desk")
    desks = (desk,) if desk else one.route()
    one.become("open", "opened", opened_at=one.now, opened=(one.now,), told_at=one.now, desks=desks)
    one.ask("open", "digest", members=told)


def take_members(one: Followed, told: Sequence[Case]) -> None:
    """Tell the gathering's ticket of more cases, or again of those that got worse."""
    earlier = one.case.priority
    urgent = priorities.highest([earlier, *(case.priority for case in told)])
    members = dict.fromkeys((*one.case.members, *(case.key for case in told)))
    one.set(members=tuple(members), last_seen=one.now, priority=urgent)
    if urgent != earlier:
        if one.case.state == "acknowledged":
            one.become("open", "worse than what was acknowledged")
        one.raise_priority("digest", earlier, told)
    one.ask("comment", "digest", members=told)


def tell_of_ended(one: Followed, members: Sequence[Case]) -> None:
    """Say which of `members` are over, when there are more of them than was said last, and not more often than hourly."""
    ended = [case for case in members if case.state == "closed"]
    if one.case.ticket is None or len(ended) <= one.case.told_ended or one.now - one.case.told_at < UPDATE_EVERY:
        return
    one.set(told_ended=len(ended), told_at=one.now)
    one.ask("comment", "members", members=[case for case in members if case.state != "closed"])


def put_off(one: Followed) -> None:
    """Take a person's closing of the ticket that told of this case like a refusal to fix, with the same expiry."""
    if one.case.state in {"open", "acknowledged"}:
        until = one.now + one.situation.policy.wont_fix
        one.become("deferred", "its digest was closed", deferred_until=until)


def members_recovered(one: Followed) -> None:
    """Nothing that this ticket told of breaches any more: ask the person to confirm, like for any recovery."""
    if one.case.state in {"open", "acknowledged", "deferred"}:
        one.set(healthy_since=one.now, breach_since=None)
        if one.case.ticket is None:
            one.end_untold()
            return
        one.become("awaiting_confirmation", "all members recovered")
        one.ask("comment", "recovered", public=True)
