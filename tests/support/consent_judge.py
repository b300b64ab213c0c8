"""Everything that is ever said to a desk, with things planted in it that no core names; what the desk received is the judge.

Consent is asked of the agent's own gate and record. Every kind of operation and every topic of a comment goes: a new one is in it
by itself, and one that needs facts which nobody planted here says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

import msgspec

from agent.configuration.config import load
from agent.configuration.settings import DAY
from agent.consent.gate import ask, decide
from agent.consent.levels import Grant, Level, Revocation, Scope
from agent.consent.record import RECORD
from agent.delivery.batch import Delivery
from agent.delivery.outbox import Outbox
from agent.delivery.sending import Sender
from agent.delivery.spool import FileConsent
from agent.following.facts import DiagnosisFacts, FoundFact, MemberFacts, pack
from agent.following.model import Case, Operation, OperationKind, Topic
from agent.store import Store
from redaction_corpus import leaks
from ticketing_clients import Attachment, Rejected, TicketingClient, TicketType

#: how it came that nothing is allowed now
SITUATIONS = ("never", "other tickets", "ended", "ended while queued", "revoked while queued", "record edited")
Situation = Literal["never", "other tickets", "ended", "ended while queued", "revoked while queued", "record edited"]
TEMPLATES = Path(__file__).parents[2] / "agent" / "wording" / "templates" / "comments"
#: parts of other comments, topics on which nothing is said, and the report, which opens a ticket and has tests of its own
UNSAID = {"opened", "attached", "recurring", "health_report"}

# By what it is, so that a leak tells where it came from. Numbers as a text would show them.
PLANTED = {
    "text in evidence": "/srv/plant-4c1f",
    "number under an unknown key": "48,151,623.42",
    "further number": "7.8 TB",
    "path": "/srv/plant-9d2e",
    "program": "plantprog77",
    "unit": "plantunit88.service",
    "line of a file": "plant-line-5566",
    "operating system": "Debian GNU/Linux 12",  # of the host that the tests of rendering have, as is its
    "serial number": "7XJ4K02",
}
EVIDENCE = {"path": PLANTED["text in evidence"], "odd_number": 48_151_623.42, "used": 7.77e12}
FILE = b"a log line with plant-line-5566 in it\n" * 100


def texts() -> ModuleType:
    """Return the tests of rendering, which have a case with every fact that a text can name."""
    path = Path(__file__).parents[1] / "agent" / "wording" / "test_render.py"
    specification = importlib.util.spec_from_file_location("texts_that_are_rendered", path)
    module = importlib.util.module_from_spec(specification)  # type: ignore[arg-type]  # it is there
    specification.loader.exec_module(module)  # type: ignore[union-attr]  # it is a file
    return module


class Judge:
    """One desk, told everything. received: what came to it so far, as text; key: of the ticket there."""

    def __init__(self, folder: Path, client: TicketingClient, received: Callable[[], str]) -> None:
        """Keep records of our own in `folder`."""
        self.client, self.received = client, received
        self.now = time.time()
        self._state = folder / "judged"
        self._state.mkdir(0o700)
        (self._state / "foretell.toml").touch()
        self._configuration = load(self._state / "foretell.toml", parts={"rules"})
        self._texts = texts()
        self.key = uuid.uuid4().hex * 2

    def allow(self, level: Level, *, classes: tuple[str, ...] = (), lasts: float = DAY) -> None:
        """Have a person allow a level."""
        scope = Scope(customer="default", classes=classes)
        grant = Grant(
            by="Kim",
            entered_by="kim",
            at=self.now,
            level=level,
            scope=scope,
            until=self.now + lasts,
            wording="1",
            way="command",
        )
        decide(self._state, self._configuration, grant, self.now)

    def tell_everything(self, situation: Situation | Level) -> None:
        """Queue every operation there is, come into the situation, and deliver."""
        with Store.open(self._state) as store:
            if situation in get_args(Level):
                self.allow(situation)  # type: ignore[arg-type]  # it is one
            elif situation != "never":
                self.allow("logs", classes=("cpu_*",) if situation == "other tickets" else (), lasts=60)
            self._queue(store)
            if situation.endswith("while queued"):
                self._render(store)
            if situation == "revoked while queued":
                revocation = Revocation(by="Kim", entered_by="kim", at=self.now, scope=Scope(customer="default"))
                decide(self._state, self._configuration, revocation, self.now)
            elif situation.startswith("ended"):
                self.now += 120
            elif situation == "record edited":
                record = self._state / RECORD
                record.write_bytes(record.read_bytes().replace(b'"by":"Kim"', b'"by":"Tim"'))
            self._deliver(store)

    def leaked(self) -> set[str]:
        """Return what of all that was planted the desk has received, in whatever encoding."""
        received = self.received()
        assert "web01" in received, "the desk received nothing: this judges nobody"
        leaked = leaks(received, list(PLANTED.values()))
        return {name for name, text in PLANTED.items() if text in leaked}

    def _allowed(self, rule: str, type_: TicketType) -> Level:
        return ask(self._state, self._configuration, self.now).level(rule, type_, self.now)

    def _operations(self) -> list[tuple[OperationKind, Topic]]:
        topics = [one for one in get_args(Topic) if one not in UNSAID]
        missing = [one for one in topics if not (TEMPLATES / f"{one}.j2").exists()]
        assert not missing, f"is nothing said on {missing}? then it belongs to UNSAID"
        comments: list[tuple[OperationKind, Topic]] = [("comment", topic) for topic in topics]
        others: list[tuple[OperationKind, Topic]] = [
            ("raise_priority", "worse"),
            ("calendar", "agreed"),
            ("resolve", "closed"),
        ]
        done = {"open", "reopen", "attach", "comment", *(kind for kind, _ in others)}
        assert done == set(get_args(OperationKind)), "a kind of operation that nobody judges"
        return [("open", "opened"), *comments, *others, ("reopen", "returned")]

    def _queue(self, store: Store) -> None:
        texts = self._texts
        facts = msgspec.structs.replace(texts.later(texts.FILLING), key=self.key)
        member = MemberFacts(rule="service_failed", summary="A service failed", evidence=EVIDENCE)
        labels = {label: PLANTED[label] for label in ("path", "program", "unit")}
        found = FoundFact(name="path_bytes", value=7.77e12, unit="bytes", labels=labels)
        facts = msgspec.structs.replace(
            facts,
            evidence=facts.evidence | EVIDENCE,
            healthy_evidence=facts.healthy_evidence | EVIDENCE,
            members=(member,),
        )
        look = DiagnosisFacts(at=self.now, found=(found,))
        case = Case(
            key=facts.key,
            rule=facts.rule,
            subject=facts.subject,
            state="open",
            first_seen=self.now,
            last_seen=self.now,
            changed_at=self.now,
            desks=("desk",),
        )
        outbox = Outbox(store)
        with store.transaction():
            store.save_case(case, [], self.now)
            for number, (kind, topic) in enumerate(self._operations()):
                told = msgspec.structs.replace(facts, diagnosis=look) if topic == "diagnosis" else facts
                if topic in texts.AGREED:
                    agreed = texts.AGREED[topic]
                    told = msgspec.structs.replace(facts, agreed=agreed, entry=agreed, calendar=2)
                operation = Operation(
                    id=f"{case.key[:16]}-{number}",
                    case=case.key,
                    kind=kind,
                    topic=topic,
                    desk="desk",
                    public=True,
                    facts=pack(told),
                    created_at=self.now,
                )
                outbox.queue(operation)
        file = Attachment(name="foretell-a1.tar.gz", media_type="application/gzip", content=FILE)
        needs = FileConsent(level="excerpt", rule=facts.rule, type=facts.type)
        outbox.attach(case, file, self.now, needs)

    def _sender(self, store: Store) -> Sender:
        return Sender(store, self.client, self._context, self._allowed)

    def _render(self, store: Store) -> None:
        """Have all of it in words already, by the consent of this moment."""
        sender = self._sender(store)
        for queued in Outbox(store).all({"queued"}):
            with contextlib.suppress(Rejected):  # a desk that takes no files
                sender.payload(queued)

    @property
    def _context(self):
        return msgspec.structs.replace(self._texts.CONTEXT, now=self.now)

    def _deliver(self, store: Store) -> None:
        delivery = Delivery(store, self.client, self._context, "desk", lambda: self.now, allowed=self._allowed)
        for _ in range(3):
            delivery.run(poll=False, rebuild=False)
            self.now += 600
        left = Outbox(store).all({"rejected", "queued", "sending"})
        files = {"attach", "calendar"}  # a desk may refuse one, and has received it all the same
        unsaid = [(one.operation.topic, one.detail) for one in left if one.operation.kind not in files]
        assert not unsaid, f"not said, so not judged: {unsaid}"
