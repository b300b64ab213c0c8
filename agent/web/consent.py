"""What may leave the host, in the few words that a page has room for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.consent.levels import LEVELS, Consent, Grant, Level, standings
from ticketing_clients import TicketType


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """What was allowed to leave the host beyond the tickets' core.

    least, most: of all kinds of tickets. until: when the first of it ends. unreadable: nothing is allowed, as the record of it
    cannot be believed.
    """

    least: Level = "none"
    most: Level = "none"
    until: float | None = None
    by: tuple[str, ...] = ()
    unreadable: bool = False


def consent_view(consent: Consent, rules: Sequence[tuple[str, TicketType]], now: float) -> ConsentView:
    """Return what is allowed at `now` (unix seconds) of tickets of `rules`, each by its id and type."""
    levels = [consent.level(rule, type_, now) for rule, type_ in rules] or ["none"]
    holding = [
        decision.made
        for decision, standing in standings(consent, now)
        if standing == "in_force" and isinstance(decision.made, Grant)
    ]
    return ConsentView(
        least=min(levels, key=LEVELS.index),
        most=max(levels, key=LEVELS.index),
        until=min((grant.until for grant in holding), default=None),
        by=tuple(dict.fromkeys(grant.by for grant in holding)),
        unreadable=bool(consent.trouble),
    )
