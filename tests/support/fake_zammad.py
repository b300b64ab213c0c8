"""A Zammad on loopback, written from its documentation and source; not the real one.

Its nasty ways: `query` asks an index that lags for ever here, `condition` the database; unknown attributes are dropped from a new
ticket, and refused or ignored as a condition; another group's tickets are 403; a note of somebody without full access becomes
public; a workflow may demand an attribute before closing; the system itself changes tickets, as user 1.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer
from ticketing_clients._acts import plain_of_html

API = "/api/v1"
US, ENGINEER, CUSTOMER = 7, 8, 9
STATES = ["new", "open", "pending reminder", "closed", "merged", "removed", "pending close", "in work", "will not fix"]
TYPES = ["new", "open", "pending reminder", "closed", "merged", "removed", "pending action", "open", "closed"]
PRIORITIES = ["1 low", "2 normal", "3 high", "4 urgent"]


class FakeZammad(FakeDesk):
    """One group, "Preventive", with three attributes made by its administrator, and a group that we may not see.

    attributes: what its administrator made. unknown_condition: what a condition by anything else does. demanded: the attribute
    without which a ticket is not closed. access: ours to the group. merge, move: what people do to a ticket.
    """

    routes: ClassVar[list[Rule]] = [
        Rule(f"{API}/users/me", endpoint="me", methods=["GET"]),
        Rule(f"{API}/ticket_states", endpoint="states", methods=["GET"]),
        Rule(f"{API}/ticket_priorities", endpoint="priorities", methods=["GET"]),
        Rule(f"{API}/tickets/search", endpoint="search", methods=["GET"]),
        Rule(f"{API}/tickets", endpoint="create", methods=["POST"]),
        Rule(f"{API}/tickets/<int:number>", endpoint="show", methods=["GET"]),
        Rule(f"{API}/tickets/<int:number>", endpoint="update", methods=["PUT"]),
        Rule(f"{API}/ticket_history/<int:number>", endpoint="history", methods=["GET"]),
        Rule(f"{API}/ticket_articles/by_ticket/<int:number>", endpoint="articles", methods=["GET"]),
        Rule(f"{API}/ticket_articles/<int:article>", endpoint="article", methods=["GET"]),
        Rule(f"{API}/ticket_articles", endpoint="write", methods=["POST"]),
        Rule(f"{API}/links", endpoint="links_of", methods=["GET"]),
        Rule(f"{API}/links/add", endpoint="link", methods=["POST"]),
    ]

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.tickets: dict[int, dict[str, Any]] = {}
        self.written: list[dict[str, Any]] = []
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.linked: list[tuple[int, int]] = []
        self.attributes = {"foretell_key", "foretell_host", "foretell_due"}
        self.unknown_condition = "refuse"
        self.demanded = ""
        self.access = ["full"]
        self._now = datetime(2026, 12, 1, 12, tzinfo=UTC)

    def authorised(self, request):
        """Know the token."""
        return request.headers.get("Authorization") == f"Token token={self.token}"

    # -- what we ask ------------------------------------------------------------------------------------------------

    def me(self, _):
        """Who we are, with the groups that we have access to."""
        return 200, {**user(US), "groups": {"Preventive": self.access}}

    def states(self, request):
        """All states; their types only when asked to expand."""
        expanded = request.args.get("expand") == "true"
        rows = zip(STATES, TYPES, strict=True)
        return 200, [
            {"name": name, "active": True, **({"state_type": kind} if expanded else {})} for name, kind in rows
        ]

    def priorities(self, _):
        """All priorities, one of them out of use."""
        return 200, [{"name": name, "active": True} for name in PRIORITIES] + [{"name": "0 idle", "active": False}]

    def search(self, request):
        """Find in the database by a condition; by a query nothing, for the index lags."""
        (operator,) = [name for name in request.args if name.endswith("[operator]")] or [None]
        if operator is None:
            return 200, []
        attribute = re.fullmatch(r"condition\[ticket\.(\w+)\]\[operator\]", operator)[1]
        value = request.args[f"condition[ticket.{attribute}][value]"]
        part = {"is": False, "contains": True}[request.args[operator]]
        known = attribute in {"title", *self.attributes}
        if not known and self.unknown_condition == "refuse":
            return 422, {"error": "Error ID 1: Please contact your administrator."}
        same = [one for one in self.tickets.values() if not known or matches(one.get(attribute), value, part=part)]
        page, size = int(request.args.get("page", 1)), int(request.args["per_page"])
        assert size <= 200
        seen = [one for one in same if one["group"] == "Preventive"]
        return 200, [self.shown(one) for one in seen[(page - 1) * size : page * size]]

    def create(self, request):
        """Make a ticket of what is known, and its first article."""
        asked = request.get_json()
        number = len(self.tickets) + 1
        customer = asked["customer_id"]
        assert customer == US or customer.startswith("guess:")
        ticket = {"id": number, "number": str(22000 + number), "owner_id": 1, "owner": "-", "state": "new"}
        ticket |= {
            name: asked[name] for name in ("title", "group", "priority", "tags", "state", "type") if name in asked
        }
        ticket |= {name: asked[name] for name in self.attributes if name in asked}
        if ticket["priority"] not in PRIORITIES:
            return 422, {"error": f"No lookup value found for 'priority': {ticket['priority']}"}
        if len(ticket["title"]) > 250:
            return 422, {"error": "value too long for type character varying(250)"}
        self.tickets[number], self.events[number] = ticket, []
        self.add_article(number, US, asked["article"])
        return 201, self.shown(ticket)

    def show(self, _, number):
        """Show a ticket, unless it is not there or not ours to see."""
        return self.seen_by_us(number) or (200, self.shown(self.tickets[number]))

    def update(self, request, number):
        """Change what is given."""
        asked = request.get_json()
        closing = TYPES[STATES.index(asked["state"])] == "closed" if asked.get("state") in STATES else False
        if (refused := self.seen_by_us(number)) is not None:
            return refused
        if "state" in asked and asked["state"] not in STATES:
            return 422, {"error": "No lookup value found for 'state'"}
        if closing and self.demanded and self.demanded not in asked:
            return 422, {"error": f"Missing required value for field '{self.demanded}'!"}
        self.change(number, US, **asked)
        return 200, self.shown(self.tickets[number])

    def history(self, _, number):
        """Tell who changed what."""
        users = {str(one): user(one) for one in (1, US, ENGINEER, CUSTOMER)}
        return self.seen_by_us(number) or (200, {"history": self.events[number], "assets": {"User": users}})

    def articles(self, _, number):
        """Show what was written on a ticket."""
        return self.seen_by_us(number) or (200, [one for one in self.written if one["ticket_id"] == number])

    def article(self, _, article):
        """Show one article."""
        return 200, self.written[article - 1]

    def write(self, request):
        """Write a note; without full access it becomes a public one."""
        asked = request.get_json()
        if (refused := self.seen_by_us(asked["ticket_id"])) is not None:
            return refused
        if sum(len(one["data"]) for one in asked.get("attachments", [])) > 50_000_000:
            return answer(413)  # the web server's, without a body
        if "full" not in self.access:
            asked["internal"] = False
        return 201, self.add_article(asked["ticket_id"], US, asked)

    def links_of(self, request):
        """Tell what a ticket is linked to, in either direction."""
        number = int(request.args["link_object_value"])
        others = [{first, other} - {number} for first, other in self.linked if number in (first, other)]
        found = [{"link_type": "normal", "link_object": "Ticket", "link_object_value": min(other)} for other in others]
        return 200, {"links": found, "assets": {}}

    def link(self, request):
        """Link a ticket, told by its id, to one told by its number."""
        asked = request.get_json()
        (source,) = [one["id"] for one in self.tickets.values() if one["number"] == asked["link_object_source_number"]]
        self.linked.append((source, asked["link_object_target_value"]))
        return 201, {}

    # -- what it keeps ----------------------------------------------------------------------------------------------

    def seen_by_us(self, number):
        """Return the refusal of a ticket that we do not see, None for one that we do."""
        if number not in self.tickets:
            return 404, {"error": "No such object"}
        if self.tickets[number]["group"] != "Preventive" or not self.access:
            return 403, {"error": "Not authorized"}
        return None

    def shown(self, ticket):
        """Return a ticket as an answer has it."""
        return dict.fromkeys(self.attributes) | {"pending_time": None} | ticket

    def tick(self):
        """Return the next second."""
        self._now += timedelta(seconds=1)
        return self._now.isoformat().replace("+00:00", ".000Z")

    def add_article(self, number, who, asked):
        """Keep an article."""
        files = [
            {"id": at, "filename": one["filename"], "size": str(len(base64.b64decode(one["data"], validate=True)))}
            for at, one in enumerate(asked.get("attachments", []))
        ]
        made = {
            "id": len(self.written) + 1,
            "ticket_id": number,
            "created_by_id": who,
            "created_by": user(who)["login"],
            "created_at": self.tick(),
            "sender": {1: "System", CUSTOMER: "Customer"}.get(who, "Agent"),
            "attachments": files,
            **{name: asked.get(name, default) for name, default in (("body", ""), ("internal", False))},
            "content_type": asked.get("content_type", "text/plain"),
        }
        self.written.append(made)
        return made

    def change(self, number, who, **values):
        """Change a ticket as `who`, with its history."""
        ticket = self.tickets[number]
        for name, value in values.items():
            if ticket.get(name) == value:
                continue
            event = {
                "id": sum(map(len, self.events.values())) + 1,
                "type": "updated",
                "object": "Ticket",
                "o_id": number,
            }
            event |= {"attribute": name, "value_from": str(ticket.get(name) or ""), "value_to": str(value)}
            if name == "owner":
                event |= {"id_from": ticket["owner_id"], "id_to": who}
                ticket["owner_id"] = who
            self.events[number].append(event | {"created_by_id": who, "created_at": self.tick()})
            ticket[name] = value

    def merge(self, number, into):
        """Merge a ticket into another, as the engineer: its articles move."""
        for one in self.written:
            if one["ticket_id"] == number:
                one["ticket_id"] = into
        self.change(number, ENGINEER, state="merged")
        self.add_article(number, ENGINEER, {"body": "merged"})


class PersonAtZammad:
    """An engineer and the customer at the fake desk."""

    def __init__(self, desk: FakeZammad) -> None:
        self.desk = desk

    def does(self, ref, kind):
        """Act by the desk's own means: states and owner by the engineer, words by the customer."""
        number, desk = int(ref.id), self.desk
        words = {
            "reply": "thank you<br>&gt; and all",
            "confirm": "fixed<br>foretell: confirm",
            "accept_window": "foretell: accept 1",
            "wont_fix": "foretell: wontfix",
        }
        match kind:
            case "acknowledge":
                desk.change(number, ENGINEER, owner="enya@desk.test")
            case "defer":
                desk.tickets[number]["pending_time"] = "2026-12-24T00:00:00.000Z"
                desk.change(number, ENGINEER, state="pending reminder")
            case "resolve":
                desk.change(number, ENGINEER, state="closed")
            case "reopen":
                desk.change(number, ENGINEER, state="open")
            case _:
                desk.add_article(number, CUSTOMER, {"body": f"<div>{words[kind]}</div>", "content_type": "text/html"})

    def sets_priority(self, ref, priority):
        """Set the priority by its name at the desk."""
        self.desk.change(int(ref.id), ENGINEER, priority={"P1": "4 urgent", "P2": "3 high", "P3": "2 normal"}[priority])

    def sees(self, ref):
        """Return title and public articles as the portal shows them."""
        number = int(ref.id)
        public = [one["body"] for one in self.desk.written if one["ticket_id"] == number and not one["internal"]]
        return self.desk.tickets[number]["title"], "\n".join(map(plain_of_html, public))


def user(number):
    """Return a user of the desk."""
    first, last = {1: ("-", ""), US: ("Foretell", ""), ENGINEER: ("Enya", "Engineer"), CUSTOMER: ("Carl", "Customer")}[
        number
    ]
    return {"id": number, "login": f"{first.lower()}@desk.test", "firstname": first, "lastname": last}


def matches(text, wanted, *, part):
    """Return whether the database finds a text; MySQL compares without regard to case."""
    found, wanted = str(text or "").lower(), wanted.lower()
    return wanted in found if part else wanted == found
