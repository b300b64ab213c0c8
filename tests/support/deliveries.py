"""A state folder with work for a desk, the couriers that try it, and the time that passes for them.

The courier goes by the clock of its Job, so an hour passes here by writing down a later one; nothing sleeps.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.configuration.config import ConfigFile, load
from agent.courier import deliver
from agent.delivery.job import Job
from agent.delivery.outbox import Outbox
from agent.following.cases import case_key
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Operation, OperationKind, QueuedOperation, Topic
from agent.store import Store
from agent.system.host import HostIdentity
from thresholds import Severity
from ticketing_clients import Attachment, Priority

START = 1_795_600_800.0
#: the name of the desk in every configuration here
DESK = "desk"
HOST = HostIdentity(id="faults", name="faults", os="")
COURIER = (sys.executable, "-P", "-m", "agent.child", "agent.courier")

OPENED_AS: Priority = "P3"
TOPICS: dict[OperationKind, Topic] = {
    "open": "opened",
    "comment": "worse",
    "raise_priority": "worse",
    "resolve": "closed",
    "reopen": "returned",
}


class Deliveries:
    """Cases with their operations in a new state folder. now: the time at which the next courier runs. couriers: how many ran."""

    def __init__(self, folder: Path, config: Path) -> None:
        """Given the state folder, which is made, and the configuration that names the desk."""
        self.folder = folder
        self.config = config
        self.now = START
        self.couriers = 0
        self.operations: list[Operation] = []
        self._cases: dict[str, Case] = {}
        folder.mkdir(mode=0o700)
        with Store.open(folder, now=START) as store:
            store.rebuilt(DESK)

    @property
    def keys(self) -> list[str]:
        """Return the keys of the cases, in the order in which they came."""
        return list(self._cases)

    def add_case(self, *kinds: OperationKind) -> str:
        """Begin a case, queue these operations for it, and return its key."""
        self.add_cases(1, *kinds)
        return self.keys[-1]

    def add_cases(self, number: int, *kinds: OperationKind) -> None:
        """Begin so many cases, and queue these operations for each."""
        for _ in range(number):
            subject = {"mountpoint": f"{self.folder}/{len(self._cases)}"}
            key = case_key("acme", HOST.id, "disk_space", subject)
            self._cases[key] = Case(
                key=key,
                rule="disk_space",
                subject=subject,
                state="open",
                severity=Severity.CRITICAL,
                priority=OPENED_AS,
                first_seen=START,
                last_seen=START,
                changed_at=START,
                opened_at=START,
                desks=(DESK,),
                evidence={"value": 1e9, "whole": 1e11, "unit": "bytes"},
            )
        self._queue(self.keys[-number:], kinds)

    def queue(self, key: str, *kinds: OperationKind) -> None:
        """Queue operations of these kinds for the case with this key."""
        self._queue([key], kinds)

    def _queue(self, keys: Iterable[str], kinds: Iterable[OperationKind]) -> None:
        """Queue as the daemon does: with the cases, in one transaction."""
        with Store.open(self.folder) as store, store.transaction():
            outbox = Outbox(store)
            for key, kind in itertools.product(keys, kinds):
                case = self._cases[key]
                priority = "P1" if kind == "raise_priority" else case.priority
                case = msgspec.structs.replace(case, operations=case.operations + 1, priority=priority)
                store.save_case(case, [kind], self.now)
                if kind == "attach":
                    outbox.attach(case, _file(case.operations), self.now)
                else:
                    outbox.queue(_operation(case, kind, self.now))
                self._cases[key] = case
            known = {operation.id for operation in self.operations}
            self.operations += [one.operation for one in outbox.all({"queued"}) if one.operation.id not in known]

    # -- delivering -------------------------------------------------------------------------------------------------

    def job(self) -> Job:
        """Return what the daemon would hand a courier now."""
        return Job(
            config=ConfigFile(str(self.config), self.config.read_text()),
            state_dir=str(self.folder),
            host=HOST,
            desk=DESK,
            now=self.now,
        )

    def courier(self, *before: str) -> subprocess.CompletedProcess[bytes]:
        """Run one courier, under the command that is put `before` it, if any."""
        self.couriers += 1
        return subprocess.run(
            [*before, *COURIER],
            input=msgspec.json.encode(self.job()),
            capture_output=True,
            check=False,
            timeout=600,
            cwd="/",
            env=os.environ
            | {"PYTHONDONTWRITEBYTECODE": "1"},  # what Python writes for itself is not ours to be killed at
        )

    def deliver_here(self) -> None:
        """Deliver in this process, which has the imports behind it: for what has to be there before a test begins."""
        with Store.open(self.folder) as store:
            configuration = load(self.config, parts={"desks"})
            deliver(self.job(), configuration, store, now=lambda: self.now, clock=lambda: self.now)
        assert not self.waiting(), self.waiting()

    def settle(self, couriers: int = 40) -> None:
        """Run couriers, each when the daemon would start one, until nothing waits; at most so many."""
        for _ in range(couriers):
            if not self.waiting():
                return
            self.now = self.next_try()
            done = self.courier()
            assert done.returncode == 0, done.stderr.decode()

    def next_try(self) -> float:
        """Return when the daemon would start the next courier: something is due and the desk has rested, a minute on at least."""
        with Store.open(self.folder) as store:
            rested = store.desk_health(DESK).not_before
        due = min((one.not_before for one in self.waiting()), default=0.0)
        return max(self.now + 60, rested, due)

    def waiting(self) -> list[QueuedOperation]:
        """Return what has not reached the desk yet."""
        with Store.open(self.folder) as store:
            return Outbox(store).all({"queued", "sending"})

    def done(self) -> set[str]:
        """Return the ids of the operations of which the agent believes that the desk did them."""
        with Store.open(self.folder) as store:
            return {one.operation.id for one in Outbox(store).all({"done"})}


def _operation(case: Case, kind: OperationKind, at: float) -> Operation:
    return Operation(
        id=f"{case.key[:16]}-{case.operations}",
        case=case.key,
        kind=kind,
        topic=TOPICS[kind],
        desk=DESK,
        public=True,
        facts=pack(case_facts(case, {})),
        created_at=at,
    )


def _file(number: int) -> Attachment:
    return Attachment(
        name=f"bundle-{number}.txt", media_type="text/plain", content=b"%d of a long file\n" % number * 4096
    )
