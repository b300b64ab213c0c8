"""Measures the relay while ten agents bring it a file of ten megabytes each in the same moment: its memory, and who has to wait.

    make bench-files

The files go through one relay, with the environment that its unit gives it, to a stand-in of Redmine, which takes a second for
each. Agents ask with the client that they have, and again when they are told to wait, as a courier does.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import requests
from werkzeug import Request
from werkzeug.routing import Rule

from bench_fleet import memory
from dated_results import ROOT, put, table
from fake_desk import answer
from fleet import alert, notification
from fleet_desk import FleetDesk, desk_table
from fleet_parts import AGENTS_SECRET, ALERTMANAGERS_SECRET, Replica
from ticketing_clients import Attachment, DeskError, TicketRef
from ticketing_clients._alertmanager.relay import Relay
from ticketing_clients._http import Http

AGENTS, SIZE, SLOWNESS = 10, 10_000_000, 1.0  # files at once, bytes of each, seconds that the desk takes for one
WAIT, PATIENCE = 2.0, 300.0  # seconds until an agent comes again, and until it gives up
HEAD = ("what", "figure")
UNIT = ROOT / "deploy" / "systemd" / "foretell-relay.service"


class DeskWithFiles(FleetDesk):
    """Takes files as Redmine does: brought first, then named to the issue. Their bytes are counted and let go."""

    routes: ClassVar[list[Rule]] = [
        *FleetDesk.routes,
        Rule("/uploads.json", methods=["POST"], endpoint="upload"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._brought: dict[str, int] = {}
        self._lock = threading.Lock()

    def upload(self, request: Request) -> Any:
        """Take a file's bytes, slowly."""
        size = len(request.get_data(cache=False))
        time.sleep(SLOWNESS)
        with self._lock:
            token = f"{len(self._brought) + 1}"
            self._brought[token] = size
        return answer(201, {"upload": {"token": token}})

    def change(self, request: Request, number: int) -> Any:
        """Name files to an issue, or whatever else is changed."""
        for one in request.get_json()["issue"].get("uploads", ()):
            file = {"id": int(one["token"]), "filename": one["filename"], "filesize": self._brought[one["token"]]}
            self.issues[number].setdefault("attachments", []).append(file)
            return answer(204)
        return super().change(request, number)


def bring(url: str, key: str, content: bytes, heard: Counter[str]) -> None:
    """Bring a file as an agent does, until it is taken; count what was heard."""
    relay = Relay(Http("fleet", url, headers={"Authorization": f"Bearer {AGENTS_SECRET}"}), "fleet")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            relay.attach(
                TicketRef("fleet", key),
                Attachment(name="foretell.tar.gz", media_type="application/gzip", content=content),
            )
        except DeskError as error:
            heard[str(error).rpartition(": ")[2]] += 1
            time.sleep(WAIT)
        else:
            heard["taken"] += 1
            return


def measure() -> list[list[str]]:
    """Return the rows of the result."""
    heard: Counter[str] = Counter()
    keys = [f"{n:064x}" for n in range(AGENTS)]
    desk = DeskWithFiles()
    with tempfile.TemporaryDirectory() as folder, desk.running(), contextlib.ExitStack() as stack:
        replica = Replica(Path(folder) / "relay", f"{desk_table(desk.url)}largest_attachment = {SIZE}\n", [])
        replica.start()
        stack.callback(replica.stop)
        for number, key in enumerate(keys):
            told = notification(alert(number, foretell_key=key), labels={"foretell_key": key})
            headers = {"Authorization": f"Bearer {ALERTMANAGERS_SECRET}"}
            requests.post(f"{replica.url}/alertmanager", told, headers=headers, timeout=30).raise_for_status()
        pid = replica.process.pid if replica.process else 0
        before = memory(pid)
        began = time.monotonic()
        with ThreadPoolExecutor(AGENTS) as pool:
            list(pool.map(lambda key: bring(replica.url, key, os.urandom(SIZE), heard), keys))
        took = time.monotonic() - began
        whole = [
            one for issue in desk.issues.values() for one in issue.get("attachments", ()) if one["filesize"] == SIZE
        ]
        return [
            ["files at once, bytes of each", f"{AGENTS}; {SIZE:,}"],
            ["memory of the relay before, at most", f"{before:.0f} MB, {memory(pid):.0f} MB"],
            [
                "what agents heard, and how often",
                "; ".join(f"{words}: {often}" for words, often in sorted(heard.items())),
            ],
            ["whole at the desk, after", f"{len(whole)}, {took:.0f} s"],
        ]


if __name__ == "__main__":
    environment = re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    os.environ.update(dict(environment))
    result = table(HEAD, measure())
    if sys.argv[1:] == ["--look"]:
        print(result)
    else:
        put("fleet files", "make bench-files", result, ROOT / "docs" / "fleet.md")
