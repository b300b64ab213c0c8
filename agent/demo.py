"""A recorded week of a filling disk through the agent's own code, at high speed, into the local desk.

Only the readings and the time come from the recording. Its people are played: an engineer takes the ticket on, the
customer agrees to the first proposed time, and confirms at the end; the work itself is in the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from agent.case_details import case_details
from agent.collecting import Collection
from agent.configuration.config import Configuration, load
from agent.courier import deliver
from agent.delivery.job import Job
from agent.delivery.outbox import Outbox
from agent.following.cases import RECURRENCE_PERIOD
from agent.following.model import Acted, Case, CaseState
from agent.pipeline import Pipeline
from agent.replay.recording import read
from agent.status import TicketText
from agent.store import History, Store
from agent.system.folder import StateFolder
from agent.system.host import HostIdentity
from collectors import Reading
from ticketing_clients import ActKind
from ticketing_clients.local import LocalDesk

RECORDING = "filling-disk.csv.gz"
HOST = HostIdentity(id="recording", name="web01 (recording)", os="Debian GNU/Linux 12 (bookworm)")
CUSTOMER = "the recording's customer"
ENGINEER = "the recording's engineer"
# People look at a ticket now and then; the courier of a real agent would look every 15 minutes.
LOOK_EVERY = 3600.0


#: what is told of a case, in the order in which it usually happens
Event = Literal["found", "held", "opened", "ticket", "agreed", "worse", "recovering", "verified", "confirmed", "closed"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, and the case as it then was. title: of its ticket, when that is what is told."""

    event: Event
    case: Case
    title: str = ""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of the week: when (unix seconds), how far along (0 to 1), what was read, and what happened."""

    at: float
    progress: float
    readings: tuple[Reading, ...]
    told: tuple[Told, ...] = ()


def play(state_dir: Path) -> Iterator[Scene]:
    """Play the recording on the state folder `state_dir`, which must be empty; yield a Scene for each step of it."""
    configuration = load_demo_configuration()
    units = configuration.units
    with resources.as_file(resources.files("agent.recordings") / RECORDING) as file, file.open("rb") as raw:
        collections = list(read(raw, units))
    start = collections[0].readings[0].at
    with StateFolder(state_dir) as folder, Store.open(folder.path) as store:
        store.installed_at = start - RECURRENCE_PERIOD  # the first look of this host is long over
        stage = Stage(configuration, folder.path, store)
        for number, collection in enumerate(collections, start=1):
            yield stage.step(collection, number / len(collections))
        stage.pipeline.flush(collections[-1].readings[0].at)  # so that whoever looks at it later sees the week


def tickets(state_dir: Path) -> list[TicketText]:
    """Return the tickets of the week that was played on `state_dir`."""
    with Store.open(state_dir) as store:
        found = [case_details(store, state_dir, case, {}).ticket for case in store.cases(include_closed=True)]
    return [ticket for ticket in found if ticket is not None]


def load_demo_configuration() -> Configuration:
    """Return the defaults, with a host and a customer that cannot be taken for real ones, in the recording's time zone."""
    configuration = load(Path("/dev/null"))
    settings = configuration.settings
    host = msgspec.structs.replace(settings.host, id=HOST.id, name=HOST.name, role="a recording, not a real host")
    customer = msgspec.structs.replace(settings.customer, name=CUSTOMER, zone="UTC")
    settings = msgspec.structs.replace(settings, host=host, customer=customer)
    return msgspec.structs.replace(configuration, settings=settings, zone="UTC")


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
        told = [self._titled(one) for key, case in cases.items() for one in _tell(before.get(key), case)]
        answers = [answer for one in told if (answer := self._answer(one, at))]
        return Scene(at=at, progress=progress, readings=tuple(collection.readings), told=(*told, *answers))

    def _courier(self, at: float) -> None:
        look = at - self.looked >= LOOK_EVERY
        desk = self.configuration.settings.delivery.desk
        if look or self.outbox.due(desk, at, limit=1):
            self.looked = at if look else self.looked
            job = Job(config=None, state_dir=str(self.state_dir), host=HOST, desk=desk, now=at, poll=look)
            deliver(job, self.configuration, self.store, now=lambda: at, clock=lambda: at)

    def _titled(self, told: Told) -> Told:
        """Read from the desk what the ticket is called."""
        details = case_details(self.store, self.state_dir, told.case, {}) if told.event == "ticket" else None
        return msgspec.structs.replace(told, title=details.ticket.title) if details and details.ticket else told

    def _answer(self, told: Told, at: float) -> Told | None:
        """Play the customer on the local desk's ticket."""
        case = told.case
        if case.ticket is None or told.event not in _ANSWERS:
            return None
        event, kind, option = _ANSWERS[told.event]
        desk = LocalDesk(self.state_dir, case.ticket.desk, now=at)
        if told.event == "ticket":
            desk.record_act(case.ticket, "acknowledge", by=ENGINEER)
        act = desk.record_act(case.ticket, kind, by=CUSTOMER, option=option)
        self.store.put_event(Acted(case=case.key, act=act, at=at))
        return Told(event=event, case=case)


# What the customer does about it: how that is told, which act it is at the desk, and which proposed time it takes.
_ANSWERS: Mapping[Event, tuple[Event, ActKind, int | None]] = {
    "ticket": ("agreed", "accept_window", 1),
    "verified": ("confirmed", "confirm", None),
}
_STATES: Mapping[CaseState, Event] = {
    "pending": "held",
    "open": "opened",
    "recovering": "recovering",
    "awaiting_confirmation": "verified",
    "closed": "closed",
}


def _tell(before: Case | None, now: Case) -> Iterator[Told]:
    """Yield what is new about a case; its ticket is known one step after it opened, when the desk has it."""
    if before is None:
        yield Told(event="found", case=now)
    if (before is None or before.state != now.state) and now.state in _STATES:
        yield Told(event=_STATES[now.state], case=now)
    elif before is not None and before.priority != now.priority:
        yield Told(event="worse", case=now)
    if now.ticket is not None and (before is None or before.ticket is None):
        yield Told(event="ticket", case=now)
