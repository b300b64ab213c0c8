"""One cycle: collect → judge → follow → queue. The same code runs in the daemon, in `check` and in `demo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from agent.collecting import Collection
from agent.configuration.config import Configuration
from agent.delivery.outbox import Outbox
from agent.following.cases import Situation, is_history, rebase
from agent.following.follow import follow
from agent.following.model import Case, Operation
from agent.store import History, Store, StoreDamaged, StoreUnavailable
from agent.system.host import HostIdentity
from thresholds import Finding, Judge, Unjudged


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """What one cycle saw, concluded and queued. `trouble`: why nothing could be written down, if so; it is tried again."""

    at: float
    collection: Collection
    findings: Sequence[Finding]
    unjudged: Sequence[Unjudged]
    cases: Mapping[str, Case]
    queued: Sequence[Operation]
    trouble: str = ""


class Pipeline:
    """Keeps what lasts from cycle to cycle: the judge's memories, the young history, the cases."""

    def __init__(
        self,
        configuration: Configuration,
        host: HostIdentity,
        store: Store,
        history: History,
        collect: Callable[[float], Collection],
    ) -> None:
        """Given where readings come from (the host's collectors, or a recording) and where records go."""
        self.configuration = configuration
        self.host = host
        self.store = store
        self.outbox = Outbox(store)
        self.history = history
        self.collect = collect
        self.judge = Judge(configuration.rules, store.load_memories())
        self.cases = {case.key: case for case in store.cases(include_closed=True)}
        self.outbox.name_desk(configuration.settings.delivery.desk)
        # As the records were begun: those of a backup take their place only while no agent runs.
        self.first_look_ends = store.installed_at + configuration.settings.agent.first_look
        self._mark = store.mark

    def cycle(self, at: float) -> Cycle:
        """Run one cycle at `at` (unix seconds). Cases and their operations are durable when it returns."""
        collection = self.collect(at)
        self.history.remember(collection.readings if collection.fresh is None else collection.fresh)
        findings, unjudged = self.judge.judge(collection.readings, collection.unchecked, at)
        queued, trouble = self._follow(findings, at, collection, unjudged)
        return Cycle(
            at=at,
            collection=collection,
            findings=findings,
            unjudged=unjudged,
            cases=self.cases,
            queued=queued,
            trouble=trouble,
        )

    def clock_moved(self, step: float, at: float) -> None:
        """Let what is counted by the wall clock go on from where it was, after it was moved by `step` seconds to `at`.

        Raises StoreUnavailable when that cannot be written down; it counts until the agent ends all the same.
        """
        moved = {key: rebase(case, step) for key, case in self.cases.items() if case.state != "closed"}
        self.cases = self.cases | moved
        with self.store.transaction():
            for case in moved.values():
                self.store.save_case(case, (), at)
            self.outbox.clock_moved(step)

    def flush(self, at: float) -> None:
        """Write the young history and the judge's memories down; a crash loses at most what came after.

        What closed longer ago than the history reaches back is forgotten, and files that waited for too long are removed.
        Raises StoreUnavailable.
        """
        self.history.flush(at)
        self.store.save_memories(self.judge.dump())
        self.store.forget_closed(before=at - self.configuration.settings.history.hourly)
        self.outbox.expire_files(before=at - self.configuration.settings.bundle.keep)
        self.outbox.sweep()

    def _follow(
        self, findings: Sequence[Finding], at: float, collection: Collection, unjudged: Sequence[Unjudged]
    ) -> tuple[Sequence[Operation], str]:
        """Follow the cases, and write what changed and what it asks of the desk in the transaction that read what goes into it.

        When the store cannot be written nothing has happened: the cases stay as they are stored, and the next cycle tries again.
        """
        try:
            with self.store.transaction():
                situation = self._situation(at, collection, unjudged)
                known = self.cases | self._remembered(findings, situation)
                steps = follow(known, findings, self.store.take_events(), situation)
                for step in steps:
                    if step.durable:
                        self.store.save_case(step.case, step.happenings, at)
                    for operation in step.operations:
                        self.outbox.queue(operation)
                    if step.kept:
                        self.store.count_promises(step.kept)
                    if step.durable and step.case.state == "closed":
                        self.outbox.case_closed(step.case.key)
                    if step.untold:
                        self.outbox.withdraw(step.case.key)
        except StoreDamaged:
            raise  # trying again does not mend it
        except StoreUnavailable as error:
            return (), str(error)
        self.cases = {step.case.key: step.case for step in steps if not is_history(step.case, at)}
        return [operation for step in steps for operation in step.operations], ""

    def _remembered(self, findings: Sequence[Finding], situation: Situation) -> dict[str, Case]:
        """Return the cases, long closed and no longer in memory, that `findings` are about: a key has one case for ever."""
        found = {}
        for finding in findings:
            if not finding.severity:
                continue
            key = situation.key(finding.rule, finding.subject)
            if key not in self.cases and (case := self.store.case(key)) is not None:
                found[key] = case
        return found

    def _situation(self, at: float, collection: Collection, unjudged: Sequence[Unjudged]) -> Situation:
        return self.configuration.situation(
            at,
            self.host.id,
            first_look_ends=self.first_look_ends,
            maintenance=self.store.maintenance.until > at,
            unseen=tuple(sorted({missing.name for missing in collection.unchecked} | {one.rule for one in unjudged})),
            mark=self._mark,
        )
