"""Hosts to look at on the page, each a moment of one: with the history, cases and texts that a real agent would have by then.

    PYTHONPATH=tests/support .venv/bin/python -m page_scenes busy 127.0.0.1:8080

serves one to look at by hand.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.case_details import case_details
from agent.configuration.config import shipped_summaries
from agent.configuration.settings import DAY, HOUR, HistorySettings
from agent.delivery.outbox import Outbox
from agent.following.model import Agreement, Care, Case, Operation, Promise
from agent.metrics import Metrics
from agent.status import CaseDetails, CollectorRun, Desk, HeldCase, Queue, Snapshot
from agent.store import History, Store
from agent.web.app import make_app
from agent.web.consent import ConsentView
from agent.web.server import WebServer
from collectors import CouldNotCheck, Reading
from thresholds import Finding, Forecast, Severity, Unjudged
from ticketing_clients import Comment, Document, Facts, Heading, Paragraph, TicketRef

AT = datetime(2026, 11, 25, 10, tzinfo=UTC).timestamp()
ZONE = "Europe/Berlin"
READS = {
    "disk_space": "filesystem_avail_bytes",
    "cpu_saturated": "cpu_utilization_ratio",
    "memory_exhausted": "memory_available_bytes",
    "certificate_expiring": "certificate_end_timestamp_seconds",
    "service_failed": "service_failed",
}


class Source:
    """What the web reads, set by hand."""

    def __init__(self, snapshot: Snapshot | None, folder: Path | None = None) -> None:
        """Given what is known now, and the state folder with what was before."""
        self.cycle = 60.0
        self.snapshot = snapshot
        self.silent = 1.0
        self.trouble = ""
        self.cases = [CaseDetails(case=case) for case in snapshot.cases] if snapshot else []
        self.records = str(folder) if folder else ""
        self.wording = ""
        self.allowed = ConsentView()
        self._metrics = Metrics({})
        if snapshot:
            self._metrics.update(snapshot)

    def seconds_since_cycle(self) -> float:
        return self.silent

    def store_trouble(self) -> str:
        return self.trouble

    def consent(self) -> ConsentView:
        return self.allowed

    def find_cases(self, prefix: str) -> list[CaseDetails]:
        if not self.records:
            return [details for details in self.cases if details.case.key.startswith(prefix)]
        with Store.open(Path(self.records)) as store:
            found = store.find_cases(prefix)
            return [case_details(store, Path(self.records), case, shipped_summaries()) for case in found]

    def metrics(self, accept: str) -> tuple[str, bytes]:
        return self._metrics.text(accept)


def case(number: int, rule: str, subject: dict[str, str], **changes: object) -> Case:
    """Return an open case with a ticket, the `number`th of its kind."""
    whole: dict[str, object] = {
        "key": f"{number:02x}" * 32,
        "rule": rule,
        "subject": subject,
        "labels": subject,
        "state": "open",
        "severity": Severity.WARNING,
        "priority": "P3",
        "first_seen": AT - 2 * DAY,
        "last_seen": AT - 60,
        "changed_at": AT - DAY,
        "opened_at": AT - DAY,
        "desks": ("helpdesk",),
        "ticket": TicketRef("helpdesk", str(4200 + number), f"https://desk.example/Ticket/{4200 + number}"),
        "ticket_status": "open",
    }
    return Case(**(whole | changes))  # type: ignore[arg-type]


def window(day: float, hour: float, length: float = HOUR) -> MaintenanceWindow:
    """Return a window so many days from the day of the scene, at an hour in UTC."""
    start = AT - 10 * HOUR + day * DAY + hour * HOUR
    return MaintenanceWindow(start=start, end=start + length, zone=ZONE)


def promise(answer: float, fix: float) -> Promise:
    """Return what was promised, in seconds from now."""
    return Promise(
        priority="P3",
        since=AT - DAY,
        answer_due=AT + answer,
        answer_warning=AT + answer / 2,
        fix_due=AT + fix,
        fix_warning=AT + fix / 2,
    )


def disk(number: int = 0xA1, **changes: object) -> Case:
    """Return a disk that fills up."""
    evidence = {"available": 21e9, "value": 21e9, "whole": 2e11, "limit": 0.0, "unit": "bytes", "growth_per_day": 4.2e9}
    whole: dict[str, object] = {
        "labels": {"mountpoint": "/srv", "device": "sdb1", "fstype": "ext4"},
        "evidence": evidence | {"growth_days": 18.0},
        "forecast": Forecast(AT + 3.2 * DAY, AT + 5 * DAY, AT + 8.5 * DAY),
        "proposed": (window(1, 21), window(2, 21), window(3, 4)),
        "care": Care(promise=promise(4 * HOUR, 2 * DAY)),
        "priority": "P2",
    }
    return case(number, "disk_space", {"mountpoint": "/srv"}, **(whole | changes))


def busy_cases() -> list[Case]:
    """Return a case in each state that a customer sees."""
    certificate = {"value": 20 * DAY, "limit": 30 * DAY, "deadline": AT + 19.6 * DAY, "unit": "seconds"}
    return [
        disk(),
        case(
            0xB2,
            "certificate_expiring",
            {"target": "shop.example.com:443"},
            evidence=certificate,
            forecast=Forecast(AT + 19.6 * DAY, AT + 19.6 * DAY, AT + 19.6 * DAY),
            handler="Kim Weber",
            agreed=Agreement(window=window(6, 20, 2 * HOUR), by="Ada", at=AT - HOUR),
            care=Care(promise=promise(4 * HOUR, 6 * DAY), answered_at=AT - HOUR),
        ),
        case(
            0xC3,
            "cpu_saturated",
            {},
            labels={},
            state="acknowledged",
            handler="Kim Weber",
            evidence={"value": 0.97, "limit": 0.9, "unit": "ratio", "usual": 0.55},
            care=Care(promise=promise(HOUR, 3 * DAY), answered_at=AT - HOUR),
        ),
        case(
            0xD4,
            "memory_exhausted",
            {},
            labels={},
            state="awaiting_confirmation",
            changed_at=AT - 3 * HOUR,
            handler="Noor",
            evidence={"value": 9e8, "whole": 16e9, "available": 9e8, "limit": 8e8, "unit": "bytes"},
        ),
    ]


Shape = Callable[[float], float]  # from days before now to a value


def _emptying(free: float) -> Shape:
    """Return the room of a disk that has `free` left, and had more before."""
    return lambda ago: free + 2e8 * ago


def remember(store: Store, name: str, labels: dict[str, str], unit: str, shape: Shape) -> None:
    """Write thirty days of a series into the history beside `store`."""
    history = History(store, HistorySettings())
    for quarter in range(30 * 24 * 4, 0, -1):
        at = AT - quarter * HOUR / 4
        history.remember([Reading(name, shape(quarter / 96), unit, labels, at)])
    history.flush(AT)


def tell(store: Store, told: Case) -> None:
    """Put what happened to `told`, and the texts that were sent of it, into the records."""
    store.save_case(told, ("opened",), AT - DAY)
    store.save_case(told, ("delivered open",), AT - DAY + 60)
    store.save_case(told, ("accept_window by Ada",), AT - 5 * HOUR)
    store.save_case(told, ("first_response met",), AT - HOUR)
    outbox = Outbox(store)
    for number, (public, words) in enumerate(
        ((True, "Agreed for the work: tonight."), (False, "The largest folder is /srv/shop."))
    ):
        note = Operation(
            id=f"{told.key[:16]}-{number}",
            case=told.key,
            kind="comment",
            topic="agreed",
            desk="helpdesk",
            public=public,
            facts={},
            created_at=AT - 5 * HOUR + number * HOUR,
        )
        outbox.queue(note)
        body = Document((Heading("What we do next"), Paragraph(words), Facts((("Free", "21.0 GB"),))))
        outbox.rendered(note.id, msgspec.json.encode(Comment(marker=note.id, body=body, public=public)), "")
        outbox.done(note.id, TicketRef("helpdesk", "4361"), AT - 4 * HOUR)


def busy(folder: Path) -> Source:
    """Return a host with something in each state, a year's worth of quiet, and a mount that does not answer."""
    cases = busy_cases()
    noise = random.Random(7)  # noqa: S311 - the same noise every time, nothing secret
    with Store.open(folder, now=AT - 90 * DAY) as store:
        for one in cases:
            tell(store, one)
        over = disk(
            0xE5, state="closed", closed_at=AT - 4 * DAY, changed_at=AT - 4 * DAY, closed_by="person", forecast=None
        )
        store.save_case(over, ("opened", "closed by person"), AT - 4 * DAY)
        remember(
            store,
            "filesystem_avail_bytes",
            dict(cases[0].labels),
            "bytes",
            lambda ago: 21e9 + 1.9e9 * ago + 2.3e9 * min(ago, 18) + noise.gauss(0, 2e8),
        )
        remember(
            store,
            "cpu_utilization_ratio",
            {},
            "ratio",
            lambda ago: min(
                0.35 + 0.2 * math.sin(ago * math.tau) + (0.35 if ago < 1.4 else 0) + abs(noise.gauss(0, 0.05)), 0.99
            ),
        )
        remember(
            store,
            "memory_available_bytes",
            {},
            "bytes",
            lambda ago: 5e9 if ago < 0.2 else max(9e9 - 3e8 * (30 - ago), 9e8) + noise.gauss(0, 8e7),
        )
    source = Source(snapshot(cases), folder)
    source.allowed = ConsentView(least="none", most="facts", until=AT + 60 * DAY, by=("Ada Li",))
    return source


