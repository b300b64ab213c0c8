"""A host of which much is remembered: months of history, tickets of every ending, promises kept and missed. Made anew each time.

One disk fills slowly, one was cleaned up in time, one was full all the same; a service keeps failing; certificates and systems
end one after the other. For the health report's tests, its pictures and its benchmark.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from agent.configuration.settings import DAY, HOUR, HistorySettings
from agent.delivery.outbox import Outbox
from agent.following.cases import case_key
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Episode, Operation
from agent.status import SUMMARY_NAME, CollectorRun, Summary
from agent.store import History, Store
from agent.system.host import HostIdentity
from collectors import CouldNotCheck, Reading
from thresholds import Finding, Forecast, Severity
from ticketing_clients import Priority, TicketRef

NOW = 1_795_910_400.0  # 2026-11-29 00:00 UTC
HOST = HostIdentity(id="5f0c9f3b7a1d4e52", name="files-01", os="Debian GNU/Linux 12")
DESK = "helpdesk"
WHOLE = 500e9  # bytes of each disk
#: days ago that the agent did not run, from and to
AWAY = (33.0, 31.5)
ENDS = {
    ("os_support_end_timestamp_seconds", "id=debian,version=12"): NOW + 560 * DAY,
    ("software_support_end_timestamp_seconds", "product=postgresql,release=13,version=13.16"): NOW - 14 * DAY,
    ("software_support_end_timestamp_seconds", "product=nginx,release=1.26,version=1.26.2"): NOW + 120 * DAY,
    ("software_support_end_timestamp_seconds", "product=redis,release=7.0,version=7.0.15"): math.nan,
    ("certificate_end_timestamp_seconds", "target=https://files.example,part=own"): NOW + 41 * DAY,
}


def used(disk: str, ago: float, chance: random.Random) -> float:
    """Return how much of `disk` is used so many days ago, as a share."""
    noise = chance.gauss(0, 0.003)
    if disk == "/srv":  # fills slowly
        return 0.78 - 0.0018 * ago + noise
    if disk == "/var":  # filled up, and was cleaned up in time, forty days ago
        return (0.5 + 0.014 * (74 - ago) if 40 < ago < 74 else 0.5) + noise
    if disk == "/backup":  # was full for some hours, twenty days ago
        return 1.0 if 20 < ago < 20.4 else (0.86 + (0.02 * (27 - ago) if 20.4 <= ago < 27 else 0)) + noise
    return 0.4 + 0.0002 * (400 - ago) + noise


def readings(at: float, disks: list[str], chance: random.Random) -> Iterator[Reading]:
    """Yield what is read at one time."""
    ago = (NOW - at) / DAY
    for disk in disks:
        labels = {"mountpoint": disk, "device": f"/dev/mapper/{disk.strip('/') or 'root'}", "fstype": "ext4"}
        room = max(1 - used(disk, ago, chance), 0.0) * WHOLE
        yield Reading("filesystem_avail_bytes", round(room), "bytes", labels, at)
        yield Reading("filesystem_size_bytes", WHOLE, "bytes", labels, at)
        yield Reading("filesystem_files_free", 2e7, "count", labels, at)
        yield Reading("filesystem_files", 3e7, "count", labels, at)
    hour = at % DAY / HOUR
    busy = 0.2 + 0.25 * max(math.sin((hour - 6) / 24 * math.tau), 0) + abs(chance.gauss(0, 0.05))
    yield Reading("cpu_utilization_ratio", min(busy, 1.0), "ratio", {}, at)
    yield Reading("memory_available_bytes", 16e9 * (0.55 - 0.0004 * (90 - ago)), "bytes", {}, at)
    yield Reading("memory_total_bytes", 16e9, "bytes", {}, at)
    for (name, about), ends_at in ENDS.items():
        yield Reading(name, ends_at, "timestamp", dict(pair.split("=", 1) for pair in about.split(",")), at)


def write_history(store: Store, days: int, disks: list[str]) -> None:
    """Fill the history of `store`: a reading of each series every hour, a span of hours for every day."""
    history, chance = History(store, HistorySettings()), random.Random(1)  # noqa: S311 - nothing secret
    with patch("agent.store._history.SPANS_TO_COMPACT", 1):
        for day in range(days, 0, -1):
            for hour in range(24):
                ago = day - hour / 24
                if not AWAY[1] < ago <= AWAY[0]:
                    history.remember(readings(NOW - ago * DAY, disks, chance))
            history.flush(NOW - (day - 1) * DAY)


class Tickets:
    """Writes cases that were open, one after the other."""

    def __init__(self, store: Store) -> None:
        self._store, self._outbox, self._numbers = store, Outbox(store), iter(range(101, 10_000))

    def case(self, rule: str, subject: dict[str, str], **changes: Any) -> Case:
        """Return a case of the host that is open."""
        return Case(
            key=case_key("default", HOST.id, rule, subject),
            rule=rule,
            subject=subject,
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            desks=(DESK,),
            **changes,
        )

    def opened(self, case: Case, ago: float, forecast: Forecast | None = None) -> Case:
        """Open a ticket so many days ago, which warns of `forecast`."""
        at = NOW - ago * DAY
        number = str(next(self._numbers))
        ref = TicketRef(DESK, number)
        case = msgspec.structs.replace(case, state="open", opened_at=at, first_seen=at, forecast=forecast, ticket=ref)
        self._store.save_case(case, ["opened"], at)
        id_ = f"{case.key[:16]}-{number}"
        facts = pack(case_facts(case, {}))
        with self._store.transaction():
            self._outbox.queue(
                Operation(id=id_, case=case.key, kind="open", topic="opened", desk=DESK, facts=facts, created_at=at)
            )
            self._outbox.done(id_, ref, at)
        self._store.take_events()
        return case

    def ended(
        self, case: Case, ago: float, *, happened: tuple[str, ...] = (), proven: bool = True, **told: Any
    ) -> Case:
        """End it so many days ago: measured in order, unless it was not `proven`."""
        at = NOW - ago * DAY
        assert case.opened_at is not None, "a case that was never open cannot end"
        episode = Episode(
            opened_at=case.opened_at,
            closed_at=at,
            closed_by="person",
            severity=Severity.WARNING,
            priority=case.priority,
            measured_after={"value": 2.5e11, "unit": "bytes"} if proven else {},
            ticket=case.ticket,
            **told,
        )
        case = msgspec.structs.replace(
            case, state="closed", closed_at=at, closed_by="person", episodes=(*case.episodes, episode)
        )
        self._store.save_case(case, [*happened, "closed by person"], at)
        return case


def due(ago: float, days: float, spread: float = 2.0) -> Forecast:
    """Return the forecast of a ticket opened so many days ago, of what most likely comes `days` later."""
    at = NOW - ago * DAY
    return Forecast(at + (days - spread) * DAY, at + days * DAY, at + (days + 2 * spread) * DAY)


def write_tickets(store: Store) -> None:
    """Write tickets of every ending."""
    made = Tickets(store)
    kept = ("first_response met", "fix met")
    priority: Priority = "P3"
    var = made.opened(made.case("disk_space", {"mountpoint": "/var"}, priority=priority), 46, due(46, 5))
    made.ended(
        var, 40, happened=kept, done="Moved the old journals away, and keep two weeks of them from now on.", rating=5
    )
    backup = made.opened(made.case("disk_space", {"mountpoint": "/backup"}, priority="P2"), 22, due(22, 2.5, 1))
    made.ended(backup, 19, happened=("first_response met", "fix missed"), done="Extended the volume.")
    certificate = made.case("certificate_expiring", {"target": "https://files.example"}, priority=priority)
    ends = NOW - 50 * DAY
    certificate = made.opened(certificate, 70, Forecast(ends, ends, ends))
    made.ended(certificate, 58, happened=kept)
    failed = made.case("service_failed", {"unit": "backup.service"}, priority=priority, recurring=True)
    for ago in (75, 52, 17):
        failed = made.ended(made.opened(failed, ago), ago - 1.5, happened=kept, proven=ago != 52)
    reboot = made.case("reboot_required", {}, priority="P4")
    made.ended(made.opened(reboot, 30), 28, happened=("fix met",), proven=False)
    evidence = {"available": 1.1e11, "whole": WHOLE, "limit": 0.0, "unit": "bytes", "growth_per_day": 9e8}
    srv = made.case(
        "disk_space", {"mountpoint": "/srv"}, priority=priority, severity=Severity.WARNING, evidence=evidence
    )
    made.opened(srv, 3, Forecast(NOW + 2 * DAY, NOW + 4 * DAY, NOW + 9 * DAY))
    ended = made.case("software_support_end", {"product": "postgresql", "release": "13"}, priority="P4")
    made.opened(ended, 80)


def write_summary(folder: Path) -> None:
    """Leave what the daemon's last cycle saw: a notice, and two things that cannot be checked."""
    gaps = [
        CouldNotCheck("filesystem_avail_bytes", {"mountpoint": "/mnt/nas"}, "no answer within 5 s"),
        CouldNotCheck("", {}, "smartctl is not installed; install smartmontools"),
    ]
    summary = Summary(
        version="0.1.0",
        host_id=HOST.id,
        host_name=HOST.name,
        started_at=NOW - 40 * DAY,
        cycle=57_600,
        cycle_at=NOW,
        cycle_duration=0.2,
        next_cycle_at=NOW + 60,
        collectors=[CollectorRun(name="disk", success=True, duration=0.1, unchecked=gaps)],
        findings=[
            Finding("disk_space", {"mountpoint": "/opt"}, Severity.NOTICE, NOW, {"value": 2e10, "unit": "bytes"}),
        ],
    )
    (folder / SUMMARY_NAME).write_bytes(msgspec.json.encode(summary))


def write_year(folder: Path, days: int = 92, disks: tuple[str, ...] = ("/", "/backup", "/srv", "/var")) -> None:
    """Write all of it into the state folder `folder`, which must exist."""
    with Store.open(folder, now=NOW - days * DAY) as store:
        write_history(store, days, list(disks))
        write_tickets(store)
    write_summary(folder)
