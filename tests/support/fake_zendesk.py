"""A Zendesk that is not one: it behaves as Zendesk's documentation says, the awkward parts first.

- The search index knows what `index()` last showed it, and nothing since.
- A closed ticket takes no update. An update with the stamp of another state is refused.
- A create with a known Idempotency-Key gives the first answer again, or is refused when it is another request.
- Tags lose capitals and signs. What is no field of the account is dropped in silence.
- To be solved a ticket needs an assignee, and the fields that the account requires.
- Plain text of a comment is read as Markdown, and {{...}} in any is filled in. A comment is public unless it is said not to be.
- An answer of the customer opens a pending or solved ticket.
"""

from __future__ import annotations

import copy
import hashlib
import html
import re
from datetime import datetime, timedelta
from typing import Any, ClassVar

from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from fake_desk import FakeDesk, Specification, answer
from ticketing_clients._acts import plain_of_html
from ticketing_clients._http import basic
from ticketing_clients.contract import NOON, PLANTED_SECRET

US, ANN = 1, 2  # the agent whose token we have, and another one
EMAIL = "foretell@client.test"
SYSTEM = -1  # by whom automations work
IDEMPOTENCE = timedelta(hours=2)
UPDATES, UPDATES_IN = 30, timedelta(minutes=10)
#: names that may be set on a ticket, as the specification has them
FIELDS = {
    "type",
    "subject",
    "priority",
    "status",
    "custom_status_id",
    "group_id",
    "assignee_id",
    "due_at",
    "external_id",
}
CREATE_FIELDS = FIELDS | {"brand_id", "ticket_form_id", "via_followup_source_id", "requester", "submitter_id", "tags"}
COMMENT_FIELDS = {"body", "html_body", "public", "uploads", "author_id"}


def mend(document: dict[str, Any]) -> None:
    """Mend Zendesk's specification: on a ticket it asks for what defines a custom field, where its text says id and value."""
    schemas = document["components"]["schemas"]
    schemas["TicketUpdateInput"]["properties"]["custom_fields"] = schemas["TicketObject"]["properties"]["custom_fields"]


