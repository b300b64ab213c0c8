"""One batch at the desk: render what is new, send what is due, read back, look at open tickets.

Nothing is decided here; what a person or the desk did goes back to the case machine as events. The rules of never twice and
never lost: the intent is journalled before the request; a request whose outcome is unknown is looked up by its key (or its
comment marker) before it is made again; lookups compare the key exactly; of two tickets the lowest id wins.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from agent.model import Adopted, Case, DeskHealth, Observed, QueuedOperation
from agent.outbox import Outbox
from agent.render import RenderContext, render_comment, render_ticket
from agent.settings import HOUR, MINUTE
from agent.store import Store, StoreUnavailable
from ticketing_clients import (
    Comment,
    DeskError,
    DeskUnreachable,
    FoundTicket,
    NotApplied,
    NotAuthorised,
    NothingSent,
    OutcomeUnknown,
    Reason,
    Rejected,
    Throttled,
    Ticket,
    TicketGone,
    TicketingClient,
    TicketRef,
)

# A request that was cut off may still be committed by the desk, and its search may lag: ask again only after this.
SETTLE = MINUTE
# A ticket whose creation was ambiguous could get a late twin; for this long each look at it also looks for one.
TWIN_WATCH = HOUR
FIRST_BACK_OFF, LONGEST_BACK_OFF = 30.0, HOUR
BATCH = 50

Answer = TypeVar("Answer")

log = structlog.get_logger()


class Delivery:
    """One desk's batch. `now` tells the time in unix seconds; everything durable happens in `store` and `outbox`."""

    def __init__(
        self, store: Store, client: TicketingClient, render: RenderContext, desk: str, now: Callable[[], float]
    ) -> None:
        """Given the store, a desk's client, what rendering needs, the desk's configured name, and the time."""
        self.store = store
        self.outbox = Outbox(store)
        self.client = client
        self.render = render
        self.desk = desk
        self.now = now

    def run(self, *, poll: bool, rebuild: bool) -> DeskHealth:
        """Do the whole batch; return how the desk was. A desk that does not serve us ends the batch, never the work."""
        try:
            if rebuild:
                self._rebuild()
            self._send_all()
            if poll:
                self._poll()
        except _NotServed as end:
            return end.health
        except DeskError as error:
            return self._not_served(error)
        return DeskHealth(reachable=True, at=self.now(), last_contact=self.now())

    def _not_served(self, error: DeskError) -> DeskHealth:
        log.warning("the desk does not serve us", desk=self.desk, reason=error.reason, detail=str(error))
        patience = error.retry_after if isinstance(error, Throttled) else None
        return failed(self.store.desk_health(self.desk), error.reason, str(error), self.now(), patience)

    # -- sending ----------------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        while due := self.outbox.due(self.now(), limit=BATCH):
            for queued in due:
                self._send(queued)

    def _send(self, queued: QueuedOperation) -> None:
        operation = queued.operation
        was_sending = queued.state == "sending"
        try:
            payload = self._payload(queued)
            if not self.outbox.sending(operation.id, not_before=self.now() + SETTLE):
                return  # given up since the batch was read
            ref = _named(lambda: self._carry_out(queued, payload, unknown=was_sending))
        except OutcomeUnknown as error:
            log.warning("outcome unknown", operation=operation.id, detail=str(error))
            self.outbox.unknown(operation.id, self.now() + max(SETTLE, back_off(queued.attempts)), str(error))
        except NothingSent as error:
            health = self._not_served(error)
            # What may be refused for this one alone waits a little longer than the desk rests: then others have their turn.
            again = health.not_before + (SETTLE if isinstance(error, NotAuthorised) else 0.0)
            if was_sending:  # what was unknown stays unknown: only an answer of the desk can settle it
                self.outbox.unknown(operation.id, again, str(error))
            else:
                self.outbox.retry(operation.id, again, error.reason, str(error))
            raise _NotServed(health) from error
        except Rejected as error:
            log.warning("set aside, the desk refused", operation=operation.id, reason=error.reason, detail=str(error))
            self.outbox.reject(operation.id, error.reason, str(error), self.now())
        else:
            self.outbox.done(operation.id, ref, self.now())
            log.info("delivered", kind=operation.kind, case=operation.case, desk=self.desk, ticket=ref.id)

    def _payload(self, queued: QueuedOperation) -> bytes:
        """Return the exact bytes that were rendered for this operation, rendering them the first time only.

        Raises Rejected when there are none that may leave, which is this operation's own trouble and no other's.
        """
        if queued.rendered is None:
            payload = msgspec.json.encode(self._render(queued))
            self.outbox.rendered(queued.operation.id, payload, hashlib.sha256(payload).hexdigest())
            return payload
        if hashlib.sha256(queued.rendered).hexdigest() != queued.digest:
            raise Rejected("its rendered text does not match its hash: it was altered, and does not leave")
        return queued.rendered

    def _render(self, queued: QueuedOperation) -> Ticket | Comment:
        render = render_comment if queued.operation.kind == "comment" else render_ticket
        try:
            return render(queued.operation, self.render)
        except Exception as error:
            log.debug("rendering failed", operation=queued.operation.id, exc_info=True)
            raise Rejected(f"it cannot be put into words: {type(error).__name__}: {error}") from error

    def _carry_out(self, queued: QueuedOperation, payload: bytes, *, unknown: bool) -> TicketRef:
        operation, can = queued.operation, self.client.capabilities
        if operation.kind == "comment":
            comment = msgspec.json.decode(payload, type=Comment)
            ref = self._ticket_of(operation.case)
            if can.comment and not (unknown and can.read and self.client.has_comment(ref, comment.marker)):
                self.client.comment(ref, comment)
            return ref
        ticket = msgspec.json.decode(payload, type=Ticket)
        if operation.kind == "open":
            return self._open(ticket, unknown=unknown)
        ref = self._ticket_of(operation.case)
        match operation.kind:
            case "raise_priority" if can.priority:
                self.client.raise_priority(ref, ticket.priority)
            case "resolve" if can.resolve:
                self.client.resolve(ref)
            case "reopen":
                return self._reopen(ref, ticket, unknown=unknown)
            case _:
                log.info("left out, the desk cannot do it", operation=operation.id, kind=operation.kind, desk=self.desk)
        return ref

    def _ticket_of(self, case_key: str) -> TicketRef:
        ref = self.outbox.latest_ticket(case_key)
        if ref is None:
            case = self.store.case(case_key)
            ref = case.ticket if case else None
        if ref is None:
            raise Rejected("there is no ticket to say this on: its opening was refused or dropped")
        return ref

    def _open(self, ticket: Ticket, *, unknown: bool) -> TicketRef:
        """Create the ticket unless the desk already has it; adopt what is there."""
        if self.client.capabilities.find:
            found = _patiently(lambda: self.client.find(ticket.key))
            if any(one.open for one in found):
                return self._one_of(found)
            earlier = self.outbox.latest_ticket(ticket.key)
            if unknown and found and (earlier is None or found[-1].ref.id != earlier.id):
                return found[-1].ref  # made by our lost request, and closed by a person since
        try:
            return self.client.open(ticket)
        except NotApplied as error:
            # The ticket is there, but not all of it is as asked: better told with a flaw than not told.
            found = self.client.find(ticket.key) if self.client.capabilities.find else []
            if not any(one.open for one in found):
                raise
            log.warning("opened, but not all was taken", key=ticket.key, detail=str(error))
            return self._one_of(found)

    def _reopen(self, ref: TicketRef, ticket: Ticket, *, unknown: bool) -> TicketRef:
        if self.client.capabilities.reopen == "none":
            return self._open(ticket, unknown=unknown)
        try:
            return self.client.reopen(ref, ticket)
        except TicketGone:
            return self._open(ticket, unknown=unknown)

    def _one_of(self, found: list[FoundTicket]) -> TicketRef:
        """Of several open tickets with one key keep the first, and close the others as its duplicates."""
        first, *others = [one for one in found if one.open]
        for other in others:
            log.warning("closing a duplicate", ticket=other.ref.id, original=first.ref.id)
            try:
                self.client.close_duplicate(other.ref, first.ref)
            except Rejected as error:  # the first is the one that counts, whatever becomes of the other
                log.warning("a duplicate stays open", ticket=other.ref.id, detail=str(error))
        return first.ref

    # -- looking ----------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        if not self.client.capabilities.read:
            return
        for case in self.store.cases():
            if case.ticket is None or case.state in {"pending", "closed"}:
                continue
            # A reopening in this very batch may have made a follow-up, of which the case knows nothing yet.
            ref = self.outbox.latest_ticket(case.key) or case.ticket
            try:
                self._look_at(case, ref)
            except NothingSent:
                raise
            except DeskError as error:
                log.warning("could not look at a ticket", ticket=ref.id, reason=error.reason, detail=str(error))

    def _look_at(self, case: Case, ref: TicketRef) -> None:
        try:
            state = _patiently(lambda: self.client.read(ref))
        except TicketGone:
            state = None
        self.store.put_event(Observed(case=case.key, state=state, at=self.now()))
        young = case.opened_at is not None and self.now() - case.opened_at < TWIN_WATCH
        if young and self.client.capabilities.find:
            found = _patiently(lambda: self.client.find(case.key))
            if any(one.open for one in found):
                self._one_of(found)

    def _rebuild(self) -> None:
        """Our records are new or were lost: learn which tickets of this host the desk has open."""
        found = []
        if self.client.capabilities.list_open:
            found = _patiently(lambda: self.client.list_open(self.render.host.id))
        with self.store.transaction():
            for one in found:
                self.store.put_event(Adopted(case=one.key, ref=one.ref, at=self.now()))
            self.store.rebuild_wanted = False


