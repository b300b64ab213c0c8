"""One batch at one desk: send what is due, read back, look at open tickets.

Nothing is decided here; what a person or the desk did goes back to the case machine as events. The rules of never twice and
never lost: the intent is journalled before the request; a request whose outcome is unknown is looked up by its key (or its
comment's marker, or its file's name) before it is made again, and not before the desk's search can know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from agent.configuration.settings import DAY, MINUTE
from agent.consent.levels import Allowed, nothing_allowed
from agent.delivery.asking import SETTLE, named
from agent.delivery.desk_health import back_off, failed
from agent.delivery.looking import Looker
from agent.delivery.outbox import Outbox
from agent.delivery.sending import NotAllowed, Sender
from agent.following.model import DeskHealth, Operation, QueuedOperation
from agent.logs import get_logger
from agent.store import Store
from agent.wording.context import NoNews, RenderContext
from ticketing_clients import (
    DeskError,
    NotAuthorised,
    NothingSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketingClient,
)

BATCH = 50
# After so long no more is begun: what is left is for the next courier, and this one is not taken for one that hangs.
LONG_ENOUGH = 5 * MINUTE
# So many requests in a row without a trustworthy answer end the batch; the first does when the last batch ended like that.
UNANSWERED = 3

log = get_logger()


class Delivery:
    """One desk's batch. `now` tells the time in unix seconds; everything durable happens in `store` and `outbox`."""

    def __init__(
        self,
        store: Store,
        client: TicketingClient,
        render: RenderContext,
        desk: str,
        now: Callable[[], float],
        *,
        allowed: Allowed = nothing_allowed,
        watched: float = DAY,
    ) -> None:
        """Given the store, a desk's client, what rendering needs, the desk's configured name, the time, and the consent.

        watched: for how many seconds it is certain that the clock went evenly.
        """
        self.store = store
        self.outbox = Outbox(store)
        self.sender = Sender(store, client, render, allowed)
        self.looker = Looker(store, client, desk, now, render.settings.cases.rating_within)
        self.host = render.host.id
        self.desk = desk
        self.now = now
        self._settle = max(SETTLE, client.capabilities.search_lag)
        self._watched = watched
        self._before = store.desk_health(desk)
        self._poll = render.settings.delivery.poll
        self._patience = 1 if self._before.failures else UNANSWERED
        self._silent = 0
        self._answered = False
        self._complaints: tuple[str, ...] = ()
        self._silence: OutcomeUnknown | None = None

    def run(self, *, poll: bool, rebuild: bool, looks: Collection[str] | None = None) -> DeskHealth:
        """Do the whole batch; return how the desk was. A desk that does not serve us ends the batch, never the work.

        looks: the keys of the cases whose tickets are looked at in a `poll`; None is all that are open.
        """
        health = self._run(poll=poll, rebuild=rebuild, looks=looks)
        if health.reachable and self._before.reachable is False:
            log.info("the desk serves us again", desk=self.desk)
        told = {"standing": self.looker.standing, "read": self.looker.can.read, "all_seen": self.looker.all_seen}
        return msgspec.structs.replace(health, **told)

    def _run(self, *, poll: bool, rebuild: bool, looks: Collection[str] | None) -> DeskHealth:
        try:
            if rebuild:
                self.looker.rebuild(self.host, self._watched)
            if (unsure := self._settle - self._watched) > 0:
                self.outbox.settle(self.desk, self.now(), until=self.now() + unsure)
            self._send_all()
            if not rebuild:  # what was adopted just now has to be heard of first
                self.looker.end_what_is_over()
            if poll:
                self._complaints = self.looker.remind()
                for complaint in self._complaints:
                    if complaint not in self._before.detail:  # or it was said after the last round
                        log.warning("a part of the desk was not told", desk=self.desk, detail=complaint)
                self.looker.poll(self._heard, looks)
        except _NotServed as end:
            return end.health
        except DeskError as error:
            return self._not_served(error)
        if self._silence is not None and not self._answered:
            return self._not_served(self._silence)
        detail = "; ".join(self._complaints)
        return DeskHealth(reachable=True, detail=detail, at=self.now(), last_contact=self.now())

    def _not_served(self, error: DeskError) -> DeskHealth:
        if self._before.reachable is not False or self._before.reason != error.reason:  # or it was said before
            log.warning("the desk does not serve us", desk=self.desk, reason=error.reason, detail=str(error))
        wait = error.retry_after if isinstance(error, Throttled) else None
        return failed(self._before, error.reason, str(error), self.now(), wait, poll=self._poll)

    # -- the breaker ------------------------------------------------------------------------------------------------

    def _heard(self, silence: OutcomeUnknown | None) -> None:
        """Go on after a request that was answered, or that was not; end the batch when too many in a row were not."""
        health = self._after(silence)
        if health is not None:
            raise _NotServed(health) from silence

    def _after(self, silence: OutcomeUnknown | None) -> DeskHealth | None:
        """Return how the desk is when it has kept silent for too long, None while it may be asked more."""
        if silence is None:
            self._silent, self._patience, self._answered = 0, UNANSWERED, True
            return None
        self._silent, self._silence = self._silent + 1, silence
        return self._not_served(silence) if self._silent >= self._patience else None

    # -- sending ----------------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        end = self.now() + LONG_ENOUGH
        while self.now() < end and (due := self.outbox.due(self.desk, self.now(), limit=BATCH)):
            for queued in due:
                self._send(queued)

    def _payload(self, queued: QueuedOperation) -> bytes | None:
        """Return the bytes that leave; None when none do, and what became of the operation is written down."""
        operation = queued.operation
        if operation.expires is not None and self.now() > operation.expires and queued.state != "sending":
            self._no_news(operation)
            return None
        try:
            return self.sender.payload(queued)
        except NoNews:
            self._no_news(operation)
        except Rejected as error:
            self._set_aside(operation, error)
        except NotAllowed as error:
            log.warning("not sent", operation=operation.id, detail=str(error))
            self.outbox.forbid(operation.id, str(error), self.now())
        return None

    def _send(self, queued: QueuedOperation) -> None:
        operation = queued.operation
        was_sending = queued.state == "sending"
        payload = self._payload(queued)
        if payload is None or not self.outbox.sending(operation.id, not_before=self.now() + self._settle):
            return  # or it was given up since the batch was read
        try:
            sent = named(lambda: self.sender.carry_out(queued, payload, unknown=was_sending))
        except OutcomeUnknown as error:
            self._outcome_unknown(queued, error)
        except NothingSent as error:
            self._nothing_sent(queued, error, was_sending=was_sending)
        except Rejected as error:
            self._set_aside(operation, error)
            self._heard(None)
        else:
            promise = self.sender.promised(operation, payload, self.now())
            windows = () if sent.left_out else self.sender.told_windows(operation, payload)
            self.outbox.done(
                operation.id, sent.ref, self.now(), left_out=sent.left_out, promise=promise, windows=windows
            )
            said = "left out, the desk cannot do it" if sent.left_out else "delivered"
            log.info(said, kind=operation.kind, case=operation.case, desk=self.desk, ticket=sent.ref.id)
            if operation.kind == "attach":
                self.outbox.sweep()
            self._heard(None)

    def _no_news(self, operation: Operation) -> None:
        log.info("not said, it is no news any more", operation=operation.id)
        self.outbox.expire(operation.id, self.now())

    def _set_aside(self, operation: Operation, error: Rejected) -> None:
        log.warning("set aside", operation=operation.id, reason=error.reason, detail=str(error))
        self.outbox.reject(operation.id, error.reason, str(error), self.now())

    def _outcome_unknown(self, queued: QueuedOperation, error: OutcomeUnknown) -> None:
        log.warning("outcome unknown", operation=queued.operation.id, detail=str(error))
        again = self.now() + max(self._settle, back_off(queued.attempts))
        health = self._after(error)
        if health is not None:  # it may be this one that the desk cannot answer: after the rest, others have their turn
            again = max(again, health.not_before + self._settle)
        self.outbox.unknown(queued.operation.id, again, error.reason, str(error))
        if health is not None:
            raise _NotServed(health) from error

    def _nothing_sent(self, queued: QueuedOperation, error: NothingSent, *, was_sending: bool) -> None:
        """Keep it for later. Unless only its own ticket has to wait, the desk serves us no more."""
        health = None
        if isinstance(error, Throttled) and error.ticket_only:
            again = self.now() + (error.retry_after or back_off(queued.attempts))
        else:
            health = self._not_served(error)
            # What may be refused for this one alone waits a little longer than the desk rests: then others have their turn.
            again = health.not_before + (SETTLE if isinstance(error, NotAuthorised) else 0.0)
        # What was unknown stays unknown: only an answer of the desk can settle it.
        keep = self.outbox.unknown if was_sending else self.outbox.retry
        keep(queued.operation.id, again, error.reason, str(error))
        if health is not None:
            raise _NotServed(health) from error


class _NotServed(Exception):
    """The batch is over: the desk serves us no more."""

    def __init__(self, health: DeskHealth) -> None:
        super().__init__(health.reason)
        self.health = health
