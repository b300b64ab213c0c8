"""A whole service desk for a fleet's load and its faults: as much of Redmine as the relay asks, and people."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from werkzeug import Request
from werkzeug.routing import Rule

from fake_desk import answer
from fake_redmine import HOST_FIELD, KEY_FIELD, TRACKER, US, FakeRedmine

STATUSES = {1: "New", 2: "In Progress", 3: "Resolved", 4: "Feedback", 5: "Closed", 6: "Rejected"}
OPEN, CLOSED = {1, 2, 4}, {5, 6}  # as Redmine counts; a resolved one is still open to it
PERSON = {"id": 9, "login": "ann", "name": "Ann"}


class FleetDesk(FakeRedmine):
    """The desk. Every ticket is in `issues`; `requests` counts what was asked, without keeping it."""

    routes: ClassVar[list[Rule]] = [
        *FakeRedmine.routes,
        Rule("/enumerations/issue_priorities.json", endpoint="priorities"),
        Rule("/issue_statuses.json", endpoint="statuses"),
        Rule("/issues/<int:number>/relations.json", methods=["POST"], endpoint="relate"),
    ]

    def __init__(self, latency: float = 0.0) -> None:
        super().__init__(latency)
        if not latency:
            self.before = lambda _: None
        self.requests = 0

    def _serve(self, request: Request) -> Any:
        self.requests += 1
        self.seen.clear()
        return super()._serve(request)

    def search(self, request: Request, name: str) -> Any:
        """Find by key or by host marker, open ones or all."""
        del name
        for field in (KEY_FIELD, HOST_FIELD):
            if wanted := request.args.get(f"v[cf_{field}][]"):
                candidates = (
                    [self.issues[one] for one in self._by_key.get(wanted, [])]
                    if field == KEY_FIELD
                    else list(self.issues.values())
                )
                found = [
                    one for one in candidates if {"id": field, "value": wanted}.items() <= _field(one, field).items()
                ]
                break
        else:
            found = []
        if request.args.get("op[status_id]") == "o":
            found = [one for one in found if one["status"]["id"] not in CLOSED]
        at, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", 100))
        return answer(200, {"issues": found[at : at + limit], "total_count": len(found)})

    def create(self, request: Request) -> Any:
        """Make an issue, with its title."""
        response = super().create(request)
        self.issues[len(self.issues)] |= {"subject": request.get_json()["issue"]["subject"], "relations": []}
        return response

    def priorities(self, _: Request) -> Any:
        """Tell the priorities, the least urgent first."""
        return answer(200, {"issue_priorities": [{"id": number} for number in (1, 2, 3, 4)]})

    def statuses(self, _: Request) -> Any:
        """Tell the statuses."""
        named = [{"id": one, "name": name, "is_closed": one in CLOSED} for one, name in STATUSES.items()]
        return answer(200, {"issue_statuses": named})

    def relate(self, request: Request, number: int) -> Any:
        """Relate an issue to another."""
        asked = request.get_json()["relation"]
        relation = {"issue_id": number, **asked}
        self.issues[number]["relations"].append(relation)
        return answer(201, {"relation": relation})

    def change(self, request: Request, number: int) -> Any:
        """Write a note, or change status and priority."""
        asked = request.get_json()["issue"]
        if "notes" in asked:
            return super().change(request, number)
        self._set(number, US, asked)
        return answer(204)

    def _set(self, number: int, by: dict[str, Any], values: dict[str, int]) -> None:
        issue, details = self.issues[number], []
        for name in ("status", "priority"):
            if f"{name}_id" in values:
                old, new = issue[name]["id"], values[f"{name}_id"]
                issue[name] = {"id": new, "name": STATUSES.get(new, "")} if name == "status" else {"id": new}
                details.append({"name": f"{name}_id", "old_value": str(old), "new_value": str(new)})
        journals = issue["journals"]
        at = "2026-12-01T12:00:00Z"
        journals.append({"id": len(journals) + 1, "user": by, "created_on": at, "notes": "", "details": details})

    # -- people and tests -----------------------------------------------------------------------------------------------

    def resolve(self, number: int) -> None:
        """Have a person resolve an issue."""
        self._set(number, PERSON, {"status_id": 3})

    def write(self, number: int, text: str) -> None:
        """Have a person write on an issue, now."""
        journals = self.issues[number]["journals"]
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        journals.append({"id": len(journals) + 1, "user": PERSON, "created_on": at, "notes": text})

    def said(self, number: int, words: str) -> int:
        """Return how many notes on an issue hold these words."""
        return sum(words in one["notes"] for one in self.issues[number]["journals"])

    def said_twice(self) -> int:
        """Return how many comments stand a second time on their issue."""
        notes = ("".join(one["notes"] for one in issue["journals"]) for issue in self.issues.values())
        markers = [re.findall(r"\[foretell:[^]]+\]", text) for text in notes]
        return sum(len(found) - len(set(found)) for found in markers)

    def open_ones(self) -> list[dict[str, Any]]:
        """Return the issues that somebody may still be working on."""
        return [one for one in self.issues.values() if one["status"]["id"] in OPEN]

    def open_by_key(self) -> dict[str, int]:
        """Return how many open tickets there are for each key."""
        counts = dict.fromkeys(self._by_key, 0)
        for key, numbers in self._by_key.items():
            counts[key] = sum(self.issues[one]["status"]["id"] in OPEN for one in numbers)
        return counts


def _field(issue: dict[str, Any], number: int) -> dict[str, Any]:
    return next(one for one in issue["custom_fields"] if one["id"] == number)


def desk_table(url: str) -> str:
    """Return the part of a relay's configuration that names this desk."""
    return f"""
        [desks.desk]
        client = "redmine"
        token_secret = "desk"
        url = "{url}"
        project = "preventive"
        tracker = {TRACKER}
        key_field = {KEY_FIELD}
        host_field = {HOST_FIELD}
    """
