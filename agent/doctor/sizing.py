"""How much many hosts together ask of one desk. Pure.

A desk is asked at every look at an open ticket; without open tickets it is not asked at all. The estimate is of a quiet day:
storms, and the opening of tickets, come on top, so that only half of a limit is taken for ours.
"""

from __future__ import annotations

from agent.configuration.settings import MINUTE

#: of a courier that looks at one ticket, who it is at the desk included; three to five, the tests hold the clients to that
REQUESTS_A_LOOK = 4
#: of each host, on average; most have none, some have several
OPEN_TICKETS = 1.0
#: of a desk's limit, what our looks may take: the rest is for people, other programs and bad days
OUR_SHARE = 0.5


def requests_a_minute(hosts: int, poll: float) -> float:
    """Return how many requests `hosts` make together, with `poll` seconds between two looks.

    >>> requests_a_minute(900, 900)
    240.0
    """
    return hosts * OPEN_TICKETS * REQUESTS_A_LOOK / (poll / MINUTE)


def most_hosts(limit: float, poll: float) -> int:
    """Return up to how many hosts a desk that allows `limit` requests a minute serves.

    >>> most_hosts(200, 900)
    375
    """
    return int(OUR_SHARE * limit / requests_a_minute(1, poll))
