"""What can go wrong at a desk, named for the event.

DeskError                    every error below; carries `reason` (the metric label)
├── NothingSent              the desk never saw the request: retry freely
│   ├── DeskUnreachable      refused, no route, no name, TLS not verified before a byte of the request went out
│   │   └── Moved            a read was sent elsewhere, and not followed there
│   ├── Throttled            429: told to wait, `retry_after` seconds; `ticket_only` if others need not
│   └── NotAuthorised        401/403: retry only after somebody mends the credentials; stop hammering
├── OutcomeUnknown           sent, but no trustworthy answer (time-out, reset, 5xx, HTML with 200): ask before doing it again
└── Rejected                 the desk understood and refused: set aside, shown, retried by hand
    ├── Conflict             409, 412: somebody else is changing it, or has since we read it
    ├── TicketGone           the ticket was deleted or may no longer be seen
    └── NotApplied           a 2xx, but reading back shows that it did not happen
"""

from __future__ import annotations

from typing import ClassVar, Literal

Reason = Literal[
    "unreachable", "throttled", "not_authorised", "outcome_unknown", "rejected", "ticket_gone", "not_applied"
]


class DeskError(Exception):
    """A desk did not do what was asked. The message says which desk and what, never a secret, never a whole body."""

    reason: ClassVar[Reason]
    #: whether trying again later, unchanged, can help
    retry: ClassVar[bool]


class NothingSent(DeskError):
    """The desk did nothing."""

    retry: ClassVar[bool] = True


class DeskUnreachable(NothingSent):
    """No connection to the desk."""

    reason: ClassVar[Reason] = "unreachable"


class Moved(DeskUnreachable):
    """What was asked for is at another address, the desk or one ticket of it; a client that can tell which looks."""


class Throttled(NothingSent):
    """The desk asks for patience."""

    reason: ClassVar[Reason] = "throttled"

    def __init__(self, message: str, retry_after: float | None = None, *, ticket_only: bool = False) -> None:
        """Given the desk's own wait in seconds, when it named one, and whether only this ticket has to wait."""
        super().__init__(message)
        self.retry_after = retry_after
        self.ticket_only = ticket_only


class NotAuthorised(NothingSent):
    """The desk does not accept our credentials, or not for this."""

    reason: ClassVar[Reason] = "not_authorised"


class OutcomeUnknown(DeskError):
    """The request may or may not have been carried out."""

    reason: ClassVar[Reason] = "outcome_unknown"
    retry: ClassVar[bool] = True


class Rejected(DeskError):
    """The desk refused the request as it is."""

    reason: ClassVar[Reason] = "rejected"
    retry: ClassVar[bool] = False


class Conflict(Rejected):
    """Somebody else is at it, or was since we looked; a client looks again."""


class TicketGone(Rejected):
    """The ticket cannot be found any more."""

    reason: ClassVar[Reason] = "ticket_gone"


class NotApplied(Rejected):
    """The desk said yes and did not do it."""

    reason: ClassVar[Reason] = "not_applied"
