"""What is at a real desk, counted by what a person sees there and not by what the agent believes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import psutil

from agent.following.model import Operation
from deliveries import DESK, Deliveries

PATIENCE = 30.0  # seconds for a desk to finish what a dead courier had asked of it


class Tally(msgspec.Struct, kw_only=True):
    """What became of some cases. tickets: found at the desk by the cases' keys.

    lost: operations that are not at the desk, or of which the agent does not know that they are. duplicates: tickets beyond one
    for each case, and comments, files and changes beyond one for each operation. couriers: how many were started.
    """

    cases: int = 0
    tickets: int = 0
    operations: int = 0
    lost: int = 0
    duplicates: int = 0
    couriers: int = 0

    def add(self, other: Tally) -> None:
        """Count what `other` counted too."""
        for field in self.__struct_fields__:
            setattr(self, field, getattr(self, field) + getattr(other, field))


class Counted(Protocol):
    """A real desk that can be counted."""

    name: str
    url: str
    #: what stands under [desks.desk] beside the address
    options: str
    token: str

    def tickets(self, key: str) -> list[str]:
        """Return the ids of all tickets with this key, whatever their state."""

    def times(self, ticket: str, operation: Operation) -> int:
        """Return how often this operation, any but an opening, was done on the ticket."""


class AtRequestTracker:
    """Counts at Request Tracker, as its engineer."""

    name = "Request Tracker"

    def __init__(self, desk: Any) -> None:
        """Given the running desk of `tests/conftest.py`."""
        self._ask = desk.ask
        self._queue = desk.queue
        self.url, self.token = desk.url, desk.token
        self.options = f'client = "request_tracker"\nqueue = "{desk.queue}"'

    def tickets(self, key: str) -> list[str]:
        """Return the ids of all tickets with this key."""
        query = f"Queue = '{self._queue}' AND 'CF.{{ForetellKey}}' = '{key}'"
        found = self._ask("GET", "tickets", params={"query": query, "per_page": 100})["items"]
        return [str(one["id"]) for one in found]

    def times(self, ticket: str, operation: Operation) -> int:
        """Count the entries of the ticket's history that say so."""
        fields = {"fields": "Type,Field,NewValue", "per_page": 100}
        history = self._ask("GET", f"ticket/{ticket}/history", params=fields)["items"]
        match operation.kind:
            case "comment":
                written = {one["id"] for one in history if one["Type"] in {"Correspond", "Comment"}}
                fields = {"fields": "TransactionId,Content", "per_page": 100}
                parts = self._ask("GET", f"ticket/{ticket}/attachments", params=fields)["items"]
                return sum(one["TransactionId"] in written and operation.id in one["Content"] for one in parts)
            case "attach":
                fields = {"fields": "Filename", "per_page": 100}
                files = self._ask("GET", f"ticket/{ticket}/attachments", params=fields)["items"]
                return sum(one["Filename"] == operation.facts["name"] for one in files)
            case "raise_priority":
                return sum((one["Field"], one["NewValue"]) == ("Priority", "100") for one in history)
            case _:
                status = {"resolve": "resolved", "reopen": "open"}[operation.kind]
                return sum((one["Type"], one["NewValue"]) == ("Status", status) for one in history)


class AtRedmine:
    """Counts at Redmine, as its engineer."""

    name = "Redmine"

    def __init__(self, desk: Any) -> None:
        """Given the running desk of `tests/conftest.py`."""
        self._ask = desk.ask
        self.url, self.token = desk.url, desk.token
        self.options = f'client = "redmine"\nproject = "{desk.project}"\ntracker = 3\nkey_field = 1\nhost_field = 2'

    def tickets(self, key: str) -> list[str]:
        """Return the ids of all issues with this key."""
        found = self._ask("GET", "issues.json", params={"cf_1": key, "status_id": "*", "limit": 100})["issues"]
        return [str(one["id"]) for one in found]

    def times(self, ticket: str, operation: Operation) -> int:
        """Count the entries of the issue's history that say so."""
        there = self._ask("GET", f"issues/{ticket}.json", params={"include": "journals,attachments"})["issue"]
        history = there["journals"]
        if operation.kind == "comment":
            return sum(operation.id in (one["notes"] or "") for one in history)
        if operation.kind == "attach":
            return sum(one["filename"] == operation.facts["name"] for one in there["attachments"])
        change = {"raise_priority": ("priority_id", "4"), "resolve": ("status_id", "3"), "reopen": ("status_id", "2")}
        return sum(
            (one["name"], one["new_value"]) == change[operation.kind] for entry in history for one in entry["details"]
        )


def configure(desk: Counted, folder: Path, url: str = "") -> Path:
    """Write a configuration whose tickets go to `desk`, reached at `url` if that is another address than its own."""
    token, path = folder / "token", folder / "foretell.toml"
    token.write_text(desk.token)
    path.write_text(f"""
delivery.desk = "{DESK}"
secrets.desk = "{token}"
[desks.{DESK}]
{desk.options}
url = "{url or desk.url}"
token_secret = "desk"
""")
    return path


def count(desk: Counted, deliveries: Deliveries) -> Tally:
    """Return what became of the cases in `deliveries`."""
    tally = Tally(cases=len(deliveries.keys), operations=len(deliveries.operations), couriers=deliveries.couriers)
    done = deliveries.done()
    tickets = {key: desk.tickets(key) for key in deliveries.keys}
    for found in tickets.values():
        tally.tickets += len(found)
    for operation in deliveries.operations:
        found = tickets[operation.case]
        times = len(found) if operation.kind == "open" else sum(desk.times(ticket, operation) for ticket in found)
        tally.lost += times == 0 or operation.id not in done
        tally.duplicates += max(0, times - 1)
    return tally


def wait_until_idle(desk: Counted) -> None:
    """Wait until the desk has finished with clients that are gone, as it will have when the courier asks after SETTLE."""
    port = urlsplit(desk.url).port
    until = time.monotonic() + PATIENCE
    while any(one.laddr.port == port and one.status == psutil.CONN_CLOSE_WAIT for one in psutil.net_connections("tcp")):
        assert time.monotonic() < until, f"{desk.name} is still at work for a courier that was killed"
        time.sleep(0.005)
