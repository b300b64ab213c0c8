"""Starts couriers where there is something to send or to look at: one at a time for each desk, so that none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.clock import Clock
from agent.configuration.config import ConfigFile
from agent.configuration.settings import DAY, DeliverySettings
from agent.delivery.courier_process import CourierProcess
from agent.delivery.desk_health import failed
from agent.delivery.job import BUSY, Job
from agent.delivery.outbox import Outbox
from agent.delivery.rhythm import LOOKS, SHORTEST, rest
from agent.following.model import Case, DeskHealth
from agent.logs import get_logger
from agent.store import Store
from agent.system.host import HostIdentity
from ticketing_clients import TicketRef

log = get_logger()


class _Desk(NamedTuple):
    """What the records say of a desk: how it was, whether it has yet to tell what it has open, and whether operations wait."""

    health: DeskHealth
    rebuild: bool
    waits: bool


class _Sight(NamedTuple):
    """By what it is known whether a look could show anything that people did, or mean something else to the case.

    changed_at: since when (unix seconds) the case is in its state. news: what tells of what people did at the desk.
    """

    ticket: TicketRef | None
    changed_at: float
    news: str


class Dispatcher:
    """Decides by the outbox, the open tickets and each desk's health; couriers do the rest."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        config: ConfigFile | None,
        host: HostIdentity,
        *,
        delivery: DeliverySettings,
        rating_within: float,
        clock: Clock,
        news: Mapping[str, Callable[[Path], str]],
    ) -> None:
        """Serve the desks of `delivery`, and those that still have work from an earlier configuration.

        rating_within: for how many seconds after its end a ticket is looked at for the customer's rating.
        news: by desk, what tells what is new there (`ClientPlugin.news`).
        """
        self.store = store
        self.outbox = Outbox(store)
        self.folder = folder
        self.config = config
        self.host = host
        self.clock = clock
        self._rating_within = rating_within
        self._rhythm = delivery.poll * _spread(host.id)
        self._couriers: dict[str, CourierProcess] = {}
        # What the records said of each desk, and in which version of them.
        self._recorded: dict[str, _Desk] = {}
        self._version: tuple[int, int] | None = None
        # By the steady clock: when the ticket of each case was looked at last, when each desk had its last round of looks, and
        # when it was reckoned last which tickets are due.
        self._looked: dict[str, float] = {}
        # By desk: the cases that its last courier was to look at, as their tickets were before; and by case, as it was before it
        # was last seen.
        self._looks: dict[str, Mapping[str, _Sight | None]] = {}
        self._seen: dict[str, _Sight | None] = {}
        self._tell = news
        # Desks of which a courier of ours has told that nothing can be looked at there.
        self._unreadable: set[str] = set()
        self._rounds: dict[str, float] = {}
        self._reckoned = clock.monotonic() - self._rhythm
        self._watched_from = clock.monotonic()
        self._serve(*delivery.desks)
        self._serve(*(case.ticket.desk for case in store.cases() if case.ticket))

    @property
    def desks(self) -> tuple[str, ...]:
        """The names of the desks that are served."""
        return tuple(self._couriers)

    def health(self, desk: str) -> DeskHealth:
        """Return how `desk` was at the end of its last batch."""
        return self.store.desk_health(desk)

    def consider(self, now: float) -> dict[str, str]:
        """Start a courier for each desk that has work and may be asked (`now` in unix seconds). Raises OSError, StoreUnavailable.

        Return how those ended that have ended since this was last asked: `ok`, a DeskError's reason, or `failed` for one that
        died, by the name of its desk.
        """
        outcomes = {desk: outcome for desk in self.desks if (outcome := self._ended(desk, now))}
        for desk in [desk for desk, outcome in outcomes.items() if outcome != "ok"]:
            self._look_again(desk)
        self._read_anew()  # after couriers, or what they wrote last were not in it
        free = [
            desk
            for desk, courier in self._couriers.items()
            if not courier.at_work and now >= _rests_until(self._recorded[desk].health, now)
        ]
        due = self._due(now)
        for desk in free:
            self._start_if_wanted(desk, now, [case for case in due if case.ticket and case.ticket.desk == desk])
        return outcomes

    def wait(self, seconds: float) -> None:
        """Wait until the couriers have ended, at most so long in all."""
        until = self.clock.monotonic() + seconds
        for courier in self._couriers.values():
            courier.wait(max(until - self.clock.monotonic(), 0.0))

    def stop(self, patience: float) -> None:
        """Let couriers finish for `patience` seconds, then end them."""
        self.wait(patience)
        for courier in self._couriers.values():
            courier.end()

    def recall(self) -> None:
        """End the couriers at work because the clock was moved: what they have yet to write down goes by the time that was.

        That is no failure of theirs, and the outbox says how far each one came.
        """
        self._watched_from = self.clock.monotonic()
        for desk, courier in self._couriers.items():
            courier.end()
            if courier.ended() is not None:
                self._look_again(desk)

    def clock_moved(self, step: float) -> None:
        """Let the desks' rests go on unbroken after the wall clock was moved by `step` seconds. Raises StoreUnavailable."""
        for desk in self.desks:
            health = self.health(desk)
            self.store.set_desk_health(desk, msgspec.structs.replace(health, not_before=health.not_before + step))

    def _serve(self, *desks: str) -> None:
        for desk in desks:
            self._couriers.setdefault(desk, CourierProcess(desk, self.clock))
            self._rounds.setdefault(desk, self.clock.monotonic() - self._rhythm)

    def _read_anew(self) -> None:
        """Read of each desk that is served or has work what the records say, unless nobody has changed them since."""
        version = self.store.version()
        if version == self._version:
            return
        waiting = self.outbox.desks()
        self._serve(*waiting)
        self._recorded = {
            desk: _Desk(self.health(desk), self.store.rebuild_wanted(desk), desk in waiting) for desk in self.desks
        }
        self._version = version

    def _ended(self, desk: str, now: float) -> str:
        """Return the outcome of a courier that has ended; a desk at which it hung or died rests like one that failed.

        Empty while there is none, and for one that found another one at work.
        """
        status = self._couriers[desk].ended()
        if status == BUSY:
            self._look_again(desk)
        if status is None or status == BUSY:
            return ""
        if status:
            log.error("the courier failed", desk=desk, status=status)
            detail = f"the courier ended with status {status}, see the log"
            self.store.set_desk_health(
                desk, failed(self.health(desk), "outcome_unknown", detail, now, poll=self._rhythm)
            )
            return "failed"
        health = self.health(desk)
        (self._unreadable.discard if health.read else self._unreadable.add)(desk)
        if health.all_seen:
            self._seen |= self._looks.get(desk, {})
        return "ok" if health.reachable else health.reason

    def _due(self, now: float) -> list[Case]:
        """Return the cases whose tickets it is time to look at; what was looked at for the longest time comes first.

        That is reckoned as often as the shortest rest of a ticket lasts, not in each cycle.
        """
        steady = self.clock.monotonic()
        if steady - self._reckoned < self._rhythm * SHORTEST:
            return []
        self._reckoned = steady
        cases = self.store.cases_to_look_at(now, self._rating_within)
        self._looked = {case.key: self._looked[case.key] for case in cases if case.key in self._looked}
        self._seen = {case.key: self._seen[case.key] for case in cases if case.key in self._seen}
        return [case for case in cases if self._unseen_for(case, now, steady) >= rest(case, now, self._rhythm)]

    def _unseen_for(self, case: Case, now: float, steady: float) -> float:
        """Return how many seconds ago the ticket of `case` was looked at last, or made by us; endless where neither is known."""
        if (looked := self._looked.get(case.key)) is not None:
            return steady - looked
        opened = self.outbox.opened_at(case.key, case.ticket.desk) if case.ticket else None
        return now - opened if opened is not None and opened <= now else inf  # or the clock was set back since

    def _look_again(self, desk: str) -> None:
        """Have all that the last courier for `desk` was to look at due again: nobody knows how far it came."""
        for key in self._looks.get(desk, ()):
            self._looked.pop(key, None)
            self._seen.pop(key, None)

    def _worth_a_look(self, desk: str, due: Sequence[Case]) -> dict[str, _Sight | None]:
        """Return the cases whose tickets a courier is to look at, as they are now. Where nothing is new, this counts as one."""
        if not due or desk in self._unreadable:
            return {}
        news = self._news(desk)
        now = {case.key: None if news is None else _Sight(case.ticket, case.changed_at, news) for case in due}
        old = [case.key for case in due if self._is_known(case, now[case.key])]
        self._looked |= dict.fromkeys(old, self.clock.monotonic())
        return {key: now[key] for key in [key for key in now if key not in old][:LOOKS]}

    def _is_known(self, case: Case, sight: _Sight | None) -> bool:
        """Return whether a look would show nothing new: it was seen so; or all is as we opened it, at a desk without news."""
        if sight is None or case.key in self._seen:
            return sight is not None and sight == self._seen[case.key]
        opened = self.outbox.opened_at(case.key, case.ticket.desk) if case.ticket else None
        return not sight.news and opened is not None and case.changed_at <= opened

    def _news(self, desk: str) -> str | None:
        """Return what tells of what people did at `desk`, empty while nobody ever did; None where that cannot be told."""
        try:
            return self._tell[desk](self.folder) if desk in self._tell else None
        except OSError:  # a courier looks, and says what is wrong
            return None
        except Exception:  # a client's mistake costs its own desk a courier, and no other its looks
            log.exception("the desk's client fails at telling what is new", desk=desk)
            return None

    def _start_if_wanted(self, desk: str, now: float, due: Sequence[Case]) -> None:
        steady, looks = self.clock.monotonic(), self._worth_a_look(desk, due)
        health, rebuild, waits = self._recorded[desk]
        stands = steady - self._rounds[desk] >= self._rhythm and health.standing
        poll = bool(looks) or stands
        if not (poll or rebuild or (waits and self.outbox.due(desk, now, limit=1))):
            return
        if poll:
            self._rounds[desk] = steady
        self._looks[desk] = looks
        self._looked |= dict.fromkeys(looks, steady)
        self._couriers[desk].start(
            Job(
                config=self.config,
                state_dir=str(self.folder),
                host=self.host,
                desk=desk,
                now=now,
                poll=poll,
                looks=tuple(looks),
                rebuild=rebuild,
                watched=self.clock.monotonic() - self._watched_from,
            )
        )


def _rests_until(health: DeskHealth, now: float) -> float:
    """Return the end of the desk's rest; one further away than a day is from a clock that lied."""
    return health.not_before if health.not_before - now < DAY else 0.0


def _spread(host_id: str) -> float:
    """Return 0.9 to 1.1 by host, so that a thousand hosts do not look at their desk in the same second."""
    return 0.9 + 0.2 * (sum(host_id.encode()) % 101) / 100
