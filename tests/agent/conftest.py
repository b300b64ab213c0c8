"""A fixed moment of one host's life, as every reader of a Snapshot is tested with it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.following.model import Case
from agent.status import CollectorRun, Desk, HeldCase, Queue, Snapshot
from agent.store import Store
from collectors import CouldNotCheck, Reading
from desk_in_memory import NOW, Office
from thresholds import Finding, Forecast, Severity, Unjudged
from ticketing_clients import TicketRef

DAY = 86_400.0
AT = 1_795_600_800.0  # 2026-11-25 10:00 UTC


@pytest.fixture
def snapshot() -> Snapshot:
    """Return a host with one disk filling up, a failed unit of old, a mount that hangs, and a desk that refused something."""
    forecast = Forecast(earliest=AT + 2 * DAY, expected=AT + 3 * DAY, latest=None)
    evidence = {"available": 12e9, "whole": 1e11, "limit": 5e9, "unit": "bytes", "growth_per_day": 2.3e9}
    filling = Case(
        key="a1" * 32,
        rule="disk_space",
        subject={"mountpoint": "/srv"},
        labels={"mountpoint": "/srv", "device": "sdb1", "fstype": "ext4"},
        state="open",
        severity=Severity.WARNING,
        priority="P3",
        first_seen=AT - DAY,
        last_seen=AT,
        changed_at=AT - DAY,
        opened_at=AT - DAY,
        desks=("helpdesk",),
        evidence=evidence,
        forecast=forecast,
        ticket=TicketRef("helpdesk", "42", "https://desk.example/Ticket/Display.html?id=42"),
        ticket_status="open",
        handler="Kim",
    )
    return Snapshot(
        version="0.1.0",
        host_id="5f0c9f3b7a1d4e52",
        host_name="files-01",
        started_at=AT - 3600,
        cycle=61,
        cycle_at=AT,
        cycle_duration=0.25,
        next_cycle_at=AT + 60,
        collectors=[
            CollectorRun(
                name="disk",
                success=True,
                duration=0.125,
                names=["filesystem_avail_bytes", "filesystem_size_bytes"],
                unchecked=[CouldNotCheck("filesystem_avail_bytes", {"mountpoint": "/mnt/nas"}, "no answer within 5 s")],
            ),
            CollectorRun(name="cpu", success=True, duration=0.0625, names=["cpu_utilization_ratio", "oom_kills_total"]),
            CollectorRun(
                name="services",
                success=False,
                duration=5.0,
                unchecked=[CouldNotCheck("", {}, "systemctl did not finish in 5 s")],
            ),
            CollectorRun(
                name="pressure", success=False, duration=0.0, not_supported="this kernel has no pressure files"
            ),
        ],
        readings=[
            Reading(
                "filesystem_avail_bytes", 12e9, "bytes", {"mountpoint": "/srv", "device": "sdb1", "fstype": "ext4"}, AT
            ),
            Reading("filesystem_avail_bytes", 4e10, "bytes", {"mountpoint": "/", "device": "sda1"}, AT),
            Reading("filesystem_size_bytes", 1e11, "bytes", {"mountpoint": "/srv", "device": "sdb1"}, AT),
            Reading("cpu_utilization_ratio", 0.125, "ratio", {}, AT),
            Reading("oom_kills_total", 3, "count", {}, AT),
            Reading("os_info", 1, "info", {"name": 'Debian "12"\\n'}, AT),
        ],
        findings=[
            Finding("disk_space", {"mountpoint": "/srv"}, Severity.WARNING, AT, evidence, forecast),
            Finding("unit_failed", {"unit": "backup.service"}, Severity.NOTICE, AT, {"value": 1.0, "unit": "boolean"}),
        ],
        unjudged=[Unjudged("disk_trend", {"mountpoint": "/"}, "not enough history yet: 3 h of 24 h", AT)],
        held=[
            HeldCase(
                key="b2" * 32,
                rule="unit_failed",
                subject={"unit": "backup.service"},
                severity=Severity.NOTICE,
                hold="first_look",
                since=AT - 3000,
                until=AT + 20 * 3600,
            )
        ],
        cases=[filling],
        desks=[
            Desk(
                name="helpdesk",
                queue=Queue(
                    counts={"queued": 1, "rejected": 1, "done": 7},
                    oldest_at=AT - 90,
                    last_reason="rejected",
                    last_detail="helpdesk: Queue 'Ops' does not exist",
                    attempts={"done": 7, "rejected": 1},
                ),
                reachable=True,
                last_contact=AT - 30,
                requests={"ok": 8, "rejected": 1},
            ),
            Desk(name="on call"),
        ],
        degraded={"state_read_only": "the state folder cannot be written; nothing new is remembered"},
        history_bytes=1_234_567,
        rules={"disk_space": "A file system is running full", "unit_failed": "A systemd unit has failed"},
    )


@pytest.fixture
def office(tmp_path, monkeypatch) -> Iterator[Office]:
    """Return an office on new records, in which waiting takes no time."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    with Store.open(tmp_path, now=NOW) as store:
        yield Office(store)


@pytest.fixture
def golden():
    """Return a check that a text equals the one on record; `make golden` (RENEW_GOLDEN=1) records the text anew instead."""

    def check(path: Path, text: str) -> None:
        if os.environ.get("RENEW_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check


THIRD_PARTY = '''
"""A collector as somebody else would ship it."""

from collectors import CollectorOptions, CollectorPlugin, DeclaredReading, Reading

class Probe:
    def __init__(self, options, context):
        pass

    def collect(self, at):
        yield Reading("acme_level", 1.0, "count", {}, at)

PLUGIN = CollectorPlugin(
    name="acme", summary="A probe.", options=CollectorOptions, build=Probe,
    readings=(DeclaredReading("acme_level", "count", (), "Level."),),
)
NO_PLUGIN = "something else"
'''


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Install a distribution that offers collectors: `acme`; `wrong`, which is none; `absent`, which cannot be imported."""
    folder = tmp_path / "site-packages"
    (folder / "acme-1.0.dist-info").mkdir(parents=True)
    (folder / "acme-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (folder / "acme-1.0.dist-info/entry_points.txt").write_text(
        "[foretell.collectors]\n"
        "acme = acme_collector:PLUGIN\nwrong = acme_collector:NO_PLUGIN\nabsent = acme_missing:PLUGIN\n"
        "disk = acme_missing:PLUGIN\n"
    )
    (folder / "acme_collector.py").write_text(THIRD_PARTY)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "acme_collector", raising=False)
