"""Asks again what could not be asked for a moment. A file of its own: tenacity would be an eighth of what a look costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ticketing_clients import DeskError, DeskUnreachable, OutcomeUnknown

Answer = TypeVar("Answer")


def go_on(ask: Callable[[], Answer], first: DeskError) -> Answer:
    """Ask twice more, after pauses that grow, since the first time came to the error `first`. Raises what the last time does."""
    past = [first]

    def again() -> Answer:
        if past:
            raise past.pop()
        return ask()

    retrying = Retrying(
        retry=retry_if_exception_type((DeskUnreachable, OutcomeUnknown)),
        wait=wait_random_exponential(multiplier=0.5, max=5),
        stop=stop_after_attempt(3),
        reraise=True,
    )
    return retrying(again)
