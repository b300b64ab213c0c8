"""Around a request: a ticket's number before it, reading back after a change.

Apart from `_http`, so that a client can be imported for its options without requests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ticketing_clients._errors import DeskUnreachable, NotAuthorised, OutcomeUnknown, Rejected, Throttled, TicketGone

LONGEST_MESSAGE = 200  # code points of the desk's own words that an error repeats


def numeric(ticket: str) -> int:
    """Return a ticket's id as the number that it is, so that nothing else gets into an address or a search. Raises TicketGone."""
    if not (ticket.isascii() and ticket.isdecimal()):
        raise TicketGone(f"{ticket!r} is not the number of a ticket")
    return int(ticket)


@contextlib.contextmanager
def read_back(what: str) -> Iterator[None]:
    """Guard a read that follows a change: the change was made, so a failing read must not claim that nothing was sent.

    A read that is not permitted becomes Rejected, not OutcomeUnknown: asking by key would not see the ticket either, and every
    retry would make one more.
    """
    try:
        yield
    except NotAuthorised as error:
        raise Rejected(f"{what}, but it may not be read back: {error}") from error
    except (DeskUnreachable, Throttled) as error:
        raise OutcomeUnknown(f"{what}, but it could not be read back: {error}") from error
