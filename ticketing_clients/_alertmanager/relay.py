"""The Relay asked: how the ticket is that it made of an alert, and files passed on to that ticket.

The Relay's other side is `agent.relay.app`. What it does not know just now is not known: a ticket that it has no answer about is
neither gone nor untouched.

While it is away, alerts go on being told: the Alertmanagers are the desk, and if that rested for the Relay's sake, what stands
there would expire. So what it cannot do is the trouble of the one ticket, and it is asked once in a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ticketing_clients._client import Check
from ticketing_clients._errors import DeskError, NothingSent, OutcomeUnknown, Rejected, Throttled, TicketGone
from ticketing_clients._ticket import Attachment, TicketRef, TicketState

if TYPE_CHECKING:
    from ticketing_clients._http import Http


class Answer(msgspec.Struct, frozen=True):
    """What the Relay says of a case: its ticket, which may be that of a whole group."""

    ticket: TicketState


class Relay:
    """The relay behind `http`. Every call may raise DeskError."""

    def __init__(self, http: Http, desk: str) -> None:
        """Given the base of its requests, and the desk's name for messages."""
        self._http = http
        self._desk = desk
        self._away: NothingSent | None = None

    def check(self) -> Check:
        """Ask it about a case that there cannot be: that it knows of none is the answer of one that lets us in."""
        try:
            self._http.get(f"v1/cases/{'0' * 64}", Answer, ticket="0" * 64)
        except TicketGone:
            return Check.of("relay", found="lets us in")
        except DeskError as error:
            self._away = error if isinstance(error, NothingSent) else None
            return Check.of("relay", str(error), "check its address, and that it knows the secret of this host")
        return Check.of("relay", "answers about a case that nobody has", "is this the relay's address?")

    def read(self, ref: TicketRef) -> TicketState:
        """Return how the ticket of a case is, under the case's own `ref`, with the address of the ticket that people see.

        Raises Rejected while it is away, or knows of none.
        """
        if self._away is not None:
            raise Rejected(f"{self._away}; it is asked again in the next round") from self._away
        try:
            ticket = self._http.get(f"v1/cases/{ref.id}", Answer, ticket=ref.id).ticket
        except TicketGone as error:
            raise self._unknown(ref) from error
        except NothingSent as error:
            self._away = error
            raise Rejected(f"{error}; nobody's answer is heard meanwhile") from error
        return msgspec.structs.replace(ticket, ref=TicketRef(self._desk, ref.id, ticket.ref.url or ref.url))

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Have a file passed on; one of this name that is there already stays as it is. While it is away, only the file waits."""
        try:
            self._http.tell(
                "PUT",
                f"v1/cases/{ref.id}/files/{attachment.name}",
                ticket=ref.id,
                data=attachment.content,
                headers={"Content-Type": attachment.media_type},
            )
        except TicketGone as error:
            raise self._unknown(ref) from error
        except (NothingSent, OutcomeUnknown) as error:  # to pass it on twice is to pass it on once
            raise Throttled(str(error), getattr(error, "retry_after", None), ticket_only=True) from error

    def _unknown(self, ref: TicketRef) -> Rejected:
        return Rejected(f"desk {self._desk}: the relay knows of no ticket for the case {ref.id[:8]} now")
