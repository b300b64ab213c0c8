"""Jira as its documentation describes it, in the cloud and in a data center, on loopback: what the clients of both are tested on.

Everything has a name in German, because a client that knew "Done" would be wrong at half of all desks. The index of the cloud is
only as new as the last `index()`. A person's acts are methods of the desk.
"""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from werkzeug.routing import Rule

from fake_desk import FakeDesk, Specification, answer

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
TOKEN, USER = "the-agents-token", "agent@client.test"
LONGEST_SUMMARY, LONGEST_LABEL, LONGEST_TEXT = 255, 255, 32_767

STATUSES = {
    "1": ("Offen", "new"),
    "3": ("In Arbeit", "indeterminate"),
    "10010": ("Wartet auf Kunden", "indeterminate"),
    "5": ("Erledigt", "done"),
    "10020": ("Abgelehnt", "done"),
    "10030": ("Archiviert", "done"),
    "10040": ("Ausgeliefert", "done"),
}
PRIORITIES = {"1": "Am höchsten", "2": "Hoch", "3": "Mittel", "4": "Niedrig", "5": "Am niedrigsten"}
RESOLUTIONS = {"10000": "Fertig", "10001": "Wird nicht erledigt"}
RESOLUTION = {
    "resolution": {
        "key": "resolution",
        "name": "Lösung",
        "required": True,
        "hasDefaultValue": False,
        "operations": ["set"],
        "schema": {"type": "resolution"},
        "allowedValues": [{"id": number, "name": name} for number, name in RESOLUTIONS.items()],
    }
}


def way(number, name, to, fields=None):
    """Return a transition as the desk tells of it."""
    return {"id": number, "name": name, "to": status(to), "fields": fields or {}}


def status(number):
    """Return a status as the desk tells of it."""
    name, category = STATUSES[number]
    return {"id": number, "name": name, "statusCategory": {"key": category}}


def routes(version):
    """Return the rules of one version of the interface."""
    issue = f"/rest/api/{version}/issue/<number>"
    return [
        Rule(path, endpoint=endpoint, methods=[method])
        for method, path, endpoint in [
            ("GET", f"/rest/api/{version}/myself", "myself"),
            ("GET", f"/rest/api/{version}/project/<key>", "project"),
            ("GET", f"/rest/api/{version}/mypermissions", "permissions"),
            ("GET", f"/rest/api/{version}/priority", "priorities"),
            ("GET", f"/rest/api/{version}/status", "statuses"),
            ("GET", f"/rest/api/{version}/resolution", "resolutions"),
            ("GET", f"/rest/api/{version}/issueLinkType", "link_types"),
            ("GET", f"/rest/api/{version}/attachment/meta", "attachment_meta"),
            ("GET", f"/rest/api/{version}/search", "old_search"),
            ("POST", f"/rest/api/{version}/issueLink", "link"),
            ("POST", f"/rest/api/{version}/issue", "create"),
            ("GET", f"/rest/api/{version}/issue/createmeta/<key>/issuetypes/<kind>", "create_meta"),
            ("GET", issue, "read"),
            ("PUT", issue, "edit"),
            ("GET", f"{issue}/comment", "comments"),
            ("POST", f"{issue}/comment", "add_comment"),
            ("GET", f"{issue}/transitions", "transitions"),
            ("POST", f"{issue}/transitions", "transition"),
            ("POST", f"{issue}/attachments", "attach"),
        ]
    ]


