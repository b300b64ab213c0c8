"""A recorded week of a filling disk through the agent's own code, at high speed, into the local desk.

Only the readings and the time come from the recording; a person who confirms is played at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import msgspec

from agent.case_details import case_details
from agent.cases import RECURRENCE_PERIOD
from agent.collecting import Collection
from agent.config import Configuration, load
from agent.courier import deliver
from agent.dispatch import Job
from agent.folder import StateFolder
from agent.host import HostIdentity
from agent.model import Acted, Case
from agent.outbox import Outbox
from agent.pipeline import Pipeline
from agent.plain import STATES
from agent.recording import read
from agent.status import TicketText
from agent.store import History, Store
from ticketing_clients import Act

RECORDING = "filling-disk.csv.gz"
HOST = HostIdentity(id="recording", name="web01 (recording)", os="Debian GNU/Linux 12 (bookworm)")
CUSTOMER = "the recording's customer"
# People look at a ticket now and then; the courier of a real agent would look every 15 minutes.
LOOK_EVERY = 3600.0


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of the week: when (unix seconds), how far along (0 to 1), and what happened."""

    at: float
    progress: float
    told: tuple[Told, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a case, in the words of its state."""

    case: Case
    what: str


def play(state_dir: Path) -> Iterator[Scene]:
    """Play the recording on the state folder `state_dir`, which must be empty; yield a Scene for each step of it."""
    configuration = load_demo_configuration()
    units = {reading.name: reading.unit for one in configuration.collectors for reading in one.plugin.readings}
    with resources.files("agent.recordings").joinpath(RECORDING).open("rb") as raw:
        collections = list(read(raw, units))
    start = collections[0].readings[0].at
    with StateFolder(state_dir) as folder, Store.open(folder.path) as store:
        store.installed_at = start - RECURRENCE_PERIOD  # the first look of this host is long over
        stage = Stage(configuration, folder.path, store)
        for number, collection in enumerate(collections, start=1):
            yield stage.step(collection, number / len(collections))


def tickets(state_dir: Path) -> list[TicketText]:
    """Return the tickets of the week that was played on `state_dir`."""
    with Store.open(state_dir) as store:
        found = [case_details(store, state_dir, case, {}).ticket for case in store.cases(include_closed=True)]
    return [ticket for ticket in found if ticket is not None]


def load_demo_configuration() -> Configuration:
    """Return the defaults, with a host and a customer that cannot be taken for real ones."""
    configuration = load(Path("/dev/null"))
    settings = configuration.settings
    host = msgspec.structs.replace(settings.host, id=HOST.id, name=HOST.name, role="a recording, not a real host")
    customer = msgspec.structs.replace(settings.customer, name=CUSTOMER)
    return msgspec.structs.replace(
        configuration, settings=msgspec.structs.replace(settings, host=host, customer=customer)
    )


class Stage:
    """The agent's pipeline and courier in one process, with the recording's time."""

    def __init__(self, configuration: Configuration, state_dir: Path, store: Store) -> None:
        """Set up on an empty store."""
        self.configuration = configuration
        self.state_dir = state_dir
        self.store = store
        self.outbox = Outbox(store)
        self.now: Collection = Collection()
        history = History(store, configuration.settings.history)
        self.pipeline = Pipeline(configuration, HOST, store, history, lambda _: self.now)
        self.looked = 0.0

    def step(self, collection: Collection, progress: float) -> Scene:
        """Play one moment."""
        at = collection.readings[0].at
        self.now = collection
        before = self.pipeline.cases
        cases = self.pipeline.cycle(at).cases
        self._courier(at)
        changed = [case for key, case in cases.items() if _changed(before.get(key), case)]
        for case in changed:
            if case.state == "awaiting_confirmation":
                self._confirm(case, at)
        return Scene(at=at, progress=progress, told=tuple(Told(case=case, what=_what(case)) for case in changed))

    def _courier(self, at: float) -> None:
        look = at - self.looked >= LOOK_EVERY
        if look or self.outbox.due(at, limit=1):
            self.looked = at if look else self.looked
            job = Job(config=None, state_dir=str(self.state_dir), host=HOST, now=at, poll=look)
            deliver(job, self.configuration, self.store, now=lambda: at)

    def _confirm(self, case: Case, at: float) -> None:
        """Play the customer, who sees that all works again."""
        act = Act(id=f"demo-{at}", kind="confirm", by=CUSTOMER, at=datetime.fromtimestamp(at, UTC))
        self.store.put_event(Acted(case=case.key, act=act, at=at))


def _changed(before: Case | None, now: Case) -> bool:
    return before is None or (before.state, before.priority) != (now.state, now.priority)


def _what(case: Case) -> str:
    return f"{STATES[case.state]}, {case.priority}" if case.state == "open" else STATES[case.state]
