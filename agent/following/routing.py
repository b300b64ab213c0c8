"""Which desks a case is told to: decided once, when it opens. Pure.

The first desk is the case's home: its ticket is the case's ticket, and what people do there counts. Further ones get copies,
which say the same and are never listened to. A copy has a key of its own, made from the case's: two desks of the
configuration may be two queues of one server, where a search by the case's key would take the one ticket for the other.
"""

from __future__ import annotations

import hashlib

from agent.configuration.settings import CustomerSettings, DeliverySettings, RouteMatch
from agent.following.model import Case, Operation
from thresholds import allows

# How much of a copy's key is the case's, enough to tell which case it is; the rest names the desk and makes it known as a copy.
_OF_CASE, _BEFORE_MARK = 40, 48


def targets(case: Case, customer: CustomerSettings, delivery: DeliverySettings) -> tuple[str, ...]:
    """Return the names of the desks that `case` goes to as it is now, its home first."""
    desks = []
    for route in delivery.routes:
        if _matches(route.match, case, customer):
            desks.append(route.desk)
            if not route.goes_on:
                break
    return tuple(dict.fromkeys(desks)) or (delivery.desk,)


def second_line(case: Case, customer: CustomerSettings, delivery: DeliverySettings) -> str:
    """Return the desk to which `case` is handed on when it has to be: that of the first route for it; empty for none."""
    for route in delivery.routes:
        if _matches(route.match, case, customer):
            return route.escalate_to or delivery.escalate_to
    return delivery.escalate_to


def _matches(match: RouteMatch, case: Case, customer: CustomerSettings) -> bool:
    return (
        allows(match.rule, case.rule)
        and all(allows(patterns, case.subject.get(label, "")) for label, patterns in match.labels.items())
        and case.priority in (match.priority or [case.priority])
        and allows(match.customer, customer.id)
        and customer.tier in (match.tier or [customer.tier])
    )


def ticket_key(operation: Operation) -> str:
    """Return the key that the ticket of `operation` carries: 64 hex digits, the case's own or its copy's."""
    return copy_key(operation.case, operation.desk) if operation.copy else operation.case


def copy_key(case: str, desk: str) -> str:
    """Return the key of the copy at `desk` of the ticket with the key `case`."""
    stem = case[:_OF_CASE] + _digest(desk)[: _BEFORE_MARK - _OF_CASE]
    return stem + _mark(stem)


def is_copy(key: str) -> bool:
    """Return whether `key` is a copy's.

    >>> is_copy("ab" * 32), is_copy(copy_key("ab" * 32, "helpdesk"))
    (False, True)
    """
    return key[_BEFORE_MARK:] == _mark(key[:_BEFORE_MARK])


def _mark(stem: str) -> str:
    return _digest(f"copy {stem}")[_BEFORE_MARK:]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
