"""Asking a desk, whatever its interface: a ticket's number, all pages of a list, what was asked for read back.

Apart from `_http`, so that a client can be imported for its options without requests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from ticketing_clients._errors import (
    DeskUnreachable,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketGone,
)
from ticketing_clients._ticket import Attachment

LONGEST_MESSAGE = 200  # code points of the desk's own words that an error repeats
MOST_PAGES = 100  # of one list; what is longer is asked for by a desk that passes over the page that we named

Entry = TypeVar("Entry")


def numeric(ticket: str) -> int:
    """Return a ticket's id as the number that it is, so that nothing else gets into an address or a search. Raises TicketGone."""
    if not (ticket.isascii() and ticket.isdecimal()):
        raise TicketGone(f"{ticket!r} is not the number of a ticket")
    return int(ticket)


def page_numbers() -> Iterator[int]:
    """Yield 0, 1, 2 and so on, for as long as a desk says that its list goes on; raise DeskUnreachable after MOST_PAGES."""
    yield from range(MOST_PAGES)
    raise DeskUnreachable(
        f"a list of the desk has no end after {MOST_PAGES} pages; does it pass over the page asked for?"
    )


def pages(page: Callable[[int], Sequence[Entry]], full: int = 1) -> Iterator[Entry]:
    """Yield the entries of page 0, 1, 2 and so on, up to one with fewer than `full` of them.

    Where a desk leaves out what we may not see after it cut its list into pages, only an empty one is the last.
    """
    for number in page_numbers():
        entries = page(number)
        yield from entries
        if len(entries) < full:
            return


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


def need_all(as_asked: Mapping[str, bool], what: str, why: str) -> None:
    """Raise NotApplied with the names of those that are not as they were asked for. what: was done. why: may explain it."""
    if missing := ", ".join(name for name, well in as_asked.items() if not well):
        raise NotApplied(f"{what} without the {missing} asked for: {why}")


def need_room(attachment: Attachment, largest: int, desk: str, limit: str = "largest_attachment") -> None:
    """Raise Rejected for a file of more than `largest` bytes, which is what `limit` allows."""
    size = len(attachment.content)
    if size > largest:
        raise Rejected(f"desk {desk}: {attachment.name} has {size} bytes, more than the {largest} of {limit}")
