"""How the courier speaks to a desk's client: patiently where nothing is changed, and never fooled by what a client lets slip."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from agent.store import StoreUnavailable
from ticketing_clients import (
    DeskError,
    DeskUnreachable,
    FoundTicket,
    OutcomeUnknown,
    Rejected,
    TicketingClient,
    TicketRef,
)

Answer = TypeVar("Answer")

log = structlog.get_logger()


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask the desk something that changes nothing, again when it could not be reached for a moment."""
    again = Retrying(
        retry=retry_if_exception_type((DeskUnreachable, OutcomeUnknown)),
        wait=wait_random_exponential(multiplier=0.5, max=5),
        stop=stop_after_attempt(3),
        reraise=True,
    )
    return named(lambda: again(ask))


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


def close_twin(client: TicketingClient, twin: TicketRef, original: TicketRef) -> None:
    """Close a second ticket of one key. Where the desk refuses, it stays: the original is the one that counts."""
    log.warning("closing a duplicate", ticket=twin.id, original=original.id)
    try:
        named(lambda: client.close_duplicate(twin, original))
    except Rejected as error:
        log.warning("a duplicate stays open", ticket=twin.id, detail=str(error))
