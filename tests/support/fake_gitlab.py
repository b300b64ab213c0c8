"""GitLab's issues as its documentation and source describe them, on loopback: what the client is tested on.

A person's acts are methods of the desk.
"""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import ClassVar

from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer
from ticketing_clients.contract import NOON, Context
from ticketing_clients.gitlab import PLUGIN

TOKEN = "glpat-of-the-agent"
US = {"id": 1, "username": "foretell", "name": "Foretell Agent"}
ENGINEER = {"id": 2, "username": "enya", "name": "Enya Engineer"}
TRIAGE_BOT = {"id": 3, "username": "project_7_bot_2f6a", "name": "triage"}
PROJECT = "client/preventive"
ROOT = "/api/v4/projects/<path:project>"
ISSUE = f"{ROOT}/issues/<int:number>"
LINES = {
    "reply": "thank you",
    "confirm": "foretell: confirm",
    "accept_window": "foretell: accept 1",
    "defer": "foretell: defer 2026-12-24",
    "wont_fix": "foretell: wontfix",
}
# What is taken for an order: a line of its own, but not between fences of just three signs.
ORDERS = re.compile(
    r"^```\n.+?\n```$|^/(close|duplicate|label|confidential)(?: ([^\n]*))?(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
REPORTER, GUEST = 20, 10


def client_at(url, state_dir, token=TOKEN, **changes):
    """Return a client of the project, with changed options."""
    options = {"project": PROJECT, "url": url, "largest_attachment": 900_000} | changes
    return PLUGIN.build(PLUGIN.options(client="gitlab", **options), Context(state_dir, token), "gitlab")


class FakeGitLab(FakeDesk):
    """One private project. `role` is our access level in it, None where we are no member.

    renamed: whether the project has another path now. hidden: ids of notes that we may not see. uploads: files by their address.
    """

    routes: ClassVar[list[Rule]] = [
        Rule("/api/v4/user", endpoint="user", methods=["GET"]),
        Rule(f"{ROOT}/members/all/<int:who>", endpoint="member", methods=["GET"]),
        Rule(f"{ROOT}/uploads", endpoint="upload", methods=["POST"]),
        Rule(f"{ROOT}/issues", endpoint="listing", methods=["GET"]),
        Rule(f"{ROOT}/issues", endpoint="create", methods=["POST"]),
        Rule(ISSUE, endpoint="show", methods=["GET"]),
        Rule(ISSUE, endpoint="edit", methods=["PUT"]),
        Rule(f"{ISSUE}/notes", endpoint="list_notes", methods=["GET"]),
        Rule(f"{ISSUE}/notes", endpoint="add_note", methods=["POST"]),
        Rule(f"{ISSUE}/resource_state_events", endpoint="list_states", methods=["GET"]),
        Rule(ROOT, endpoint="show_project", methods=["GET"]),
    ]

    def __init__(self):
        super().__init__()
        self.project = {
            "path_with_namespace": PROJECT,
            "visibility": "private",
            "archived": False,
            "issues_access_level": "enabled",
        }
        self.role = REPORTER
        self.renamed = False
        self.hidden = set()
        self.uploads = {}
        self.issues, self.notes, self.states = {}, {}, {}
        self.labels = {}  # the project's, by their folded names
        self._entries = 0

    # -- the interface ------------------------------------------------------------------------------------------------

    def authorised(self, request):
        return request.headers.get("PRIVATE-TOKEN") == TOKEN

    def _serve(self, request):
        if self.renamed and "/projects/" in request.path:
            if request.method != "GET":
                return answer(405, {"message": "Non GET methods are not allowed for moved projects"})
            return answer(
                301, {"message": "This resource has been moved"}, {"Location": f"{self.url}/api/v4/projects/7"}
            )
        return super()._serve(request)

    def user(self, request):
        """Return who asks."""
        del request
        return 200, US

    def show_project(self, request, project):
        """Return the project, if it is this one."""
        del request
        return (200, self.project) if project == self.project["path_with_namespace"] else not_found("Project")

    def member(self, request, project, who):
        """Return what we are in the project."""
        del request, project
        return (200, {**US, "access_level": self.role}) if self.role and who == US["id"] else not_found()

    def listing(self, request, project):
        """Return a page of issues that have all the labels asked for."""
        del project
        wanted, state = request.args.get("labels", ""), request.args.get("state", "all")
        author = request.args.get("author_id", type=int)
        hits = [
            self.told(one)
            for one in self.issues.values()
            if state in {"all", one["state"]}
            and author in {None, one["author"]["id"]}
            and folded(filter(None, wanted.split(","))) <= folded(one["labels"])
        ]
        if request.args.get("sort", "desc") == "desc":
            hits.reverse()
        return 200, page(request, hits)

    def create(self, request, project):
        """Make an issue; what our role may not set is left out without a word, and orders in the text are carried out."""
        del project
        asked = request.get_json()
        if len(asked["title"]) > 255:
            return 400, {"message": {"title": ["is too long (maximum is 255 characters)"]}}
        if len(asked["description"].encode()) > 1024 * 1024:
            return 400, {"message": {"description": ["is too long (maximum is 1 MiB)"]}}
        may = self.role >= REPORTER
        number = self.add(
            title=asked["title"],
            confidential=asked.get("confidential", False),
            labels=[self.label(name) for name in asked.get("labels", "").split(",") if may and name],
            due_date=asked.get("due_date") if may else None,
            assignees=[ENGINEER for one in asked.get("assignee_ids", []) if may and one == ENGINEER["id"]],
        )
        self.issues[number]["description"] = self.obeyed(number, asked["description"])
        return 201, self.told(self.issues[number])

    def show(self, request, project, number):
        """Return an issue; a confidential one only to who may see it."""
        del request, project
        if number not in self.issues or not self.role:
            return not_found()
        return 200, self.told(self.issues[number])

    def edit(self, request, project, number):
        """Change labels one by one, open or close."""
        del project
        asked, issue = request.get_json(), self.issues[number]
        off = folded(filter(None, asked.get("remove_labels", "").split(",")))
        there = [name for name in issue["labels"] if name.casefold() not in off]
        issue["labels"] = list(
            dict.fromkeys([*there, *(self.label(name) for name in asked.get("add_labels", "").split(",") if name)])
        )
        if "state_event" in asked:
            self.turn(number, {"close": "closed", "reopen": "opened"}[asked["state_event"]], US)
        return 200, self.told(issue)

    def list_notes(self, request, project, number):
        """Return a page of notes; what we may not see is taken out of a page after it was made."""
        del project
        notes = self.notes[number]
        if request.args.get("sort", "desc") == "desc":
            notes = notes[::-1]
        return 200, [one for one in page(request, notes) if one["id"] not in self.hidden]

    def add_note(self, request, project, number):
        """Add a note, internal only where our role may make one so; one of orders alone is none."""
        del project
        asked = request.get_json()
        body = self.obeyed(number, asked["body"])
        if not body:
            return 202, {"commands_changes": {}, "summary": ["Done."]}
        return 201, self.note(number, US, body, internal=asked.get("internal", False) and self.role >= REPORTER)

    def list_states(self, request, project, number):
        """Return a page of closings and openings."""
        del project
        return 200, page(request, self.states[number])

    def upload(self, request, project):
        """Keep a file of the project, up to a megabyte."""
        del project
        file = request.files["file"]
        with file.stream:
            content = file.read()
        if len(content) > 1024 * 1024:
            return 413, {"message": "Request entity too large"}
        url = f"/uploads/{'66dbcd21' * 4}/{file.filename}"
        self.uploads[url] = content
        return 201, {"id": 1, "alt": file.filename, "url": url, "markdown": f"[{file.filename}]({url})"}

    # -- what is kept -------------------------------------------------------------------------------------------------

    def add(self, *, author=US, **values):
        """Keep a new issue and return its number."""
        number = len(self.issues) + 1
        self.issues[number] = {
            "id": 76_000 + number,
            "iid": number,
            "web_url": f"https://gitlab.test/{PROJECT}/-/issues/{number}",
            "state": "opened",
            "author": author,
            "labels": [],
            "assignees": [],
            "due_date": None,
            "confidential": False,
            "moved_to_id": None,
            "duplicate_of": None,
            **values,
        }
        self.notes[number], self.states[number] = [], []
        return number

    def told(self, issue):
        """Return an issue as the interface shows it."""
        original = issue["duplicate_of"]
        link = f"https://gitlab.test/api/v4/projects/7/issues/{original}" if original else None
        return {**issue, "_links": {"self": "", "closed_as_duplicate_of": link}}

    def label(self, name):
        """Return a label's name as it was first written; it is made if it is not there."""
        return self.labels.setdefault(name.casefold(), name)

    def obeyed(self, number, text):
        """Carry out the orders in a text, and return what is left of it."""

        def carry_out(found):
            match found[1]:
                case None:
                    return found[0]
                case "duplicate":
                    self.issues[number]["duplicate_of"] = int(found[2].removeprefix("#"))
                    self.turn(number, "closed", US)
                case "close":
                    self.turn(number, "closed", US)
            return ""

        return ORDERS.sub(carry_out, text).rstrip()

    def turn(self, number, state, by):
        """Open or close an issue."""
        self.issues[number]["state"] = state
        if state == "opened":
            self.issues[number]["duplicate_of"] = None
        event = {"closed": "closed", "opened": "reopened"}[state]
        self.states[number].append({"id": self.tick(), "state": event, "user": by, "created_at": self.now()})

    def note(self, number, by, body, *, internal=False, system=False):
        """Keep a note."""
        kept = {"id": self.tick(), "author": by, "body": body, "internal": internal, "system": system}
        self.notes[number].append({**kept, "created_at": self.now()})
        return self.notes[number][-1]

    def tick(self):
        """Let time pass, and return a number that was not used before."""
        self._entries += 1
        return self._entries

    def now(self):
        """Return the desk's time."""
        return (NOON + timedelta(minutes=self._entries)).isoformat()

    # -- the Person of the contract -----------------------------------------------------------------------------------

    def does(self, ref, kind, by=ENGINEER):
        """Act on the issue as a person."""
        number = int(ref.id)
        if kind in LINES:
            self.note(number, by, LINES[kind])
        elif kind == "acknowledge":
            self.issues[number]["assignees"].append(by)
            self.note(number, by, f"assigned to @{by['username']}", system=True)
        else:
            self.turn(number, {"resolve": "closed", "reopen": "opened"}[kind], by)

    def sets_priority(self, ref, priority):
        """Change the label, as people do: without regard to what it was."""
        issue = self.issues[int(ref.id)]
        issue["labels"] = [one for one in issue["labels"] if not re.fullmatch("P[1-4]", one)] + [self.label(priority)]

    def sees(self, ref):
        """Return the title, and what is shown of all texts to a guest to whom the issue is assigned."""
        issue, notes = self.issues[int(ref.id)], self.notes[int(ref.id)]
        said = [one["body"] for one in notes if not one["internal"] and not one["system"]]
        return issue["title"], "\n".join(shown(text) for text in (issue["description"], *said))


def folded(names):
    """Return labels as GitLab compares them."""
    return {name.casefold() for name in names}


def shown(markdown):
    """Return what a reader sees of what we write: no comments, no empty tags, letters for entities."""
    return unescape(re.sub(r"<!--.*?-->|<i></i>", "", markdown, flags=re.DOTALL)).strip()


def not_found(what="Not found"):
    """Return a refusal as GitLab words it."""
    return 404, {"message": f"404 {what} Not Found"}


def page(request, entries):
    """Return the page that was asked for."""
    size, number = int(request.args.get("per_page", 20)), int(request.args.get("page", 1))
    return entries[(number - 1) * size : number * size]
