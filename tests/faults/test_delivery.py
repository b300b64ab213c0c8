"""The courier is killed at its system calls while it delivers to a real desk: one ticket each time, and nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent.cases import case_key
from agent.dispatch import Job
from agent.facts import case_facts, pack
from agent.host import HostIdentity
from agent.model import Case, Operation
from agent.outbox import Outbox
from agent.store import Store
from thresholds import Severity

POINTS = 20
CALLS = ("sendto", "pwrite64", "fdatasync")
NOW = 1_790_000_000.0
COURIER = [sys.executable, "-P", "-m", "agent.courier"]

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which kills at a chosen system call"),
]


@pytest.fixture
def config(tmp_path: Path, request_tracker) -> Path:
    """The real desk, and nothing else."""
    token = tmp_path / "token"
    token.write_text(request_tracker.token)
    path = tmp_path / "foretell.toml"
    path.write_text(f"""
        delivery.desk = "rt"
        secrets.rt = "{token}"
        [desks.rt]
        client = "request_tracker"
        url = "{request_tracker.url}"
        queue = "{request_tracker.queue}"
        token_secret = "rt"
    """)
    return path


class Delivery:
    """A state folder with a ticket to open and a comment to make on it, and the couriers that try."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        self.config = config
        self.now = NOW
        folder.mkdir(mode=0o700)
        subject = {"mountpoint": f"/{folder.name}"}
        self.key = case_key("acme", "killed", "disk_space", subject)
        case = Case(
            key=self.key,
            rule="disk_space",
            subject=subject,
            state="open",
            severity=Severity.CRITICAL,
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            opened_at=NOW,
            evidence={"value": 1e9, "whole": 1e11, "unit": "bytes"},
        )
        facts = pack(case_facts(case, {}))
        with Store.open(folder, now=NOW) as store, store.transaction():
            store.rebuild_wanted = False
            store.save_case(case, ["opened"], NOW)
            for number, (kind, topic) in enumerate([("open", "opened"), ("comment", "worse")], start=1):
                Outbox(store).queue(
                    Operation(
                        id=f"{self.key[:16]}-{number}",
                        case=self.key,
                        kind=kind,  # type: ignore[arg-type]
                        topic=topic,  # type: ignore[arg-type]
                        public=True,
                        facts=facts,
                        created_at=NOW,
                    )
                )

    def courier(self, *before: str) -> subprocess.CompletedProcess[bytes]:
        """Run one courier, under what is put `before` it, a good while after the last one."""
        self.now += 300
        job = Job(
            config=str(self.config),
            state_dir=str(self.folder),
            host=HostIdentity(id="killed", name="killed", os=""),
            now=self.now,
        )
        return subprocess.run(
            [*before, *COURIER], input=msgspec.json.encode(job), capture_output=True, check=False, timeout=120, cwd="/"
        )

    def waiting(self) -> int:
        """Count what has not reached the desk yet."""
        with Store.open(self.folder) as store:
            return Outbox(store).summary().waiting

    def finish(self) -> None:
        """Run couriers until nothing waits; the second one after a kill settles what the first left unknown."""
        for _ in range(4):
            if not self.waiting():
                return
            done = self.courier()
            assert done.returncode == 0, done.stderr.decode()
        raise AssertionError("the outbox does not get empty")


def count_calls(delivery: Delivery, log: Path) -> dict[str, int]:
    """Let a courier deliver undisturbed, and count the system calls at which it could be killed."""
    done = delivery.courier("strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}")
    assert done.returncode == 0, done.stderr.decode()
    lines = log.read_text().splitlines()
    return {call: sum(f" {call}(" in line for line in lines) for call in CALLS}


def points(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Choose POINTS kills, spread evenly over all calls of all kinds."""
    every = [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]
    step = len(every) / POINTS
    return [every[int(index * step)] for index in range(POINTS)]


def test_a_courier_killed_anywhere_makes_one_ticket(config, tmp_path, request_tracker):
    """Twenty deaths: at requests to the desk, at writes and at syncs of our own records."""
    undisturbed = Delivery(tmp_path / "undisturbed", config)
    counts = count_calls(undisturbed, tmp_path / "calls")
    assert all(counts.values()), counts
    killed = 0
    for call, number in points(counts):
        delivery = Delivery(tmp_path / f"{call}-{number}", config)
        trace = ("strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}")
        done = delivery.courier(*trace, "-e", f"inject={call}:signal=SIGKILL:when={number}")
        killed += done.returncode in {-9, 137}
        delivery.finish()
        query = f"Queue='{request_tracker.queue}' AND 'CF.{{ForetellKey}}'='{delivery.key}'"
        found = request_tracker.ask("GET", "tickets", params={"query": query})["items"]
        assert len(found) == 1, f"{len(found)} tickets after a kill at {call} number {number}"
        assert comments_of_ours(request_tracker, found[0]["id"]) == 1, (
            f"comments after a kill at {call} number {number}"
        )
    assert killed == POINTS


def comments_of_ours(desk, ticket: str) -> int:
    """Count the agent's replies to the customer on a ticket."""
    history = desk.ask("GET", f"ticket/{ticket}/history", params={"fields": "Type", "per_page": 100})["items"]
    return sum(event["Type"] == "Correspond" for event in history)
