"""A GLPI on loopback, written from its documentation and source; not the real one.

Its nasty ways: a session before anything; 206 for a part; success that holds a refusal; times without a zone; a priority that the
profile may not set is made from urgency and impact; who solves a ticket solves its duplicates, in both directions; nobody writes
on a closed ticket; a filter on a field that a table has not is ignored; a file of an unknown type leaves a document without one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from fake_desk import FakeDesk, answer
from ticketing_clients._acts import plain_of_html

API = "/apirest.php"
US, ENGINEER, CUSTOMER = 7, 8, 9
NAMES = {US: "foretell", ENGINEER: "Engineer Enya", CUSTOMER: "Customer Carl"}
MATRIX = {1: [1, 1, 2, 2, 2], 2: [1, 2, 2, 3, 3], 3: [2, 2, 3, 4, 4], 4: [2, 3, 4, 4, 5], 5: [2, 3, 4, 5, 5]}
WORKING = {1, 2, 3, 4}


class FakeGlpi(FakeDesk):
    """One entity, 3, and one profile.

    version: 10 knows no external id. rights: of the profile. zone: of the desk's clock. autoclose: a solution closes at once.
    """

    routes: ClassVar[list[Rule]] = [
        Rule(f"{API}/initSession", endpoint="enter", methods=["GET"]),
        Rule(f"{API}/killSession", endpoint="leave", methods=["GET"]),
        Rule(f"{API}/getFullSession", endpoint="full_session", methods=["GET"]),
        Rule(f"{API}/getGlpiConfig", endpoint="configuration", methods=["GET"]),
        Rule(f"{API}/listSearchOptions/Ticket", endpoint="search_options", methods=["GET"]),
        Rule(f"{API}/Ticket", endpoint="list_tickets", methods=["GET"]),
        Rule(f"{API}/Ticket", endpoint="add_ticket", methods=["POST"]),
        Rule(f"{API}/Ticket/<int:number>", endpoint="show", methods=["GET"]),
        Rule(f"{API}/Ticket/<int:number>", endpoint="update", methods=["PUT"]),
        Rule(f"{API}/Ticket/<int:number>/ITILFollowup", endpoint="list_followups", methods=["GET"]),
        Rule(f"{API}/Ticket/<int:number>/Log", endpoint="list_events", methods=["GET"]),
        Rule(f"{API}/Ticket/<int:number>/Ticket_User", endpoint="list_actors", methods=["GET"]),
        Rule(f"{API}/ITILFollowup", endpoint="add_followup", methods=["POST"]),
        Rule(f"{API}/ITILSolution", endpoint="add_solution", methods=["POST"]),
        Rule(f"{API}/Ticket_Ticket", endpoint="list_links", methods=["GET"]),
        Rule(f"{API}/Ticket_Ticket", endpoint="add_link", methods=["POST"]),
        Rule(f"{API}/Document", endpoint="add_document", methods=["POST"]),
        Rule(f"{API}/Document/<int:number>", endpoint="show_document", methods=["GET"]),
    ]

    def __init__(self, token: str, zone: str = "UTC") -> None:
        super().__init__()
        self.token, self.app_token, self.version, self.autoclose = token, "", 11, False
        self.sessions: set[str] = set()
        self.tickets: dict[int, dict[str, Any]] = {}
        self.followups: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.actors: list[dict[str, Any]] = []
        self.links: list[dict[str, int]] = []
        self.documents: list[dict[str, Any]] = []
        self.solutions: list[str] = []
        self.rights = {"ticket": 1024 | 65536, "followup": 4096 | 8192, "logs": 1}
        self.largest = 2
        self.hidden: set[int] = set()
        self._now = datetime(2026, 12, 1, 12, tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))

    def authorised(self, request):
        """Know the tokens: of the user when a session begins, of the session afterwards."""
        if request.headers.get("App-Token", "") != self.app_token:
            return False
        if request.path == f"{API}/initSession":
            return request.headers.get("Authorization") == f"user_token {self.token}"
        return request.headers.get("Session-Token") in self.sessions

    # -- the session ------------------------------------------------------------------------------------------------

    def enter(self, _):
        """Begin a session."""
        self.sessions.add(f"session-{len(self.sessions) + 1}-secret")
        return 200, {"session_token": max(self.sessions)}

    def leave(self, request):
        """End a session; the answer is empty."""
        self.sessions.discard(request.headers["Session-Token"])
        return 200, None

    def full_session(self, _):
        """Who we are; numbers come as text."""
        profile = {"name": "API", **{name: str(right) for name, right in self.rights.items()}}
        session = {"glpiID": str(US), "glpiname": NAMES[US], "glpiactiveprofile": profile}
        return 200, {"session": session | {"glpi_currenttime": self.now(), "glpiactiveentities": {"0": "0", "3": "3"}}}

    def configuration(self, _):
        """The size limit among everything else."""
        return 200, {"cfg_glpi": {"languages": {}, "document_max_size": str(self.largest)}}

    def search_options(self, _):
        """What tickets can be looked for by."""
        options: dict[str, Any] = {"common": "Characteristics", "1": {"table": "glpi_tickets", "field": "name"}}
        if self.version >= 11:
            options["87"] = {"table": "glpi_tickets", "field": "externalid", "datatype": "string"}
        return 200, options

    # -- tickets ----------------------------------------------------------------------------------------------------

    def list_tickets(self, request):
        """Tickets that are not in the dustbin and not hidden from us."""
        if not self.rights["ticket"]:
            return self.refused()
        there = [one for one in self.tickets.values() if not one["is_deleted"] and one["id"] not in self.hidden]
        return self.part(request, [one for one in there if found_by(request, one)])

    def add_ticket(self, request):
        """Make a ticket of the fields that there are."""
        asked = request.get_json()["input"]
        known = ("name", "content", "externalid", "time_to_resolve", "itilcategories_id", "entities_id")
        ticket = {name: asked[name] for name in known if name in asked and (self.version >= 11 or name != "externalid")}
        if len(ticket["name"]) > 255:
            return 400, ["ERROR_GLPI_ADD", "Data too long for column 'name'"]
        number = len(self.tickets) + 1
        ticket |= {"id": number, "is_deleted": 0, "status": 2 if "_groups_id_assign" in asked else 1}
        ticket["asked"] = asked
        ticket["priority"] = MATRIX[asked.get("urgency", 3)][asked.get("impact", 3) - 1]
        if self.rights["ticket"] & 65536 and "priority" in asked:
            ticket["priority"] = asked["priority"]
        if ticket.get("time_to_resolve", self.now()) < self.now():
            del ticket["time_to_resolve"]
        self.tickets[number] = ticket
        return 201, {"id": number, "message": ""}

    def show(self, request, number):
        """Show a ticket, with its documents if asked."""
        if (missing := self.missing(number)) is not None:
            return missing
        documents = [one for one in self.documents if one["items_id"] == number]
        shown = {name: value for name, value in self.tickets[number].items() if name != "asked"}
        return 200, shown | ({"_documents": documents} if request.args.get("with_documents") else {})

    def update(self, request, number):
        """Change a ticket; what the profile may not is left out, and the answer is success."""
        if (missing := self.missing(number)) is not None:
            return missing
        asked = request.get_json()["input"]
        if not self.rights["ticket"] & 65536:
            asked.pop("priority", None)
        self.change(number, US, **asked)
        return 200, [{str(number): True, "message": ""}]

    def change(self, number, who, **values):
        """Change a ticket as `who`, with its history."""
        ticket = self.tickets[number]
        for name, value in values.items():
            old, ticket[name] = ticket.get(name), value
            event = {"id": len(self.events) + 1, "items_id": number, "date_mod": self.tick(), "itemtype_link": ""}
            event |= {"id_search_option": {"status": 12, "priority": 3}.get(name, 0), "linked_action": 0}
            event |= {
                "old_value": str(old),
                "new_value": str(value),
                "user_name": f"{NAMES[who]} ({who})" if who else "cron",
            }
            self.events.append(event)
        if values.get("status") in {5, 6}:  # the same for its duplicates, in both directions
            for link in self.links:
                pair = {link["tickets_id_1"], link["tickets_id_2"]}
                if link["link"] == 2 and number in pair:
                    (other,) = pair - {number}
                    if self.tickets[other]["status"] in WORKING:
                        self.change(other, who, status=5)

    # -- what hangs on a ticket -------------------------------------------------------------------------------------

    def list_followups(self, request, number):
        """Follow-ups, with names when they are asked for."""
        rows = [one for one in self.followups if one["items_id"] == number]
        return self.missing(number) or self.part(request, [self.named(request, one) for one in rows])

    def list_events(self, request, number):
        """The history."""
        return self.missing(number) or self.part(request, [one for one in self.events if one["items_id"] == number])

    def list_actors(self, request, number):
        """Who has to do with a ticket."""
        rows = [one for one in self.actors if one["tickets_id"] == number]
        return self.missing(number) or self.part(request, [self.named(request, one) for one in rows])

    def add_followup(self, request):
        """Write on a ticket that is not closed; markup that is not allowed is cut out, text stays."""
        asked = request.get_json()["input"]
        ticket = self.tickets.get(asked["items_id"])
        if ticket is None or ticket["status"] == 6:
            message = "You don't have permission to perform this action."
            return 400, ["ERROR_GLPI_ADD", [{"id": False, "message": message}]]
        return 201, {
            "id": self.write(asked["items_id"], US, asked["content"], private=asked["is_private"]),
            "message": "",
        }

    def write(self, number, who, content, *, private=0):
        """Keep a follow-up."""
        self.followups.append(
            {
                "id": len(self.followups) + 1,
                "items_id": number,
                "itemtype": "Ticket",
                "users_id": who,
                "date": self.tick(),
            }
            | {"content": content, "is_private": int(private)}
        )
        return len(self.followups)

    def add_solution(self, request):
        """Solve a ticket that is not solved; its entity may close it at once."""
        asked = request.get_json()["input"]
        number = asked["items_id"]
        if self.tickets[number]["status"] not in WORKING:
            return 201, {"id": False, "message": "The item is already solved"}
        self.solutions.append(asked["content"])
        self.change(number, US, status=6 if self.autoclose else 5)
        return 201, {"id": len(self.solutions), "message": ""}

    def list_links(self, request):
        """Links between tickets."""
        return self.part(request, [one for one in self.links if found_by(request, one)])

    def add_link(self, request):
        """Link two tickets, once."""
        asked = request.get_json()["input"]
        self.links.append({"id": len(self.links) + 1, **asked})
        return 201, {"id": len(self.links), "message": ""}

    def add_document(self, request):
        """Keep a file; of a type that is not known only the document is made."""
        manifest = json.loads(request.form["uploadManifest"])["input"]
        (file,) = request.files.values()
        content, known = file.read(), str(file.filename).endswith((".gz", ".txt", ".zip"))
        file.close()
        if len(content) > self.largest * 1024 * 1024:
            return 400, ["ERROR_GLPI_ADD", "The uploaded file exceeds the upload_max_filesize directive in php.ini"]
        made = {"id": len(self.documents) + 1, "items_id": manifest["items_id"], "name": manifest["name"]}
        made |= {"filename": file.filename if known else "", "sha1sum": None}
        if known:
            made["sha1sum"] = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.documents.append(made)
        return 201, {"id": made["id"], "message": "", "upload_result": {"filename": [{"name": file.filename}]}}

    def show_document(self, _, number):
        """Show a document."""
        return 200, self.documents[number - 1]

    # -- what it keeps ----------------------------------------------------------------------------------------------

    def part(self, request, rows):
        """Return a range of rows: 206 when there are more of them, 400 when it begins beyond them."""
        first, last = map(int, request.args["range"].split("-"))
        if first > len(rows):
            return 400, ["ERROR_RANGE_EXCEED_TOTAL", f"Provided range exceed total count of data: {len(rows)}"]
        shown = [{name: value for name, value in one.items() if name != "asked"} for one in rows[first : last + 1]]
        return answer(206 if len(shown) < len(rows) else 200, shown, {"Content-Range": f"{first}-{last}/{len(rows)}"})

    def missing(self, number) -> Response | None:
        """Return the refusal of a ticket that is not there or not ours to see, None for another."""
        if number not in self.tickets:
            return answer(404, ["ERROR_ITEM_NOT_FOUND", "Item not found"])
        return self.refused() if number in self.hidden or not self.rights["ticket"] else None

    def refused(self) -> Response:
        """Return what one gets without the right."""
        return answer(403, ["ERROR_RIGHT_MISSING", "You don't have permission to perform this action."])

    def named(self, request, row):
        """Return a row with the names that were asked for."""
        asked = request.args.getlist("add_keys_names[]")
        return row | ({"_keys_names": {"users_id": NAMES.get(row["users_id"])}} if "users_id" in asked else {})

    def now(self):
        """Return what time it is there, without a zone."""
        return self._now.strftime("%Y-%m-%d %H:%M:%S")

    def tick(self):
        """Return the next second."""
        self._now += timedelta(seconds=1)
        return self.now()


class PersonAtGlpi:
    """A technician and the requester at the fake desk."""

    def __init__(self, desk: FakeGlpi) -> None:
        self.desk = desk

    def does(self, ref, kind):
        """Act by the desk's own means: status by the technician, words by the requester."""
        words = {
            "reply": "thank you",
            "accept_window": "foretell: accept 1",
            "wont_fix": "foretell: wontfix",
            "confirm": "foretell: confirm",
        }
        statuses = {"acknowledge": 2, "defer": 4, "resolve": 5, "reopen": 2}
        if kind in statuses:
            self.desk.change(int(ref.id), ENGINEER, status=statuses[kind])
        else:
            self.desk.write(int(ref.id), CUSTOMER, f"<p>{words[kind]}</p>")

    def sets_priority(self, ref, priority):
        """Set the priority by its number."""
        self.desk.change(int(ref.id), ENGINEER, priority={"P1": 5, "P2": 4}[priority])

    def sees(self, ref):
        """Return title, content and public follow-ups as the requester reads them."""
        ticket = self.desk.tickets[int(ref.id)]
        rows = [one for one in self.desk.followups if one["items_id"] == ticket["id"] and not one["is_private"]]
        return ticket["name"], "\n".join(map(plain_of_html, [ticket["content"], *(one["content"] for one in rows)]))


def found_by(request, row):
    """Return whether a row is found by `searchText`, in which ^ and $ hold the ends; a field that is not there is ignored."""
    for name in request.args:
        if not name.startswith("searchText["):
            continue
        field, wanted = name[len("searchText[") : -1], request.args[name]
        text, core = str(row.get(field) or "").lower(), wanted.strip("^$").lower()
        begins, ends = wanted.startswith("^"), wanted.endswith("$")
        same = core in text and (not begins or text.startswith(core)) and (not ends or text.endswith(core))
        if field in row and not (text == core if begins and ends else same):
            return False
    return True
