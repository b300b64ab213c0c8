"""How long good measurements have to last until a recovery is believed: longer for what keeps coming back. Pure.

A problem that comes and goes more slowly than its rule's verification time would be told as recovered, and as back, each time.
Until it is known to recur that is right: its returns are counted, and then somebody is asked for the cause (`problems`).
"""

from __future__ import annotations

from agent.configuration.settings import DAY
from agent.following.model import Case
from thresholds import Rule

# With its records an agent lost what its forecasts had learnt: for this long their "healthy" says only that it is not full.
LEARNING = DAY
# Only returns within this time count: what is slower comes less often than people look at its ticket.
RETURNS_WITHIN = 7 * DAY
# A problem of every night is seen through, and a person who mended it hears of it on the next day.
LONGEST = DAY
_ENOUGH_DOUBLINGS = 20


def verification_time(case: Case, rule: Rule | None) -> float:
    """Return for how many seconds measurements have to be good: the rule's own time, for what recurs doubled by each return.

    No longer than a day, unless the rule's own is. Where a person says that it is mended, the rule's own time is enough.
    """
    shortest = rule.verify if rule else 0.0
    if case.adopted:
        shortest = max(shortest, LEARNING)
    if not case.recurring or case.confirmed or case.closed_by_person_at is not None:
        return shortest
    began = case.last_seen if case.healthy_since is None else case.healthy_since
    returns = sum(began - at < RETURNS_WITHIN for at in case.opened) - 1
    return min(shortest * 2.0 ** min(max(returns, 0), _ENOUGH_DOUBLINGS), max(shortest, LONGEST))
