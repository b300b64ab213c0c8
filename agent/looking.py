"""Looking at a desk: at our open tickets, a bounded number at a time, and at all of this host when our records are new."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog

from agent.asking import close_twin, patiently, tickets_of
from agent.model import Adopted, Case, Observed
from agent.outbox import Outbox
from agent.routing import is_copy
from agent.settings import HOUR
from agent.store import Store
from ticketing_clients import DeskError, NothingSent, OutcomeUnknown, TicketGone, TicketingClient, TicketRef

# A ticket whose creation was ambiguous could get a late twin; for this long each look at it also looks for one.
TWIN_WATCH = HOUR
# Looks in one batch. With more open tickets than this each has its turn later, and no batch is endless.
LOOKS = 100

_KEY = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger()


class Looker:
    """What is seen at the desk with the configured name `desk`. `now` tells the time in unix seconds."""

    def __init__(self, store: Store, client: TicketingClient, desk: str, now: Callable[[], float]) -> None:
        """Leave what is seen in `store`, for the next cycle."""
        self.store = store
        self.outbox = Outbox(store)
        self.client = client
        self.can = client.capabilities
        self.desk = desk
        self.now = now

    def rebuild(self, host: str) -> None:
        """Our records are new or were lost: learn which tickets of the host with this marker the desk has open.

        Copies are found by their own key when there is something to say on them.
        """
        found = []
        if self.can.list_open:
            found = [one for one in patiently(lambda: self.client.list_open(host)) if _KEY.fullmatch(one.key)]
        with self.store.transaction():
            for one in found:
                if not is_copy(one.key):
                    self.store.put_event(Adopted(case=one.key, ref=one.ref, at=self.now()))
            self.store.rebuilt(self.desk)

    def poll(self, heard: Callable[[OutcomeUnknown | None], None]) -> None:
        """Look at the open tickets whose last look is longest ago.

        heard: told of each look, with the error of one that got no answer; it may end the batch.
        """
        if not self.can.read:
            return
        ours = [case for case in self.store.cases_to_look_at() if case.ticket and case.ticket.desk == self.desk]
        for case in ours[:LOOKS]:
            self.store.looked_at(case.key, self.now())
            try:
                self._look_at(case)
            except NothingSent:
                raise
            except DeskError as error:
                log.warning("could not look at a ticket", case=case.key, reason=error.reason, detail=str(error))
                heard(error if isinstance(error, OutcomeUnknown) else None)
            else:
                heard(None)

    def _look_at(self, case: Case) -> None:
        # A reopening in this very batch may have made a follow-up, of which the case knows nothing yet.
        known = self.outbox.latest_ticket(case.key, self.desk) or case.ticket
        if known is None:
            return
        ref = self._without_twins(case.key, known)
        try:
            state = patiently(lambda: self.client.read(ref))
            ref = state.ref
        except TicketGone:
            state = None
        with self.store.transaction():
            if ref.id != known.id:  # the twin of lower id, or the ticket that people merged it into
                self.outbox.moved(case.key, self.desk, ref)
            self.store.put_event(Observed(case=case.key, state=state, at=self.now()))

    def _without_twins(self, key: str, ref: TicketRef) -> TicketRef:
        """Return the ticket that counts, with late twins of it closed: the lowest id, unless people closed the one we know."""
        opened_at = self.outbox.opened_at(key, self.desk)
        if opened_at is None or self.now() - opened_at >= TWIN_WATCH or not self.can.find:
            return ref
        working = [one.ref for one in tickets_of(self.client, key) if one.open]
        kept = working[0] if ref.id in {one.id for one in working} else ref
        for twin in working:
            if twin.id != kept.id:
                close_twin(self.client, twin, kept)
        return kept
