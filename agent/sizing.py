"""How much many hosts together ask of one desk. Pure.

A desk is asked at every look at an open ticket; without open tickets it is not asked at all. The estimate is of a quiet day:
storms, and the opening of tickets, come on top, so that only half of a limit is taken for ours.
"""

from __future__ import annotations

from agent.settings import MINUTE

#: of one look at one ticket; desks differ from one (a mailbox) to four (ticket, events, texts, search by key)
REQUESTS_A_LOOK = 3
#: of each host, on average; most have none, some have several
OPEN_TICKETS = 1.0
#: of a desk's limit, what our looks may take: the rest is for people, other programs and bad days
OUR_SHARE = 0.5


def requests_a_minute(hosts: int, poll: float) -> float:
    """Return how many requests `hosts` make together, with `poll` seconds between two looks.

    >>> requests_a_minute(1000, 900)
    200.0
    """
    return hosts * OPEN_TICKETS * REQUESTS_A_LOOK / (poll / MINUTE)


def most_hosts(limit: float, poll: float) -> int:
    """Return up to how many hosts a desk that allows `limit` requests a minute serves.

    >>> most_hosts(200, 900)
    500
    """
    return int(OUR_SHARE * limit / requests_a_minute(1, poll))