def failing(folder: Path) -> Source:
    """Return a host on which a service is down, at a desk that does not answer."""
    down = case(
        0xF6,
        "service_failed",
        {"unit": "backup.service"},
        severity=Severity.CRITICAL,
        priority="P1",
        ticket=None,
        evidence={"value": 1.0, "unit": "boolean"},
    )
    with Store.open(folder, now=AT - 90 * DAY) as store:
        store.save_case(down, ("opened",), AT - HOUR)
    waiting = Desk(
        name="helpdesk",
        queue=Queue(
            counts={"queued": 2},
            oldest_at=AT - HOUR,
            last_reason="unreachable",
            last_detail="desk.example: connection refused",
        ),
        reachable=False,
        detail="desk.example: connection refused",
        last_contact=AT - DAY,
    )
    return Source(msgspec.structs.replace(snapshot([down]), desks=[waiting]), folder)


def well(folder: Path) -> Source:
    """Return a host with which all is well, watched for a month."""
    noise = random.Random(7)  # noqa: S311 - the same noise every time, nothing secret
    with Store.open(folder, now=AT - 90 * DAY) as store:
        remember(store, "cpu_utilization_ratio", {}, "ratio", lambda ago: 0.3 + 0.15 * math.sin(ago * math.tau))
        remember(store, "memory_available_bytes", {}, "bytes", lambda _: 9e9 + noise.gauss(0, 8e7))
        for mount, free in (("/", 4e10), ("/srv", 12e10)):
            labels = {"mountpoint": mount, "device": "sda", "fstype": "ext4"}
            remember(store, "filesystem_avail_bytes", labels, "bytes", _emptying(free))
    bare = snapshot([])
    healthy = msgspec.structs.replace(bare, collectors=bare.collectors[1:2], held=[], unjudged=[], findings=[])
    return Source(healthy, folder)