class _NotServed(Exception):
    """The batch is over: the desk serves us no more."""

    def __init__(self, health: DeskHealth) -> None:
        super().__init__(health.reason)
        self.health = health


def failed(before: DeskHealth, reason: Reason, detail: str, now: float, wait: float | None = None) -> DeskHealth:
    """Return the health of a desk that did not serve a batch; it rests for `wait` seconds, or longer with each failure."""
    failures = before.failures + 1
    rest = back_off(failures) if wait is None else max(wait, 1.0)
    return DeskHealth(
        reachable=False,
        reason=reason,
        detail=detail,
        failures=failures,
        not_before=now + rest,
        at=now,
        last_contact=before.last_contact,
    )


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask the desk something that changes nothing, again when it could not be reached for a moment."""
    again = Retrying(
        retry=retry_if_exception_type((DeskUnreachable, OutcomeUnknown)),
        wait=wait_random_exponential(multiplier=0.5, max=5),
        stop=stop_after_attempt(3),
        reraise=True,
    )
    return _named(lambda: again(ask))


def _named(ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` returns. After an error that clients do not announce nobody knows what was done: OutcomeUnknown."""
    try:
        return ask()
    except (DeskError, StoreUnavailable):
        raise
    except Exception as error:
        log.debug("the client failed", exc_info=True)
        raise OutcomeUnknown(f"the desk's client failed: {type(error).__name__}") from error


def back_off(failures: int) -> float:
    """Return seconds to wait after so many failures in a row: doubling up to an hour, with jitter so that hosts spread out."""
    longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(failures, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