class FakeJira(FakeDesk):
    """A Jira in the cloud with one project, OPS, whose issue type 10004 takes tickets."""

    routes: ClassVar = [
        *routes(3),
        Rule("/rest/api/3/search/jql", endpoint="search", methods=["GET"]),
        Rule("/rest/api/3/issue/bulkfetch", endpoint="bulk_fetch", methods=["POST"]),
    ]
    cloud = True
    authorisation = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()

    def __init__(self, specification=None):
        super().__init__(specification)
        self.issues = {}
        self.indexed = {}
        self.strangers = []  # issues that every search finds as well
        self.page = 100
        self.shown = True  # whether the agent may browse the project
        self.stranger = False  # whether the present request is not by the agent
        self.rights = {
            "BROWSE_PROJECTS",
            "CREATE_ISSUES",
            "EDIT_ISSUES",
            "TRANSITION_ISSUES",
            "ADD_COMMENTS",
            "CREATE_ATTACHMENTS",
            "LINK_ISSUES",
        }
        self.screen = {"summary": True, "description": False, "labels": False, "priority": False, "duedate": False}
        self.edit_screen = {"summary", "description", "labels", "priority", "duedate"}
        self.ignored = set()  # fields whose new value is dropped without a word
        self.upload_limit = 100_000
        self.attachments = True
        working = [
            way("21", "Anfangen", "3"),
            way("25", "Warten", "10010"),
            way("31", "Erledigen", "5", RESOLUTION),
            way("41", "Ablehnen", "10020"),
        ]
        self.ways = {
            "1": working,
            "3": working,
            "10010": working,
            "5": [way("51", "Wieder öffnen", "3")],
            "10020": [way("51", "Wieder öffnen", "3")],
            "10030": [],
            "10040": [],
        }
        self.frozen = set()  # statuses in which an issue cannot be edited
        self._ticks = 0
        self._numbers = {"OPS": 0}

    # -- who asks ---------------------------------------------------------------------------------------------------

    def authorised(self, request):
        """Return whether to serve it; like the real one, some questions of strangers are answered, with nothing."""
        self.stranger = request.headers.get("Authorization") != self.authorisation
        return not self.stranger or (request.method == "GET" and not request.path.endswith("/myself"))

    @property
    def agent(self):
        """Return the user that the token belongs to."""
        return self.user("agent")

    def user(self, name, kind="atlassian"):
        """Return a user as the desk tells of it."""
        return {"accountId": f"5b10:{name}", "displayName": name.title(), "accountType": kind}

    # -- the site ---------------------------------------------------------------------------------------------------

    def myself(self, _):
        return 200, self.agent

    def project(self, _, key):
        if self.stranger or not self.shown or key != "OPS":
            return wrong(404, f"Es konnte kein Projekt mit dem Schlüssel '{key}' gefunden werden.")
        return 200, {"id": "10000", "key": key, "name": "Betrieb"}

    def permissions(self, request):
        asked = request.args.get("permissions", "").split(",")
        if self.cloud and asked == [""]:
            return wrong(400, "permissions")
        return 200, {"permissions": {one: {"havePermission": one in self.rights} for one in asked}}

    def priorities(self, _):
        return 200, [{"id": number, "name": name} for number, name in PRIORITIES.items()]

    def statuses(self, _):
        return 200, [status(number) for number in STATUSES]

    def resolutions(self, _):
        return 200, [{"id": number, "name": name} for number, name in RESOLUTIONS.items()]

    def link_types(self, _):
        types = [("10002", "Duplicate"), ("10003", "Relates")]
        return 200, {"issueLinkTypes": [{"id": number, "name": name} for number, name in types]}

    def attachment_meta(self, _):
        return 200, {"enabled": self.attachments, "uploadLimit": self.upload_limit}

    def create_meta(self, request, key, kind):
        if key != "OPS" or kind != "10004" or not self.shown:
            return wrong(404, "Es gibt diesen Vorgangstyp nicht.")
        fields = [
            {"fieldId": name, "key": name, "name": name.title(), "required": required, "hasDefaultValue": False}
            for name, required in {**self.screen, "project": True, "issuetype": True, "reporter": True}.items()
        ]
        start = int(request.args.get("startAt", 0))
        page = fields[start : start + int(request.args["maxResults"])]
        return 200, {"fields" if self.cloud else "values": page, "startAt": start, "total": len(fields)}

    # -- searching --------------------------------------------------------------------------------------------------

    def index(self):
        """Bring the index up to date."""
        self.indexed = json.loads(json.dumps(self.issues))

    def old_search(self, request):
        del request
        return wrong(410, "Die angeforderte API wurde entfernt. Bitte zu /rest/api/3/search/jql wechseln.")

    def search(self, request):
        """Search the index; pages by token, and no total."""
        hits = self.hits(request.args["jql"], self.indexed)
        if isinstance(hits, str):
            return wrong(400, hits)
        start = int(request.args.get("nextPageToken", 0))
        end = start + min(int(request.args.get("maxResults", 50)), self.page)
        fields = request.args.get("fields", "id")
        page = {"issues": [self.told(self.indexed[number], fields) for number in hits[start:end]]}
        if "key" not in fields.split(","):
            page["issues"] = [{"id": one["id"], "fields": one["fields"]} for one in page["issues"]]
        return 200, page | ({"nextPageToken": str(end)} if end < len(hits) else {"isLast": True})

    def hits(self, jql, issues):
        """Return the ids of what `jql` finds among `issues`, or what is wrong with it."""
        condition, _, order = jql.partition(" ORDER BY ")
        if not condition or order not in {"", "key DESC"}:
            return "Die Abfrage ist unbegrenzt."
        if self.stranger:
            return []
        found = []
        for number, one in issues.items():
            holds = [
                [self.holds(atom, one) for atom in part.strip("()").split(" OR ")] for part in condition.split(" AND ")
            ]
            if any(atom is None for atoms in holds for atom in atoms):
                return f"Fehler in der JQL-Abfrage: {condition}"
            if all(any(atoms) for atoms in holds) or int(number) in self.strangers:
                found.append(number)
        return sorted(
            found, key=lambda number: -int(issues[number]["key"].rpartition("-")[2]) if order else int(number)
        )

    def holds(self, atom, one):
        """Return whether a condition holds for an issue, None when it is none. Jira compares without regard to case."""
        match = re.fullmatch(r'(project|labels|description) ([=~]) "((?:[^"\\]|\\.)*)"', atom)
        if atom == "statusCategory != Done":
            return STATUSES[one["status"]][1] != "done"
        if match is None:
            return None
        field, _, value = match.groups()
        match field:
            case "project":
                return one["key"].startswith(f"{value}-")
            case "labels":
                return value.casefold() in (label.casefold() for label in one["fields"].get("labels", []))
            case _:
                return value.casefold() in re.findall(r"\w+", text_of(one["fields"].get("description")).casefold())

    def bulk_fetch(self, request):
        """Return issues as they are, and in which of the names there is nothing to see."""
        content = request.get_json()
        names = content["issueIdsOrKeys"]
        if len(names) > 100:
            return wrong(400, "Höchstens 100 Vorgänge.")
        found = {one["id"]: one for name in names if (one := self.seen_as(name))}
        issues = [self.told(found[number], ",".join(content["fields"])) for number in sorted(found, key=int)]
        missing = [name for name in names if not self.seen_as(name)]
        return 200, {"issues": issues, "issueErrors": [{"id": name, "errorMessages": ["?"]} for name in missing]}

    # -- issues -----------------------------------------------------------------------------------------------------

    def seen_as(self, name):
        """Return the issue with this id or key, of now or before it was moved; None where there is nothing to see."""
        if self.stranger or not self.shown:
            return None
        return next((one for one in self.issues.values() if name in {one["id"], one["key"], *one["old_keys"]}), None)

    def told(self, one, fields):
        """Return an issue with the fields asked for."""
        have = {
            **one["fields"],
            "status": status(one["status"]),
            "resolution": one["resolution"] and {"id": one["resolution"], "name": RESOLUTIONS[one["resolution"]]},
            "creator": one["creator"],
            "attachment": [{"filename": name, "size": size} for name, size in one["files"]],
            "issuelinks": one["links"],
        }
        if priority := have.get("priority"):
            have["priority"] = {"id": priority["id"], "name": PRIORITIES[priority["id"]]}
        asked = fields.split(",")
        return {"id": one["id"], "key": one["key"], "fields": {name: have.get(name) for name in asked if name in have}}

    def create(self, request):
        """Make an issue."""
        if self.stranger:
            return wrong(401, "Sie sind nicht angemeldet.")
        return self.created(request.get_json()["fields"], self.screen)

    def created(self, fields, screen):
        """Return the answer to a new issue with `fields`, if the `screen` takes them."""
        if not self.shown or fields["project"] != {"key": "OPS"} or fields["issuetype"] != {"id": "10004"}:
            return wrong(400, project="Geben Sie ein gültiges Projekt an.")
        values = {name: value for name, value in fields.items() if name not in {"project", "issuetype"}}
        errors = self.errors(values, screen)
        errors |= {name: "ist erforderlich" for name, required in screen.items() if required and name not in values}
        if errors:
            return wrong(400, **errors)
        one = self.new(values, self.agent)
        return 201, {"id": one["id"], "key": one["key"], "self": "…"}

    def new(self, values, creator, project="OPS"):
        """Make an issue of `creator`."""
        self._numbers[project] = self._numbers.get(project, 0) + 1
        one = {
            "id": str(10_000 + len(self.issues)),
            "key": f"{project}-{self._numbers[project]}",
            "old_keys": [],
            "creator": creator,
            "fields": {name: value for name, value in values.items() if name not in self.ignored},
            "status": "1",
            "resolution": None,
            "comments": [],
            "events": [],
            "files": [],
            "links": [],
        }
        one["fields"].setdefault("priority", {"id": "3"})
        one["fields"].setdefault("labels", [])
        self.issues[one["id"]] = one
        return one

    def errors(self, values, screen):
        """Return what is wrong with new values, field by field."""
        errors = {}
        for name, value in values.items():
            if name not in screen:
                errors[name] = f"Das Feld '{name}' kann nicht festgelegt werden. Es ist nicht auf der Maske."
            elif name == "summary" and ("\n" in value or not 0 < units(value) <= LONGEST_SUMMARY):
                errors[name] = "Die Zusammenfassung ist ungültig."
            elif name == "description":
                errors |= {name: reason} if (reason := self.text_error(value)) else {}
            elif name == "labels" and any(" " in one or not 0 < len(one) <= LONGEST_LABEL for one in value):
                errors[name] = "Das Stichwort ist ungültig."
            elif name == "priority" and value.get("id") not in PRIORITIES:
                errors[name] = "Die Priorität ist ungültig."
            elif name == "duedate" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                errors[name] = "Das Datum ist ungültig."
        return errors

    def text_error(self, value):
        """Return what is wrong with a text."""
        if self.cloud:
            if not (isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1):
                return "Der Wert muss ein Atlassian-Dokument sein."
            if any(not one.get("text") for one in nodes(value) if one["type"] == "text"):
                return "Das Dokument ist ungültig."
            length = units(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        else:
            if not isinstance(value, str):
                return "Der Wert muss eine Zeichenkette sein."
            length = units(value)
        return "" if length <= LONGEST_TEXT else "Der eingegebene Text ist zu lang."

    def read(self, request, number):
        """Return an issue; of its changes the newest forty in the cloud, the newest first."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        told = self.told(one, request.args.get("fields", ""))
        if "changelog" in request.args.get("expand", ""):
            events = one["events"][:-41:-1] if self.cloud else one["events"]
            told["changelog"] = {"histories": events}
        return 200, told

    def gone(self):
        """Return the answer about what is not there or may not be seen."""
        return wrong(404, "Der Vorgang ist nicht vorhanden, oder Sie dürfen ihn nicht sehen.")

    def edit(self, request, number):
        """Change fields of an issue."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        content = request.get_json()
        added = [step["add"] for step in content.get("update", {}).get("labels", [])]
        values = content.get("fields", {}) | ({"labels": one["fields"]["labels"] + added} if added else {})
        if one["status"] in self.frozen:
            return wrong(400, "Sie dürfen diesen Vorgang nicht bearbeiten.")
        if errors := self.errors(values, self.edit_screen):
            return wrong(400, **errors)
        one["fields"] |= {name: value for name, value in values.items() if name not in self.ignored}
        self.note(one, self.agent, *((name, None, None) for name in values))
        return answer(204)

    def link(self, request):
        """Link two issues, once."""
        content = request.get_json()
        source, target = (self.seen_as(content[end]["id"]) for end in ("inwardIssue", "outwardIssue"))
        kind = content["type"]["name"]
        if source is None or target is None or kind not in {"Duplicate", "Relates"}:
            return wrong(404, "Es gibt diese Verknüpfung nicht.")
        kind = {"id": "10002", "name": kind}
        source["links"].append({"type": kind, "outwardIssue": {"id": target["id"]}})
        target["links"].append({"type": kind, "inwardIssue": {"id": source["id"]}})
        return answer(201)

    # -- what happens on an issue -----------------------------------------------------------------------------------

    def tick(self):
        """Return the time, which moves on each time that it is asked."""
        self._ticks += 1
        return (NOON + timedelta(seconds=self._ticks)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def note(self, one, author, *items):
        """Note changes (field, old id, new id) by `author` in an issue's history."""
        changed = [{"field": field, "from": old, "to": new, "toString": "…"} for field, old, new in items]
        event = {"id": str(20_000 + self._ticks), "author": author, "created": self.tick(), "items": changed}
        one["events"].append(event)

    def say(self, one, author, body, *, public=True, visibility=None):
        """Add a comment by `author` to an issue, and return it."""
        said = {"id": str(30_000 + self._ticks), "author": author, "created": self.tick(), "body": body}
        said |= {"jsdPublic": public} | ({"visibility": visibility} if visibility else {})
        one["comments"].append(said)
        return said

    def comments(self, request, number):
        """Return an issue's comments, rendered when asked."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        said = one["comments"][::-1] if request.args.get("orderBy") == "-created" else one["comments"]
        said = said[: int(request.args.get("maxResults", 100))]
        if request.args.get("expand") == "renderedBody":
            said = [comment | {"renderedBody": html_of(comment["body"])} for comment in said]
        return 200, {"comments": said, "total": len(one["comments"]), "startAt": 0}

    def add_comment(self, request, number):
        """Add a comment of the agent."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        content = request.get_json()
        visibility = content.get("visibility")
        if visibility and visibility != {"type": "role", "value": "Betriebsteam"}:
            return wrong(400, commentLevel=f"Die Rolle {visibility['value']} gibt es nicht.")
        if reason := self.text_error(content["body"]):
            return wrong(400, comment=reason)
        return 201, self.say(one, self.agent, content["body"], visibility=visibility)

    def transitions(self, request, number):
        """Return where an issue may go; with the fields only when asked."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        ways = self.ways[one["status"]]
        if request.args.get("expand") != "transitions.fields":
            ways = [{name: value for name, value in way.items() if name != "fields"} for way in ways]
        return 200, {"transitions": ways}

    def transition(self, request, number):
        """Send an issue on its way, as the agent."""
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        content = request.get_json()
        way = next((way for way in self.ways[one["status"]] if way["id"] == content["transition"]["id"]), None)
        if way is None:
            return wrong(400, "Der Übergang ist nicht gültig.")
        given = content.get("fields", {})
        errors = {name: "nicht auf der Maske" for name in given if name not in way["fields"]}
        errors |= {
            name: "ist erforderlich" for name, field in way["fields"].items() if field["required"] and name not in given
        }
        if errors:
            return wrong(400, **errors)
        if "status" not in self.ignored:
            self.move(one, self.agent, way["to"]["id"], given.get("resolution", {}).get("id"))
        return answer(204)

    def move(self, one, author, to, resolution=None):
        """Set an issue's status, and with it its resolution."""
        items = [("status", one["status"], to)]
        if resolution != one["resolution"]:
            items.insert(0, ("resolution", one["resolution"], resolution))
        self.note(one, author, *items)
        one["status"], one["resolution"] = to, resolution

    def attach(self, request, number):
        """Take a file, if the request says that it is no forged form."""
        if request.headers.get("X-Atlassian-Token") != "no-check":
            return answer(403, "XSRF check failed")
        one = self.seen_as(number)
        if one is None:
            return self.gone()
        with request.files["file"].stream as stream:
            name, content = request.files["file"].filename, stream.read()
        if len(content) > self.upload_limit:
            return wrong(413, "Die Datei ist zu groß.")
        if "attachment" not in self.ignored:
            one["files"].append((name, len(content)))
        return 200, [{"id": "40000", "filename": name, "size": len(content)}]

    def clone(self, ref, author="enya"):
        """Clone the ticket as a person does: with its labels and texts, and as the clone's creator."""
        return self.new(dict(self.issues[ref.id]["fields"]), self.user(author))

    def move_to(self, ref, project):
        """Move the ticket to another project, where it gets another key."""
        one = self.issues[ref.id]
        self._numbers[project] = self._numbers.get(project, 0) + 1
        one["old_keys"].append(one["key"])
        one["key"] = f"{project}-{self._numbers[project]}"

    # -- people -----------------------------------------------------------------------------------------------------

    def does(self, ref, kind):
        """Act on the ticket as Enya."""
        one, enya = self.issues[ref.id], self.user("enya")
        lines = {"reply": "danke", "confirm": "ist gut\nforetell: confirm", "accept_window": "foretell: accept 1"}
        moves = {"acknowledge": "3", "defer": "10010", "wont_fix": "10020", "resolve": "5", "reopen": "3"}
        if kind in lines:
            self.say(one, enya, self.body(lines[kind]))
        else:
            self.move(one, enya, moves[kind], "10000" if kind == "resolve" else None)

    def body(self, text):
        """Return what a person wrote, in the markup of the desk."""
        if not self.cloud:
            return text
        lines = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.splitlines()]
        return {"type": "doc", "version": 1, "content": lines}

    def sets_priority(self, ref, priority):
        """Set the priority whose id is the number of ours."""
        self.issues[ref.id]["fields"]["priority"] = {"id": priority[1]}

    def sees(self, ref):
        """Return the summary, the description and what a customer may read of the comments."""
        one = self.issues[ref.id]
        public = [said["body"] for said in one["comments"] if said["jsdPublic"] and "visibility" not in said]
        return one["fields"]["summary"], "\n".join(text_of(body) for body in [one["fields"]["description"], *public])


class FakeJiraDataCenter(FakeJira):
    """A Jira in a data center: version 2, wiki markup, Bearer tokens, and an index that is written before it answers."""

    routes: ClassVar = routes(2)
    cloud = False
    authorisation = f"Bearer {TOKEN}"

    def user(self, name, kind="atlassian"):
        """Return a user as the desk tells of it; it has no kinds of accounts."""
        del kind
        return {"name": name, "key": f"JIRAUSER-{name}", "displayName": name.title()}

    def old_search(self, request):
        """Search; pages by number, with a total."""
        hits = self.hits(request.args["jql"], self.issues)
        if isinstance(hits, str):
            return wrong(400, hits)
        start = int(request.args.get("startAt", 0))
        end = start + min(int(request.args.get("maxResults", 50)), self.page)
        fields = request.args.get("fields", "")
        page = [self.told(self.issues[number], fields) for number in hits[start:end]]
        return 200, {"issues": page, "total": len(hits), "startAt": start}


def wrong(code, *messages, **errors):
    """Return a refusal as Jira words it."""
    return code, {"errorMessages": list(messages), "errors": errors}


def units(text):
    """Return the length of a text as Java counts it."""
    return len(text.encode("utf-16-le")) // 2


def nodes(node):
    """Yield a node of a document and all nodes in it."""
    yield node
    for child in node.get("content", []):
        yield from nodes(child)


def html_of(body):
    """Return a text of either markup as HTML, one element a line."""
    return "".join(f"<p>{html.escape(line)}</p>\n" for line in text_of(body).splitlines())


def text_of(body):
    """Return what a reader sees of a text of either markup, one block a line."""
    if isinstance(body, dict):
        blocks = [one for one in nodes(body) if one["type"] in {"paragraph", "heading", "codeBlock"}]
        return "\n".join("".join(one.get("text", "") for one in nodes(block)) for block in blocks)
    lines = [re.sub(r"^(h3\. |\* )", "", line) for line in (body or "").splitlines() if line]
    return "\n".join(
        re.sub(r"&#(\d+);|\\(.)", lambda found: chr(int(found[1])) if found[1] else found[2], line) for line in lines
    )


def specification():
    """Return the vendor's own specification; skip the test where it is not."""
    return Specification.at_hand("jira-platform-v3.jarekbird.json", mend=_mend)


def _mend(document):
    """Correct what the vendor's document says of a file: it describes Java's class in place of a form."""
    for path, methods in document["paths"].items():
        if path.endswith("/attachments"):
            form = {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}
            methods["post"]["requestBody"]["content"] = {"multipart/form-data": {"schema": form}}
