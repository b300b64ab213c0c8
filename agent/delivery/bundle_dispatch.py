"""Has bundles made for tickets that are there and whose consent allows it: one child at a time, beside the daemon's own work.

Nothing is decided here for good: the child asks for consent again, and so does the courier.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.configuration.config import ConfigFile, Configuration
from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.consent.gate import look
from agent.consent.levels import lets_out
from agent.delivery.courier_process import CourierProcess
from agent.delivery.outbox import Outbox
from agent.following.model import Case
from agent.logs import get_logger
from agent.store import Store, StoreUnavailable
from agent.system.host import HostIdentity

#: of the state folder: bundles that nobody has sent yet
FOLDER = "bundles"
#: of the state folder: what first looks leave for the next, and for how long (seconds): a problem that recurs does so sooner
MEMORIES, REMEMBERED = "diagnosis", 90 * DAY
# So often it is looked whether consent came for a case that is open; what opened since the last look need not wait for it.
LOOK = 5 * MINUTE
_WORKED_ON = frozenset({"open", "acknowledged", "deferred"})

log = get_logger()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One case for which a bundle is wanted. `now`: the daemon's unix time."""

    config: ConfigFile | None
    state_dir: str
    host: HostIdentity
    key: str
    now: float


class BundleDispatcher:
    """Starts `python -P -m agent.child agent.delivery.bundling` where there is something to bundle."""

    def __init__(
        self, store: Store, folder: Path, configuration: Configuration, host: HostIdentity, *, clock: Clock
    ) -> None:
        """Given the configuration with its rules, and the clock by which cases rest."""
        self._store = store
        self._outbox = Outbox(store)
        self._folder = folder
        self._configuration = configuration
        self._host = host
        self._clock = clock
        self._child = CourierProcess("bundle", clock, module="agent.delivery.bundling")
        self._at_work = ""
        self._rests: dict[str, float] = {}  # by case, until when on the monotonic clock
        self._known: frozenset[str] = frozenset()
        self._looked = clock.monotonic() - LOOK

    def consider(self, cases: Iterable[Case], now: float) -> None:
        """Start a child if one of `cases` lacks its bundle at `now` (unix seconds). Raises OSError, StoreUnavailable."""
        self._note_end()
        if self._child.at_work:
            return
        lacking = [case for case in cases if self._lacks(case)]
        keys = frozenset(case.key for case in lacking)
        if not lacking or (keys <= self._known and self._clock.monotonic() - self._looked < LOOK):
            return
        self._known, self._looked = keys, self._clock.monotonic()
        consent = look(self._folder, self._configuration, now)
        rules = self._configuration.rules_by_id
        for case in sorted(lacking, key=lambda one: (one.priority, one.first_seen)):
            rested = self._clock.monotonic() >= self._rests.get(case.key, 0.0)
            if rested and lets_out(consent.level(case.rule, rules[case.rule].type, now), "measurement"):
                self._start(case, now)
                return

    def forget(self, before: float) -> None:
        """Remove the bundles that were kept before this (unix seconds) and not sent, and what first looks left long before.

        Raises StoreUnavailable.
        """
        for name, end in ((FOLDER, before), (MEMORIES, before - REMEMBERED)):
            folder = self._folder / name
            try:
                for file in folder.iterdir() if folder.is_dir() else ():
                    with suppress(FileNotFoundError):  # it was queued just now
                        if file.stat().st_mtime < end:
                            file.unlink()
            except OSError as error:
                cure = "let the agent's user write there"
                raise StoreUnavailable(folder, f"old files cannot be removed ({error.strerror})", cure) from error

    def stop(self) -> None:
        """End the child; what it had not queued is made again."""
        self._child.end()

    def _lacks(self, case: Case) -> bool:
        """Return whether a ticket of a rule is there that has got no bundle since it was opened last."""
        return (
            case.ticket is not None
            and case.state in _WORKED_ON
            and case.rule in self._configuration.rules_by_id
            and not self._outbox.has_attached(case.key, case.ticket.desk)
        )

    def _start(self, case: Case, now: float) -> None:
        self._at_work = case.key
        self._rests[case.key] = self._clock.monotonic() + LOOK
        self._known -= {case.key}  # the next one is looked for as soon as this one is done
        self._child.start(
            Task(
                config=self._configuration.file,
                state_dir=str(self._folder),
                host=self._host,
                key=case.key,
                now=now,
            )
        )

    def _note_end(self) -> None:
        status = self._child.ended()
        if status:
            log.error("the bundle failed", case=self._at_work, status=status)
            self._rests[self._at_work] = self._clock.monotonic() + HOUR
