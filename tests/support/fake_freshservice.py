"""A Freshservice on loopback, written from its documentation; not the real one.

Its nasty ways: the filter's index knows a ticket only after `indexed`; it finds by labels and not by text fields, in pages of 30;
labels are not told in lists; unknown fields are refused, a rule or a matrix sets another priority; a note is private unless it is
said; what people did is told in words; rate limits with Retry-After.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from fake_desk import FakeDesk, answer
from ticketing_clients._acts import plain_of_html
from ticketing_clients._http import basic

API = "/api/v2"
US, ENGINEER, CUSTOMER = 7, 8, 9
NAMES = {US: "Foretell", ENGINEER: "Enya", CUSTOMER: "Carl", 1: "System"}
STATUSES = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed", 6: "In Progress", 7: "Won't Fix"}
PRIORITIES = {1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
KNOWN = {
    "subject",
    "description",
    "email",
    "priority",
    "status",
    "source",
    "tags",
    "custom_fields",
    "due_by",
    "fr_due_by",
}
KNOWN |= {"workspace_id", "group_id", "category", "resolution_notes"}


class FakeFreshservice(FakeDesk):
    """One workspace. `matrix` is the priority that a matrix sets whatever is asked; `demanded` what resolving requires."""

    routes: ClassVar[list[Rule]] = [
        Rule(f"{API}/tickets", endpoint="newest", methods=["GET"]),
        Rule(f"{API}/tickets", endpoint="create", methods=["POST"]),
        Rule(f"{API}/tickets/filter", endpoint="filtered", methods=["GET"]),
        Rule(f"{API}/tickets/<int:number>", endpoint="show", methods=["GET"]),
        Rule(f"{API}/tickets/<int:number>", endpoint="update", methods=["PUT"]),
        Rule(f"{API}/tickets/<int:number>/notes", endpoint="note", methods=["POST"]),
        Rule(f"{API}/tickets/<int:number>/conversations", endpoint="conversations", methods=["GET"]),
        Rule(f"{API}/tickets/<int:number>/activities", endpoint="told", methods=["GET"]),
        Rule(f"{API}/ticket_form_fields", endpoint="form", methods=["GET"]),
        Rule(f"{API}/agents/<int:number>", endpoint="agent", methods=["GET"]),
    ]

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.tickets: dict[int, dict[str, Any]] = {}
        self.labels: dict[int, list[str]] = {}
        self.indexed = True
        self.unindexed: set[int] = set()
        self.notes: list[dict[str, Any]] = []
        self.activities: dict[int, list[dict[str, Any]]] = {}
        self.custom = ["foretell_key", "foretell_host"]
        self.matrix: int | None = None
        self.demanded = ""
        self.hidden: set[int] = set()
        self.scope = True
        self.form_hidden = False
        self._now = datetime(2026, 12, 1, 12, tzinfo=UTC)

    def authorised(self, request):
        """Know the key."""
        return request.headers.get("Authorization") == basic(self.key, "X")

    # -- tickets ----------------------------------------------------------------------------------------------------

    def newest(self, request):
        """The newest tickets that are not in the trash."""
        if not self.scope:
            return self.denied()
        size = int(request.args["per_page"])
        assert size <= 100
        assert request.args["order_type"] == "desc"
        there = [one for one in self.tickets.values() if not (one["deleted"] or one["spam"])]
        return 200, {"tickets": sorted(there, key=lambda one: -one["id"])[:size]}

    def filtered(self, request):
        """Tickets by a label, as far as the index knows them."""
        query = re.fullmatch(r"\"tag:'([\w-]+)'\"", request.args["query"])
        if query is None or len(request.args["query"]) > 512:
            return 400, {"description": "Validation failed", "errors": [{"field": "query", "message": "invalid"}]}
        found = [
            one
            for one in self.tickets.values()
            if query[1] in self.labels[one["id"]] and one["id"] not in self.unindexed and not one["deleted"]
        ]
        page = int(request.args.get("page", 1))
        return 200, {"tickets": found[(page - 1) * 30 : page * 30], "total": len(found)}

    def create(self, request):
        """Make a ticket, if every field is known and required ones are there."""
        asked = request.get_json()
        wrong = [{"field": name, "message": "Unexpected/invalid field"} for name in asked.keys() - KNOWN]
        wrong += [
            {"field": name, "message": "Unexpected field"} for name in asked["custom_fields"].keys() - set(self.custom)
        ]
        wrong += [
            {"field": name, "message": "It should be later"}
            for name in ("due_by", "fr_due_by")
            if self.past(asked, name)
        ]
        wrong += [{"field": "tags", "message": "longer than 32"} for one in asked["tags"] if len(one) > 32]
        wrong += [{"field": "subject", "message": "too long"}] if len(asked["subject"]) > 255 else []
        if wrong or not {"subject", "description", "email", "status", "priority"} <= asked.keys():
            return 400, {"description": "Validation failed", "errors": wrong}
        number = len(self.tickets) + 1
        ticket = {"id": number, "responder_id": None, "group_id": None, "due_by": None, "deleted": False, "spam": False}
        ticket |= {name: value for name, value in asked.items() if name != "tags"}
        ticket["custom_fields"] = dict.fromkeys(self.custom) | asked["custom_fields"]
        ticket["priority"] = self.matrix or asked["priority"]
        self.tickets[number], self.labels[number] = ticket, asked["tags"]
        self.activities[number] = []
        if not self.indexed:
            self.unindexed.add(number)
        self.tell(
            number, US, f" set Status as {STATUSES[asked['status']]},  set Priority as {PRIORITIES[asked['priority']]}"
        )
        return 201, {"ticket": ticket}

    def past(self, asked, name):
        """Return whether a time that is given has passed."""
        return name in asked and datetime.fromisoformat(asked[name]) <= self._now

    def show(self, _, number):
        """Show a ticket."""
        return self.missing(number) or (200, {"ticket": self.tickets[number]})

    def update(self, request, number):
        """Change a ticket."""
        asked = request.get_json()
        if (missing := self.missing(number)) is not None:
            return missing
        if asked.keys() - KNOWN:
            return 400, {"description": "Validation failed", "errors": [{"field": "?", "message": "Unexpected"}]}
        if asked.get("status") in {4, 5} and self.demanded and self.demanded not in asked:
            error = {
                "field": self.demanded,
                "message": f"{self.demanded} is mandatory to close",
                "code": "missing_field",
            }
            return 400, {"description": "Validation failed", "errors": [error]}
        if self.matrix:
            asked.pop("priority", None)
        self.change(number, US, **asked)
        return 200, {"ticket": self.tickets[number]}

    def change(self, number, who, **values):
        """Change a ticket as `who`, and tell it in words."""
        words = []
        for name, value in values.items():
            self.tickets[number][name] = value
            if name == "status":
                words.append(f" set Status as {STATUSES[value]}")
            elif name == "responder_id":
                words.append(f" set Agent as {NAMES[value]}")
        if words:
            self.tell(number, who, ", ".join(words))

    def tell(self, number, who, words):
        """Keep an activity; they are told newest first."""
        actor = {"id": who, "name": NAMES[who]}
        made = {"actor": actor, "content": words, "sub_contents": [], "created_at": self.tick()}
        self.activities[number].insert(0, made)

    # -- what hangs on a ticket -------------------------------------------------------------------------------------

    def note(self, request, number):
        """Write a note, as JSON or with files; private unless it is said."""
        if (missing := self.missing(number)) is not None:
            return missing
        if request.is_json:
            asked = request.get_json()
            return 201, {"conversation": self.write(number, US, asked["body"], private=asked.get("private", True))}
        files = []
        for file in request.files.getlist("attachments[]"):
            files.append({"name": file.filename, "size": len(file.read()), "content_type": file.content_type})
            file.close()
        if sum(one["size"] for one in files) > 15 * 1024 * 1024:
            return 400, {
                "description": "Validation failed",
                "errors": [{"field": "attachments", "message": "over 15 MB"}],
            }
        private = request.form.get("private", "true") == "true"
        return 201, {"conversation": self.write(number, US, request.form["body"], private=private, files=files)}

    def write(self, number, who, body, *, private=False, files=()):
        """Keep what was written."""
        made = {"id": len(self.notes) + 1, "ticket_id": number, "user_id": who, "created_at": self.tick()}
        self.notes.append(made | {"body": f"<div>{body}</div>", "private": private, "attachments": list(files)})
        return self.notes[-1]

    def conversations(self, request, number):
        """Show what was written, newest first, one page of it."""
        there = [one for one in self.notes if one["ticket_id"] == number]
        page, size = int(request.args["page"]), int(request.args["per_page"])
        return self.missing(number) or (200, {"conversations": there[::-1][(page - 1) * size : page * size]})

    def told(self, _, number):
        """Tell what was done."""
        return self.missing(number) or (200, {"activities": self.activities[number]})

    # -- the account ------------------------------------------------------------------------------------------------

    def form(self, _):
        """Show the ticket form, to whom it may be shown."""
        if self.form_hidden or not self.scope:
            return self.denied()
        fields: list[dict[str, Any]] = [
            {"name": "subject", "label": "Subject", "required_for_agents": True, "choices": []},
            {"name": "status", "label": "Status", "required_for_agents": True, "choices": choices(STATUSES)},
            {"name": "agent", "label": "Assigned to", "choices": choices({US: "Foretell (Me)", ENGINEER: "Enya"})},
            {
                "name": "category",
                "label": "Category",
                "choices": [{"id": 1, "value": "Hardware", "nested_options": []}],
            },
            *({"name": name, "label": name, "choices": []} for name in self.custom),
        ]
        for one in fields:
            one["required_for_closure"] = one["name"] == self.demanded
        return 200, {"ticket_fields": fields}

    def agent(self, _, number):
        """Show an agent."""
        if number not in {US, ENGINEER, 6}:
            return answer(404)
        return 200, {"agent": {"id": number, "email": "agent@desk.test", "active": number != 6}}

    # -- what it keeps ----------------------------------------------------------------------------------------------

    def missing(self, number) -> Response | None:
        """Return the refusal of a ticket that is not there or not ours to see, None for another."""
        if number not in self.tickets:
            return answer(404)
        return self.denied() if number in self.hidden or not self.scope else None

    def denied(self) -> Response:
        """Return what one gets without the right."""
        return answer(403, {"code": "access_denied", "message": "You are not authorized to perform this action."})

    def tick(self):
        """Return the next second."""
        self._now += timedelta(seconds=1)
        return self._now.strftime("%Y-%m-%dT%H:%M:%SZ")


class PersonAtFreshservice:
    """An agent and the requester at the fake desk."""

    def __init__(self, desk: FakeFreshservice) -> None:
        self.desk = desk

    def does(self, ref, kind):
        """Act by the desk's own means: status and agent by the engineer, words by the requester."""
        number, desk = int(ref.id), self.desk
        words = {
            "reply": "thank you",
            "confirm": "foretell: confirm",
            "accept_window": "foretell: accept 1",
            "wont_fix": "foretell: wontfix",
        }
        if kind == "acknowledge":
            desk.change(number, ENGINEER, responder_id=ENGINEER)
        elif kind in words:
            desk.write(number, CUSTOMER, words[kind])
        else:
            desk.change(number, ENGINEER, status={"defer": 3, "resolve": 4, "reopen": 2}[kind])

    def sets_priority(self, ref, priority):
        """Set the priority by its number."""
        self.desk.change(int(ref.id), ENGINEER, priority={"P1": 4, "P2": 3}[priority])

    def sees(self, ref):
        """Return subject, description and public notes as the requester reads them."""
        ticket = self.desk.tickets[int(ref.id)]
        rows = [one for one in self.desk.notes if one["ticket_id"] == ticket["id"] and not one["private"]]
        return ticket["subject"], "\n".join(map(plain_of_html, [ticket["description"], *(one["body"] for one in rows)]))


def choices(values):
    """Return a field's choices."""
    return [{"id": number, "value": name} for number, name in values.items()]