class FakeZendesk(FakeDesk):
    """One account. `now` is its clock, which a test moves on."""

    routes: ClassVar[list[Rule]] = [
        Rule(f"/api/v2{path}", methods=[method], endpoint=endpoint)
        for method, path, endpoint in (
            ("GET", "/users/me", "me"),
            ("GET", "/account/settings", "settings_of_account"),
            ("GET", "/ticket_fields", "ticket_fields"),
            ("GET", "/custom_statuses", "custom_statuses"),
            ("GET", "/groups/<int:number>", "group"),
            ("GET", "/tickets", "list_tickets"),
            ("POST", "/tickets", "create"),
            ("GET", "/tickets/show_many", "show_many"),
            ("GET", "/tickets/<int:number>", "show"),
            ("PUT", "/tickets/<int:number>", "update"),
            ("PUT", "/tickets/<int:number>/tags", "add_tags"),
            ("GET", "/tickets/<int:number>/comments", "comments"),
            ("GET", "/tickets/<int:number>/audits", "audits"),
            ("GET", "/search/export", "search"),
            ("POST", "/uploads", "upload"),
            ("DELETE", "/uploads/<token>", "delete_upload"),
        )
    ]

    def __init__(self, specification: Specification | None = None, *, secret: str = PLANTED_SECRET) -> None:
        super().__init__(specification)
        self.now = NOON
        self.logins = {basic(f"{EMAIL}/token", secret), f"Bearer {secret}"}
        self.users: dict[int, dict[str, Any]] = {}
        for name, role in (("Foretell", "agent"), ("Ann", "agent")):
            self.user(name, role, EMAIL if name == "Foretell" else f"{name.lower()}@desk.test")
        self.groups = {7}
        self.fields = [
            {"id": 100, "type": "tickettype", "title": "Type", "removable": False, "sub_type_id": 0},
            {"id": 101, "type": "priority", "title": "Priority", "removable": False, "sub_type_id": 0},
            {"id": 102, "type": "assignee", "title": "Assignee", "removable": False, "required": True},
            {"id": 500, "type": "text", "title": "Site"},
        ]
        self.settings = {"tickets": {"tagging": True}, "limits": {"attachment_size": 52_428_800}}
        self.statuses: list[dict[str, Any]] = []
        self.tickets: dict[int, dict[str, Any]] = {}
        self.said: dict[int, list[dict[str, Any]]] = {}
        self.history: dict[int, list[dict[str, Any]]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.in_flight: set[str] = set()
        self.updates: dict[int, list[datetime]] = {}
        self.page_size = 100
        self._indexed: dict[int, dict[str, Any]] = {}
        self._created: dict[str, tuple[datetime, bytes, Any]] = {}
        self._number = 0

    # -- what a test does -------------------------------------------------------------------------------------------

    def index(self) -> None:
        """Let the search index catch up."""
        self._indexed = copy.deepcopy(self.tickets)

    def user(self, name: str, role: str, email: str) -> int:
        """Return the user with this address, made if there is none."""
        known = next((number for number, one in self.users.items() if one["email"] == email), None)
        number = known or len(self.users) + 1
        self.users.setdefault(number, {"id": number, "name": name, "role": role, "email": email, "suspended": False})
        return number

    def delete(self, number: int) -> None:
        """Delete a ticket, as an agent may."""
        self.tickets[number]["status"] = "deleted"

    def merge(self, number: int, into: int, by: int = ANN) -> None:
        """Merge a ticket into another, as an agent may."""
        said = {"html_body": f"<p>This request was closed and merged into request #{into}</p>", "public": False}
        tags = [*self.tickets[number]["tags"], "closed_by_merge"]
        self.act(number, by, {"status": "closed", "tags": tags, "assignee_id": by, "comment": said})

    def act(self, number: int, by: int, fields: dict[str, Any], *, rule: dict[str, Any] | None = None) -> None:
        """Update a ticket as `by`; `rule` is what a trigger then changes within the same update."""
        there, events = self.tickets[number], []
        self.now += timedelta(seconds=1)
        comment = fields.pop("comment", None)
        events += self._change(there, fields)
        events += [event | {"via": {"channel": "rule"}} for event in self._change(there, rule or {})]
        if comment:
            events.append(self._say(number, by, comment))
            if self.users.get(by, {}).get("role") == "end-user" and there["status"] in {"pending", "solved"}:
                events += self._change(there, {"status": "open"})
        there["updated_at"] = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        self.history[number].append(
            {"id": self._next(), "author_id": by, "created_at": there["updated_at"], "events": events}
        )

    # -- endpoints --------------------------------------------------------------------------------------------------

    def authorised(self, request: Request) -> bool:
        """Every login is ours, or nobody's: who asks for himself without one is told to be nobody, with success."""
        return request.headers.get("Authorization", "") in self.logins or request.path.endswith("/users/me")

    def me(self, request: Request) -> Any:
        if request.headers.get("Authorization", "") not in self.logins:
            return 200, {"user": {"id": None, "name": "Anonymous user", "role": "end-user"}}
        return 200, {"user": self.users[US]}

    def settings_of_account(self, _: Request) -> Any:
        return 200, {"settings": self.settings}

    def ticket_fields(self, _: Request) -> Any:
        return 200, {"ticket_fields": self.fields, "count": len(self.fields), "next_page": None}

    def custom_statuses(self, _: Request) -> Any:
        return 200, {"custom_statuses": self.statuses}

    def group(self, _: Request, number: int) -> Any:
        return (200, {"group": {"id": number}}) if number in self.groups else _missing()

    def list_tickets(self, request: Request) -> Any:
        tickets = [one for one in self.tickets.values() if one["status"] != "deleted"]
        if "external_id" in request.args:
            # Compared as databases often do, without regard to case.
            wanted = request.args["external_id"].lower()
            return 200, self._page(request, "tickets", [one for one in tickets if _key(one).lower() == wanted])
        if request.args.get("sort_by") == "updated_at":
            tickets.sort(key=lambda one: one["updated_at"], reverse=request.args.get("sort_order") == "desc")
        size, page = min(int(request.args["per_page"]), self.page_size), int(request.args["page"])
        more = f"{request.base_url}?page={page + 1}" if len(tickets) > page * size else None
        return 200, {"tickets": tickets[(page - 1) * size : page * size], "next_page": more, "count": len(tickets)}

    def show_many(self, request: Request) -> Any:
        ids = [int(one) for one in request.args["ids"].split(",")]
        if len(ids) > 100:
            return 422, {"error": "TooManyValues", "description": "at most 100"}
        found = [self.tickets[one] for one in ids if one in self.tickets and self.tickets[one]["status"] != "deleted"]
        return 200, {"tickets": found}

    def show(self, _: Request, number: int) -> Any:
        there = self._there(number)
        named = {there[one] for one in ("requester_id", "submitter_id", "assignee_id")} & self.users.keys()
        return 200, {"ticket": there, "users": [self.users[one] for one in named]}

    def search(self, request: Request) -> Any:
        if request.args.get("filter[type]") != "ticket" or "type:" in request.args["query"]:
            return 422, {"error": "invalid", "description": "filter[type] is required, and type: is not taken"}
        (tag,) = re.findall(r"\btags:(\w+)", request.args["query"])
        not_closed = "status<closed" in request.args["query"]
        found = [one for one in self._indexed.values() if tag in one["tags"]]
        found = [one for one in found if not (not_closed and one["status"] in {"closed", "deleted"})]
        return 200, self._page(request, "results", [one | {"result_type": "ticket"} for one in found])

    def create(self, request: Request) -> Any:
        key, body = request.headers.get("Idempotency-Key", ""), request.get_data()
        if replayed := self._replayed(key, body):
            return replayed
        asked = (request.get_json() or {}).get("ticket")
        if not isinstance(asked, dict) or not asked.get("comment"):
            self.violations.append("a ticket was to be created from nothing")  # which the specification allows
            return 422, _invalid("base", "Description: cannot be blank")
        if wrong := self._unfit(asked, CREATE_FIELDS):
            return wrong
        content = {"ticket": copy.deepcopy(self._created_ticket(asked))}
        self._created[key] = (self.now, body, content)
        return answer(201, content, {"x-idempotency-lookup": "miss"})

    def _replayed(self, key: str, body: bytes) -> Any:
        """Return the answer to a request whose key is not new, or not one."""
        if not key or len(key) > 255:
            self.violations.append(f"a create with a key of {len(key)} characters")
        if key in self.in_flight:
            return 409, {"error": "Conflict", "description": "a request with this key is in progress"}
        when, first, content = self._created.get(key, (self.now - IDEMPOTENCE, b"", None))
        if self.now - when >= IDEMPOTENCE:
            return None
        if first != body:
            wrong = "Request parameters don't match the given idempotency key"
            return 400, {"error": "IdempotentRequestError", "description": wrong}
        return answer(201, content, {"x-idempotency-lookup": "hit"})

    def _created_ticket(self, asked: dict[str, Any]) -> dict[str, Any]:
        number, submitter, requester = self._next(), asked.get("submitter_id", US), asked.get("requester")
        by = self.user(requester["name"], "end-user", requester["email"]) if requester else US
        source = self.tickets.get(asked.get("via_followup_source_id", 0))
        followed = source is not None and source["status"] == "closed"  # without effect on any other
        there = self.tickets[number] = {
            "id": number,
            "status": "new",
            "custom_status_id": None,
            "type": None,
            "priority": None,
            "due_at": None,
            "external_id": None,
            "assignee_id": None,
            "group_id": None,
            "subject": "",
            "tags": [],
            "custom_fields": [{"id": one["id"], "value": None} for one in self.fields if one.get("removable", True)],
            "requester_id": by,
            "submitter_id": submitter,
            "followup_ids": [],
            "via": {"channel": "api", "source": {"rel": "follow_up" if followed else None}},
        }
        if followed:
            source["followup_ids"].append(number)
            there["tags"] = list(source["tags"])
        self.said[number], self.history[number] = [], []
        self.act(number, submitter, {one: asked[one] for one in asked if one not in {"requester", "submitter_id"}})
        for event in self.history[number][0]["events"]:
            event["type"] = "Create" if event["type"] == "Change" else event["type"]
        first = {"id": self._next(), "type": "Create", "field_name": "status", "value": there["status"]}
        self.history[number][0]["events"].insert(0, first)
        return there

    def update(self, request: Request, number: int) -> Any:
        there, asked = self._there(number), (request.get_json() or {}).get("ticket")
        if not isinstance(asked, dict):
            self.violations.append("an update without a ticket")  # which the specification allows
            return 400, {"error": "ParameterMissing", "description": "ticket is missing"}
        if limited := self._limited(number):
            return limited
        if collision := self._collision(there, asked):
            return collision
        wrong = self._unfit(asked, FIELDS | {"tags"}, there)
        if wrong:
            return wrong
        self.act(number, US, {one: asked[one] for one in asked if one not in {"safe_update", "updated_stamp"}})
        return 200, {"ticket": there, "audit": self.history[number][-1]}

    def add_tags(self, request: Request, number: int) -> Any:
        there, asked = self._there(number), request.get_json()
        if limited := self._limited(number):
            return limited
        if collision := self._collision(there, asked):
            return collision
        if there["status"] == "closed":
            return 422, _invalid("status", "Status: closed prevents ticket update")
        self.act(number, US, {"tags": [*there["tags"], *asked["tags"]]})
        return 200, {"tags": there["tags"]}

    def comments(self, request: Request, number: int) -> Any:
        self._there(number)
        said = self.said[number]
        return 200, self._page(request, "comments", said[::-1] if request.args.get("sort") == "-created_at" else said)

    def audits(self, request: Request, number: int) -> Any:
        self._there(number)
        page = self._page(request, "audits", self.history[number])
        authors = {one["author_id"] for one in page["audits"]} & self.users.keys()
        return 200, page | {"users": [self.users[one] for one in authors]}

    def upload(self, request: Request) -> Any:
        content = request.get_data()
        if len(content) > self.settings["limits"]["attachment_size"]:
            return 413, {"error": "AttachmentTooLarge", "description": "too large"}
        token = hashlib.sha256(content + str(len(self.uploads)).encode()).hexdigest()[:24]
        self.uploads[token] = {"file_name": request.args["filename"], "size": len(content), "content": content}
        return 201, {"upload": {"token": token, "attachment": {"file_name": request.args["filename"]}}}

    def delete_upload(self, _: Request, token: str) -> Any:
        return (204, None) if self.uploads.pop(token, None) else _missing()

    # -- how it works inside ----------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _there(self, number: int) -> dict[str, Any]:
        if number not in self.tickets or self.tickets[number]["status"] == "deleted":
            raise NotFound("RecordNotFound")
        return self.tickets[number]

    def _page(self, request: Request, name: str, found: list[Any]) -> dict[str, Any]:
        """Return a page by cursor."""
        size = min(int(request.args.get("page[size]", self.page_size)), self.page_size)
        start = int(request.args.get("page[after]", "0"))
        more = len(found) > start + size
        meta = {"has_more": more, "after_cursor": str(start + size) if more else None}
        return {name: found[start : start + size], "meta": meta, "links": {}}

    def _limited(self, number: int) -> Response | None:
        """Return the answer to one update too many of one ticket."""
        recent = [one for one in self.updates.get(number, []) if self.now - one < UPDATES_IN]
        if len(recent) >= UPDATES:
            wait = UPDATES_IN - (self.now - recent[0])
            headers = {"Retry-After": str(int(wait.total_seconds())), "X-Rate-Limit-Remaining": "600"}
            return answer(429, {"error": "TooManyRequests", "description": "too many updates of this ticket"}, headers)
        self.updates[number] = [*recent, self.now]
        return None

    def _collision(self, there: dict[str, Any], asked: dict[str, Any]) -> tuple[int, Any] | None:
        if "safe_update" in asked and asked.get("updated_stamp") != there["updated_at"]:
            return 409, {"error": "UpdateConflict", "description": "Safe Update prevented the update"}
        return None

    def _unfit(
        self, asked: dict[str, Any], known: set[str], there: dict[str, Any] | None = None
    ) -> tuple[int, Any] | None:
        """Return what Zendesk answers to fields that may not be so; what it drops in silence is told here."""
        unknown = asked.keys() - known - {"comment", "custom_fields", "safe_update", "updated_stamp"}
        unknown |= asked.get("comment", {}).keys() - COMMENT_FIELDS
        if unknown:
            self.violations.append(f"a ticket has no {sorted(unknown)}")
        suspended = {one["email"] for one in self.users.values() if one["suspended"]}
        wrong = {
            "Status: closed prevents ticket update": there and there["status"] == "closed",
            "Requester: is suspended": asked.get("requester", {}).get("email") in suspended,
            "Group: is invalid": asked.get("group_id", 7) not in self.groups,
            "Attachment: is invalid": asked.get("comment", {}).get("uploads", []) and not self._held(asked),
            **(self._unsolvable(there, asked) if there and self._category(asked) == "solved" else {}),
        }
        said = [description for description, so in wrong.items() if so]
        return (422, _invalid("base", *said)) if said else None

    def _held(self, asked: dict[str, Any]) -> bool:
        """Return whether all that a comment takes up was uploaded."""
        return all(token in self.uploads for token in asked["comment"]["uploads"])

    def _unsolvable(self, there: dict[str, Any], asked: dict[str, Any]) -> dict[str, bool]:
        """Return what is required to solve a ticket, and whether it is missing."""
        values = {one["id"]: one["value"] for one in (*there["custom_fields"], *asked.get("custom_fields", []))}
        required = [one for one in self.fields if one.get("required") and one.get("removable", True)]
        missing = {one["title"]: values.get(one["id"]) in (None, "") for one in required}
        missing["Assignee"] = not (asked.get("assignee_id") or there["assignee_id"])
        return {f"{title}: is required when solving a ticket": so for title, so in missing.items()}

    def _category(self, asked: dict[str, Any]) -> str | None:
        own = next((one for one in self.statuses if one["id"] == asked.get("custom_status_id")), None)
        return own["status_category"] if own else asked.get("status")

    def _change(self, there: dict[str, Any], fields: dict[str, Any]) -> list[dict[str, Any]]:
        """Set fields, and return an event for each that changed."""
        fields = dict(fields)
        fields.pop("via_followup_source_id", None)
        if category := self._category(fields):
            fields["status"] = category
        if fields.get("assignee_id") and there["status"] == "new":
            fields.setdefault("status", "open")
        if "status" in fields:
            fields.setdefault("custom_status_id", None)  # the default one of the category
        if "tags" in fields:
            fields["tags"] = _tags(fields["tags"]) if self.settings["tickets"]["tagging"] else []
        if not any(one["type"] == "tickettype" for one in self.fields):
            fields.pop("type", None)
        values = {one["id"]: one["value"] for one in fields.pop("custom_fields", [])}
        for own in there["custom_fields"]:
            own["value"] = values.get(own["id"], own["value"])
        events = []
        for name, value in fields.items():
            if there.get(name) != value:
                event = {"type": "Change", "field_name": name, "value": value, "previous_value": there.get(name)}
                events.append({"id": self._next(), **event})
                there[name] = value
        if there["type"] != "task":
            there["due_at"] = None
        return events

    def _say(self, number: int, by: int, comment: dict[str, Any]) -> dict[str, Any]:
        """Add a comment and return its event; agents' placeholders are filled in, and their plain text is Markdown."""
        body = comment.get("html_body") or f"<p><em>{html.escape(comment['body'])}</em></p>"
        body = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "customer@client.test", body)
        files = [self.uploads.pop(token) for token in comment.get("uploads", [])]
        said = {
            "id": self._next(),
            "author_id": comment.get("author_id", by),
            "html_body": f'<div class="zd-comment" dir="auto">{body}</div>',
            "body": plain_of_html(body),
            "public": comment.get("public", True),
            "attachments": [{one: file[one] for one in ("file_name", "size")} for file in files],
            "created_at": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
        }
        self.said[number].append(said)
        return {**said, "type": "Comment"}


