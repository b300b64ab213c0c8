"""What a case remembers of each time that it was open: when, what it was, what was done, how it was measured and rated. Pure.

It is what the report says at closing, what a problem ticket lists, what the next ticket of the same kind has to offer and which
came before it, and what `foretell knowledge` exports.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.consent.evidence import core
from agent.following.model import Case, EarlierTicket, Ending, Episode

KEPT_EPISODES = 10
#: a new ticket tells of no more earlier ones than an engineer takes in at a glance
TOLD_TICKETS = 5
#: a rating up to this is followed up
DISSATISFIED = 2


def ended(case: Case, now: float) -> tuple[Episode, ...]:
    """Return the episodes of `case`, which closes at `now` (unix seconds), with the one that ends; the newest last."""
    care, opened_at = case.care, case.opened_at or case.first_seen
    last = Episode(
        opened_at=opened_at,
        closed_at=now,
        closed_by=case.closed_by or "rule",
        severity=case.severity,
        priority=case.priority,
        measured=core(case.evidence),
        measured_after=core(case.healthy_evidence) if case.healthy_since else {},
        cause=care.cause,
        done=care.done or care.resolution,
        ticket=case.ticket,
        left=any(act.kind == "wont_fix" and act.at.timestamp() >= opened_at for act in case.acts),
    )
    return (*case.episodes, last)[-KEPT_EPISODES:]


def rated(case: Case, rating: int) -> tuple[Episode, ...]:
    """Return the episodes of `case` with the customer's `rating` (1 to 5) of the newest."""
    if not case.episodes:
        return ()
    return (*case.episodes[:-1], msgspec.structs.replace(case.episodes[-1], rating=rating))


def that_helped(cases: Iterable[Case]) -> Episode | None:
    """Return the newest episode of `cases` of which somebody wrote down what was done, and which the customer did not mind."""
    told = [
        msgspec.structs.replace(one, subject=case.subject)
        for case in cases
        for one in case.episodes
        if one.done and (one.rating is None or one.rating > DISSATISFIED)
    ]
    return max(told, key=lambda one: one.closed_at, default=None)


def earlier_tickets(case: Case, kin: Iterable[Case]) -> tuple[EarlierTicket, ...]:
    """Return the last tickets of `case`, and of `kin` by the same rule, that were closed; the newest first.

    Rule, subject and dates are a ticket's core (DESIGN 4.5). How one ended is said in words of our own, and its number is the
    desk's, which has it already: neither tells anything about the host. What people wrote is left out.
    """
    told = [
        EarlierTicket(
            closed_at=one.closed_at,
            ended=how_it_ended(one),
            ticket=one.ticket,
            subject={} if other.key == case.key else other.subject,
        )
        for other in {case.key: case, **{one.key: one for one in kin}}.values()
        for one in other.episodes
        if one.ticket is not None
    ]
    return tuple(sorted(told, key=lambda one: one.closed_at, reverse=True)[:TOLD_TICKETS])


def how_it_ended(episode: Episode) -> Ending:
    """Return how a ticket ended, as far as it was measured and somebody said so."""
    if episode.closed_by != "person":
        return "unconfirmed"
    if episode.measured_after:
        return "confirmed"
    return "left" if episode.left else "unproven"