def snapshot(cases: list[Case]) -> Snapshot:
    """Return everything that is known now where these cases are open."""
    return Snapshot(
        version="0.1.0",
        host_id="5f0c9f3b7a1d4e52",
        host_name="files-01",
        zone=ZONE,
        started_at=AT - 9 * DAY,
        cycle=12961,
        cycle_at=AT,
        cycle_duration=0.08,
        next_cycle_at=AT + 60,
        collectors=[
            CollectorRun(
                name="disk",
                success=True,
                duration=0.01,
                names=["filesystem_avail_bytes"],
                unchecked=[CouldNotCheck("filesystem_avail_bytes", {"mountpoint": "/mnt/nas"}, "no answer within 5 s")],
            ),
            CollectorRun(name="cpu", success=True, duration=0.01, names=["cpu_utilization_ratio"]),
            CollectorRun(
                name="pressure", success=False, duration=0.0, not_supported="this kernel has no pressure files"
            ),
        ],
        readings=[
            Reading(
                "filesystem_avail_bytes", 21e9, "bytes", {"mountpoint": "/srv", "device": "sdb1", "fstype": "ext4"}, AT
            ),
            Reading("filesystem_avail_bytes", 4e10, "bytes", {"mountpoint": "/", "device": "sda1"}, AT),
            Reading("cpu_utilization_ratio", 0.97, "ratio", {}, AT),
        ],
        findings=[Finding(one.rule, one.subject, one.severity, AT, one.evidence, one.forecast) for one in cases],
        unjudged=[Unjudged("disk_space", {"mountpoint": "/"}, "not enough history yet: 3 h of 24 h", AT)],
        held=[
            HeldCase(
                key="0a" * 32,
                rule="service_failed",
                subject={"unit": "getty@tty1.service"},
                severity=Severity.WARNING,
                hold="first_look",
                since=AT - HOUR,
                until=AT + 20 * HOUR,
            )
        ],
        cases=cases,
        desks=[Desk(name="helpdesk", queue=Queue(counts={"done": 17}), reachable=True, last_contact=AT - 30)],
        history_bytes=8_234_567,
        rules=dict(shipped_summaries()),
        reads=READS,
    )


SCENES = {"busy": busy, "failing": failing, "well": well}


def serve(name: str, listen: str) -> Iterator[WebServer]:
    """Serve a scene as long as the iterator is open."""
    with tempfile.TemporaryDirectory() as folder:
        server = WebServer(listen, make_app(SCENES[name](Path(folder)), listen))
        server.start()
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    for served in serve(*sys.argv[1:3]):
        sys.stdout.write(f"http://{served.address}/\n")
        sys.stdout.flush()
        threading.Event().wait()