class PersonAtZendesk:
    """Ann, an agent, and the customer."""

    def __init__(self, desk: FakeZendesk) -> None:
        self._desk = desk

    def does(self, ref, kind):
        number = int(ref.id)
        customer = self._desk.tickets[number]["requester_id"]
        lines = {
            "reply": "thank you",
            "confirm": "foretell: confirm",
            "accept_window": "foretell: accept 1",
            "defer": "foretell: defer 2026-12-24",
            "wont_fix": "foretell: wontfix",
        }
        if kind in lines:
            self._desk.act(number, customer, {"comment": {"html_body": f"<p>{lines[kind]}</p>"}})
            return
        changes = {
            "acknowledge": {"assignee_id": ANN},
            "resolve": {"assignee_id": ANN, "status": "solved"},
            "reopen": {"status": "open"},
        }
        self._desk.act(number, ANN, changes[kind])

    def sets_priority(self, ref, priority):
        names = {"P1": "urgent", "P2": "high", "P3": "normal", "P4": "low"}
        self._desk.act(int(ref.id), ANN, {"priority": names[priority]})

    def sees(self, ref):
        number = int(ref.id)
        said = [plain_of_html(one["html_body"]) for one in self._desk.said[number] if one["public"]]
        return self._desk.tickets[number]["subject"], "\n".join(said)


def _missing() -> tuple[int, Any]:
    return 404, {"error": "RecordNotFound", "description": "Not found"}


def _invalid(field: str, *said: str) -> dict[str, Any]:
    details = {field: [{"description": one} for one in said]}
    return {"error": "RecordInvalid", "description": "Record validation errors", "details": details}


def _tags(asked: list[str]) -> list[str]:
    """Return tags as they are kept: small letters, and a space parts two."""
    return sorted({tag for one in asked for tag in re.sub(r"[^\w./ -]", "", one.lower()).split()})


def _key(ticket: dict[str, Any]) -> str:
    return ticket["external_id"] or ""
