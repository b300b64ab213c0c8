"""GitHub's issues as its documentation describes them, on loopback: what the client is tested on.

What is listed by a label is only as new as the last `index()`. A person's acts are methods of the desk.
"""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import ClassVar

from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer
from ticketing_clients.contract import NOON, Context
from ticketing_clients.github import PLUGIN

TOKEN = "github_pat_of-the-agent"
US = {"id": 1, "login": "foretell-agent", "type": "User"}
ENGINEER = {"id": 2, "login": "Enya", "type": "User"}
STALE_BOT = {"id": 3, "login": "stale[bot]", "type": "Bot"}
ISSUE = "/repos/<owner>/<repo>/issues/<int:number>"
LINES = {
    "reply": "thank you",
    "confirm": "foretell: confirm",
    "accept_window": "foretell: accept 1",
    "defer": "foretell: defer 2026-12-24",
}
REASONS = {"resolve": "completed", "wont_fix": "not_planned"}


def client_at(url, state_dir, token=TOKEN, **changes):
    """Return a client of the repository, with changed options."""
    options = {"repository": "client/preventive", "url": url} | changes
    return PLUGIN.build(PLUGIN.options(client="github", **options), Context(state_dir, token), "github")


class FakeGitHub(FakeDesk):
    """One private repository. The same account's `permissions` decide what is dropped in silence.

    moved: where the repository is now, if it was renamed. transferred: where issues went, by number. deleted: numbers.
    unassignable: logins that cannot be assigned.
    """

    routes: ClassVar[list[Rule]] = [
        Rule("/user", endpoint="user", methods=["GET"]),
        Rule("/repos/<owner>/<repo>", endpoint="show_repository", methods=["GET"]),
        Rule("/repos/<owner>/<repo>/issues", endpoint="listing", methods=["GET"]),
        Rule("/repos/<owner>/<repo>/issues", endpoint="create", methods=["POST"]),
        Rule(ISSUE, endpoint="show", methods=["GET"]),
        Rule(ISSUE, endpoint="edit", methods=["PATCH"]),
        Rule(f"{ISSUE}/comments", endpoint="comments", methods=["GET"]),
        Rule(f"{ISSUE}/comments", endpoint="add_comment", methods=["POST"]),
        Rule(f"{ISSUE}/labels", endpoint="add_labels", methods=["POST"]),
        Rule(f"{ISSUE}/labels/<path:name>", endpoint="remove_label", methods=["DELETE"]),
        Rule(f"{ISSUE}/timeline", endpoint="timeline", methods=["GET"]),
    ]

    def __init__(self, specification=None):
        super().__init__(specification)
        self.repository = {
            "full_name": "client/preventive",
            "private": True,
            "has_issues": True,
            "archived": False,
            "permissions": {"admin": False, "push": True, "pull": True},
        }
        self.issues = {}
        self.events = {}
        self.indexed = 0
        self.moved = ""
        self.transferred = {}
        self.deleted = set()
        self.unassignable = set()
        self.labels = {}  # the repository's, by their folded names
        self._entries = 0

    def index(self):
        """Make everything that is there findable by its labels."""
        self.indexed = len(self.issues)

    # -- the interface ------------------------------------------------------------------------------------------------

    def authorised(self, request):
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"

    def user(self, request):
        """Return who asks."""
        del request
        return 200, US

    def show_repository(self, request, **_):
        """Return the repository, if it is this one."""
        if self.moved:
            return answer(301, {"message": "Moved Permanently"}, {"Location": self.moved})
        if request.path != f"/repos/{self.repository['full_name']}":
            return 404, {"message": "Not Found"}
        return 200, self.repository

    def listing(self, request, **_):
        """Return a page of issues and pull requests; all labels asked for must be there, and known to the index."""
        if self.moved:
            return answer(301, {"message": "Moved Permanently"}, {"Location": self.moved})
        wanted, state = request.args.get("labels", ""), request.args.get("state", "open")
        creator = request.args.get("creator", "")
        hits = [
            self.told(one) for one in self.issues.values() if one["number"] not in self.deleted | set(self.transferred)
        ]
        hits = [one for one in hits if state in {"all", one["state"]} and creator in {"", one["user"]["login"]}]
        if wanted:
            wanted = {name.casefold() for name in wanted.split(",")}
            hits = [
                one
                for one in hits
                if one["number"] <= self.indexed and wanted <= {label["name"].casefold() for label in one["labels"]}
            ]
        if request.args.get("direction", "desc") == "desc":
            hits.reverse()
        return 200, page(request, hits)

    def create(self, request, **_):
        """Make an issue; what the user may not set is left out without a word."""
        if self.moved:
            return answer(307, {"message": "Temporary Redirect"}, {"Location": self.moved})
        if not self.repository["has_issues"]:
            return 410, {"message": "Issues are disabled for this repo"}
        asked = request.get_json()
        if len(asked["title"]) > 256:
            return refused("title is too long (maximum is 256 characters)")
        if len(asked.get("body", "").encode()) > 262_144:
            return refused("body is too long (maximum is 65536 characters)")
        may = self.repository["permissions"]["push"]
        return 201, self.told(
            self.add(
                title=asked["title"],
                body=asked.get("body"),
                labels=[self.label(name) for name in asked.get("labels", []) if may],
                assignees=[one for one in asked.get("assignees", []) if may and one not in self.unassignable],
            )
        )

    def show(self, request, number, **_):
        """Return an issue, or where it is now, or that it is deleted."""
        del request
        if self.moved:
            return answer(301, {"message": "Moved Permanently"}, {"Location": f"{self.moved}/issues/{number}"})
        if number in self.transferred:
            return answer(301, {"message": "Moved Permanently"}, {"Location": self.transferred[number]})
        if number in self.deleted:
            return 410, {"message": "This issue was deleted"}
        if not self.repository["has_issues"]:
            return 410, {"message": "Issues are disabled for this repo"}
        if number not in self.issues:
            return 404, {"message": "Not Found"}
        return 200, self.told(self.issues[number])

    def edit(self, request, number, **_):
        """Open or close an issue; the reason counts only with a change of state."""
        asked, issue = request.get_json(), self.issues[number]
        if asked["state"] != issue["state"]:
            self.turn(number, asked["state"], asked.get("state_reason"), US, asked.get("duplicate_issue_id"))
        return 200, self.told(issue)

    def comments(self, request, number, **_):
        """Return a page of comments."""
        said = [one for one in self.events[number] if one["event"] == "commented"]
        return 200, page(request, said)

    def add_comment(self, request, number, **_):
        """Add a comment, unless only those who may write may speak."""
        if self.issues[number]["locked"] and not self.repository["permissions"]["push"]:
            return 403, {"message": "Unable to create comment because issue is locked."}
        body = request.get_json()["body"]
        if len(body.encode()) > 262_144:
            return refused("Body is too long (maximum is 65536 characters)")
        return 201, self.happens(number, "commented", US, body=body)

    def add_labels(self, request, number, **_):
        """Put labels on."""
        for name in request.get_json()["labels"]:
            self.put_label(number, name)
        return 200, self.told(self.issues[number])["labels"]

    def remove_label(self, request, number, name, **_):
        """Take a label off."""
        del request
        there = self.issues[number]["labels"]
        if name.casefold() not in {one.casefold() for one in there}:
            return 404, {"message": "Label does not exist"}
        self.issues[number]["labels"] = [one for one in there if one.casefold() != name.casefold()]
        return 200, self.told(self.issues[number])["labels"]

    def timeline(self, request, number, **_):
        """Return a page of all that happened, beginning with something that has neither id nor actor."""
        referenced = {"event": "cross-referenced", "created_at": NOON.isoformat(), "source": {}}
        return 200, page(request, [referenced, *self.events[number]])

    # -- what is kept -------------------------------------------------------------------------------------------------

    def add(self, *, user=US, **values):
        """Keep a new issue."""
        number = len(self.issues) + 1
        self.issues[number] = {
            "id": 90_000 + number,
            "number": number,
            "html_url": f"https://github.test/client/preventive/issues/{number}",
            "state": "open",
            "state_reason": None,
            "user": user,
            "locked": False,
            "labels": [],
            "assignees": [],
            **values,
        }
        self.events[number] = []
        return self.issues[number]

    def told(self, issue):
        """Return an issue as the interface shows it."""
        return {
            **issue,
            "labels": [{"id": 1, "name": name} for name in issue["labels"]],
            "assignees": [{"id": 2, "login": login, "type": "User"} for login in issue["assignees"]],
        }

    def label(self, name):
        """Return a label's name as it was first written; it is made if it is not there."""
        return self.labels.setdefault(name.casefold(), name)

    def put_label(self, number, name):
        """Put a label on, once."""
        there = self.issues[number]["labels"]
        if self.label(name) not in there:
            there.append(self.label(name))

    def turn(self, number, state, reason, by, original=None):
        """Open or close an issue."""
        reason = reason or ("completed" if state == "closed" else "reopened")
        self.issues[number] |= {"state": state, "state_reason": reason}
        if original is not None:
            self.happens(number, "marked_as_duplicate", by, canonical=original)
        self.happens(number, "closed" if state == "closed" else "reopened", by, state_reason=reason)

    def happens(self, number, event, by, **values):
        """Keep an entry of an issue's timeline."""
        self._entries += 1
        at = (NOON + timedelta(minutes=self._entries)).isoformat().replace("+00:00", "Z")
        entry = {"event": event, "id": self._entries, "actor": by, "user": by, "created_at": at, **values}
        self.events[number].append(entry)
        return entry

    # -- the Person of the contract -----------------------------------------------------------------------------------

    def does(self, ref, kind, by=ENGINEER):
        """Act on the issue as a person."""
        number = int(ref.id)
        if kind in LINES:
            self.happens(number, "commented", by, body=LINES[kind])
        elif kind == "acknowledge":
            self.issues[number]["assignees"].append(by["login"])
            self.happens(number, "assigned", by)
        elif kind == "reopen":
            self.turn(number, "open", None, by)
        else:
            self.turn(number, "closed", REASONS[kind], by)

    def sets_priority(self, ref, priority):
        """Change the label, as people do: without regard to what it was."""
        number = int(ref.id)
        self.issues[number]["labels"] = [
            one for one in self.issues[number]["labels"] if not re.fullmatch("P[1-4]", one)
        ]
        self.put_label(number, priority)

    def sees(self, ref):
        """Return the title, and what is shown of all texts: everybody sees all."""
        issue = self.issues[int(ref.id)]
        said = [one["body"] for one in self.events[int(ref.id)] if one["event"] == "commented"]
        return issue["title"], "\n".join(shown(text) for text in (issue["body"], *said))


def shown(markdown):
    """Return what a reader sees of what we write: no comments, no empty tags, letters for entities."""
    return unescape(re.sub(r"<!--.*?-->|<i></i>", "", markdown, flags=re.DOTALL)).strip()


def refused(message):
    """Return a refusal as GitHub words it."""
    return 422, {
        "message": "Validation Failed",
        "errors": [{"resource": "Issue", "code": "custom", "message": message}],
    }


def page(request, entries):
    """Return the page that was asked for."""
    size, number = int(request.args.get("per_page", 30)), int(request.args.get("page", 1))
    return entries[(number - 1) * size : number * size]
