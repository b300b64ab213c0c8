"""How a desk's client is spoken to: patiently where nothing is changed, and never fooled by what a client lets slip."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from agent.configuration.settings import MINUTE
from agent.logs import get_logger
from agent.store import StoreUnavailable
from ticketing_clients import (
    DeskError,
    DeskUnreachable,
    FoundTicket,
    NotApplied,
    OutcomeUnknown,
    Reason,
    Rejected,
    Ticket,
    TicketingClient,
    TicketRef,
)

Answer = TypeVar("Answer")

# A request that was cut off may still be committed by the desk: ask again only after this, and when its search can know.
SETTLE = MINUTE

log = get_logger()


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask the desk something that changes nothing, again when it could not be reached for a moment."""

    def ask_patiently() -> Answer:
        try:
            return ask()
        except (DeskUnreachable, OutcomeUnknown) as error:
            from agent.delivery.patience import go_on  # noqa: PLC0415 - most questions are answered at once, see there

            return go_on(ask, error)

    return named(ask_patiently)


def named(ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` returns. After an error that clients do not announce nobody knows what was done: OutcomeUnknown."""
    try:
        return ask()
    except (DeskError, StoreUnavailable):
        raise
    except Exception as error:
        log.debug("the client failed", exc_info=True)
        raise OutcomeUnknown(f"the desk's client failed: {type(error).__name__}") from error


def tickets_of(client: TicketingClient, key: str) -> list[FoundTicket]:
    """Return the desk's tickets that carry exactly `key`, whatever else its search brings; lowest id first."""
    return [one for one in patiently(lambda: client.find(key)) if one.key == key]


def one_of(client: TicketingClient, found: list[FoundTicket]) -> TicketRef:
    """Of several open tickets with one key keep the first, and close the others as its duplicates; return the first."""
    first, *others = [one for one in found if one.open]
    for other in others:
        close_twin(client, other.ref, first.ref)
    return first.ref


class Unlisted(OutcomeUnknown):
    """The desk said that it made it, though not as it was asked to, and its search cannot know of it yet."""

    reason: ClassVar[Reason] = "not_applied"


def create(client: TicketingClient, ticket: Ticket, *, look_later: bool = False) -> TicketRef:
    """Create the ticket and return where it is; where not all of it was taken, it is better told with a flaw than not told.

    look_later: whether to raise Unlisted for one that the desk's search cannot know of yet, to be looked up when it can.
    """
    try:
        return client.open(ticket)
    except NotApplied as error:
        can = client.capabilities
        found = tickets_of(client, ticket.key) if can.find else []
        if not any(one.open for one in found):
            if look_later and can.find and can.search_lag:
                raise Unlisted(str(error)) from error
            raise
        log.warning("opened, but not all was taken", key=ticket.key, detail=str(error))
        return one_of(client, found)


def close_twin(client: TicketingClient, twin: TicketRef, original: TicketRef) -> None:
    """Close a second ticket of one key. Where the desk refuses, it stays: the original is the one that counts."""
    log.warning("closing a duplicate", ticket=twin.id, original=original.id)
    try:
        named(lambda: client.close_duplicate(twin, original))
    except Rejected as error:
        log.warning("a duplicate stays open", ticket=twin.id, detail=str(error))
