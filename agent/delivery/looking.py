"""Looking at a desk: at our open tickets, some at a time, and at all of this host when our records are new; reminding it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection

import msgspec

from agent.configuration.settings import HOUR
from agent.delivery.asking import close_twin, patiently, tickets_of
from agent.delivery.outbox import Outbox
from agent.delivery.rhythm import LOOKS
from agent.following.model import Adopted, Case, Observed
from agent.following.routing import copy_key, is_copy
from agent.logs import get_logger
from agent.store import Store
from ticketing_clients import (
    DeskError,
    Forgetful,
    NothingSent,
    OutcomeUnknown,
    TicketGone,
    TicketingClient,
    TicketRef,
    TicketState,
)

# A ticket whose creation was ambiguous could get a late twin; so long each look at it also looks for one, and once after that,
# however much later that is.
TWIN_WATCH = HOUR

_KEY = re.compile(r"[0-9a-f]{64}")

log = get_logger()


class Looker:
    """What is seen at the desk with the configured name `desk`. `now` tells the time in unix seconds."""

    def __init__(
        self, store: Store, client: TicketingClient, desk: str, now: Callable[[], float], rating_within: float = 0.0
    ) -> None:
        """Leave what is seen in `store`, for the next cycle.

        rating_within: for how many seconds after its end a ticket is looked at for the customer's rating.
        """
        self.store = store
        self.outbox = Outbox(store)
        self.client = client
        self.can = client.capabilities
        self.desk = desk
        self.now = now
        self.rating_within = rating_within
        self.all_seen = False  # whether each look of the last round told how its ticket is

    def rebuild(self, host: str, watched: float) -> None:
        """Our records are new or were lost: learn which tickets of the host with this marker the desk has open.

        Copies are found by their own key when there is something to say on them. What the earlier records opened last, a desk's
        search may not know of yet: until it does, this is wanted again. watched: seconds since then, by a clock that went evenly.
        """
        found = []
        if self.can.list_open:
            found = [one for one in patiently(lambda: self.client.list_open(host)) if _KEY.fullmatch(one.key)]
        with self.store.transaction():
            for one in found:
                if not is_copy(one.key):
                    self.store.put_event(Adopted(case=one.key, ref=one.ref, at=self.now()))
            if watched >= self.can.search_lag:
                self.store.rebuilt(self.desk)

    @property
    def standing(self) -> bool:
        """Whether the desk has to be told something again in the next round; if that cannot be told, it has."""
        if not isinstance(self.client, Forgetful):
            return False
        try:
            return self.client.anything_stands()
        except DeskError as error:
            log.warning("cannot tell what stands at the desk", desk=self.desk, detail=str(error))
            return True

    def end_what_is_over(self) -> None:
        """End at a forgetful desk what stands there for a case that is closed. Raises DeskError.

        Nobody asks for the end of a ticket that people closed themselves; there it would stand until it is forgotten. What was
        opened since it closed, the case has yet to hear of, and goes on.
        """
        if not isinstance(self.client, Forgetful):
            return
        for one in self.client.standing():
            case = self.store.case(one.key)
            if case is None or case.state != "closed" or case.closed_at is None:
                continue
            if (self.outbox.opened_at(one.key, self.desk) or 0.0) <= case.closed_at:
                patiently(functools.partial(self.client.resolve, one.ref))
                log.info("ended with its case", case=case.key, desk=self.desk)

    def remind(self) -> tuple[str, ...]:
        """Tell a forgetful desk again what stands there, by the cases that are open; return who of it was not told, and why.

        Raises DeskError when nobody was.
        """
        client = self.client
        if not isinstance(client, Forgetful):
            return ()
        keys = [self._key(case) for case in self.store.cases() if self.desk in case.desks]
        return patiently(lambda: client.remind(keys))

    def _key(self, case: Case) -> str:
        return case.key if case.desks[0] == self.desk else copy_key(case.key, self.desk)

    def poll(self, heard: Callable[[OutcomeUnknown | None], None], keys: Collection[str] | None = None) -> None:
        """Look at the tickets of the cases with these keys, or at all that are open, the one unseen for longest first.

        heard: told of each look, with the error of one that got no answer; it may end the batch.
        """
        if not self.can.read:
            return
        known = self.store.cases_to_look_at(self.now(), self.rating_within)
        ours = [case for case in known if case.ticket and case.ticket.desk == self.desk]
        wanted = [case for case in ours if keys is None or case.key in keys]
        seen = 0
        for case in wanted[:LOOKS]:
            self.store.looked_at(case.key, self.now())
            try:
                seen += self._look_at(case)
            except NothingSent:
                raise
            except DeskError as error:
                log.warning("could not look at a ticket", case=case.key, reason=error.reason, detail=str(error))
                heard(error if isinstance(error, OutcomeUnknown) else None)
            else:
                heard(None)
        self.all_seen = seen == len(wanted)

    def _look_at(self, case: Case) -> bool:
        """Tell the case how its ticket is; return whether that was told. Raises DeskError."""
        # A reopening in this very batch may have made a follow-up, of which the case knows nothing yet.
        known = self.outbox.latest_ticket(case.key, self.desk) or case.ticket
        if known is None:
            return False
        ref, state = self._read(known)  # first: people may have moved it, and then it is not its own twin
        kept = self._without_twins(case.key, ref)
        if kept.id != ref.id:
            ref, state = self._read(kept)
        with self.store.transaction():
            if ref.id != known.id:  # the twin of lower id, or the ticket that people merged it into
                self.outbox.moved(case.key, self.desk, ref)
            if self.outbox.is_opening(case.key, self.desk):
                return False  # the ticket is still as it was before, and its end then is no answer to what came since
            self.store.put_event(Observed(case=case.key, state=state, at=self.now()))
        return True

    def _read(self, ref: TicketRef) -> tuple[TicketRef, TicketState | None]:
        """Return where the ticket is now, and its state; None when it is gone."""
        try:
            state = patiently(lambda: self.client.read(ref))
        except TicketGone:
            return ref, None
        if self.can.due != "time":  # a day tells nothing of a time that we set
            state = msgspec.structs.replace(state, due=None)
        return state.ref, state

    def _without_twins(self, key: str, ref: TicketRef) -> TicketRef:
        """Return the ticket that counts, with late twins of it closed: the lowest id, unless people closed the one we know."""
        since = self.outbox.twin_possible_since(key, self.desk)
        if since is None or not self.can.find:
            return ref
        found = tickets_of(self.client, key)
        working = [one.ref for one in found if one.open]
        kept = working[0] if ref.id in {one.id for one in working} else ref
        # What people merged ours into is a ticket of theirs: others of ours are no duplicates of that.
        if ref.id in {one.ref.id for one in found}:
            for twin in working:
                if twin.id != kept.id:
                    close_twin(self.client, twin, kept)
        if self.now() - since >= TWIN_WATCH:
            self.outbox.twin_impossible(key, self.desk)
        return kept
