"""What holds for all tests, and the real desks that several groups use: started once per session, stopped at its end."""

from __future__ import annotations

import html.parser
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
import requests

# Failures inside the shipped contract suites show their values like any other test's; before anybody imports them.
pytest.register_assert_rewrite("collectors.contract", "ticketing_clients.contract")

# A busy machine is not a failure anywhere, and CI tries the same examples each time: a red run is then about the change.
hypothesis.settings.register_profile("foretell", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "foretell")

SCRIPTS = Path(__file__).parent / "desks"

# What a person's act is at Request Tracker: how the engineer brings it about.
STATUSES = {"acknowledge": "open", "defer": "stalled", "wont_fix": "rejected", "resolve": "resolved", "reopen": "open"}
LINES = {"reply": "thank you", "confirm": "it is well\nforetell: confirm", "accept_window": "foretell: accept 1"}


@dataclass(frozen=True)
class RequestTrackerDesk:
    """A running Request Tracker: its address, the agent's token, and people who use it over the same interface."""

    url: str
    token: str
    queue: str
    people: dict[str, tuple[str, str]]

    def ask(self, method, path, *, who="engineer", **content):
        """Make a request as a person; return the decoded answer."""
        response = requests.request(method, f"{self.url}/REST/2.0/{path}", auth=self.people[who], timeout=30, **content)
        response.raise_for_status()
        return response.json()

    def say(self, ref, text, *, public=True, media_type="text/plain", who="engineer"):
        """Write on a ticket as a person."""
        way = "correspond" if public else "comment"
        self.ask("POST", f"ticket/{ref.id}/{way}", who=who, json={"Content": text, "ContentType": media_type})

    def set(self, ref, *, who="engineer", **values):
        """Change a ticket as a person."""
        return self.ask("PUT", f"ticket/{ref.id}", who=who, json=values)

    # -- the Person of the contract ---------------------------------------------------------------------------------

    def does(self, ref, kind):
        """Act on the ticket as the engineer."""
        if kind in LINES:
            self.say(ref, LINES[kind])
        else:
            self.set(ref, Status=STATUSES[kind])

    def sets_priority(self, ref, priority):
        """Set RT's number for `priority`."""
        self.set(ref, Priority={"P1": 100, "P2": 80, "P3": 50, "P4": 20}[priority])

    def sees(self, ref):
        """Return the title and what was written to the customer."""
        title = self.ask("GET", f"ticket/{ref.id}")["Subject"]
        events = self.ask("GET", f"ticket/{ref.id}/history", params={"fields": "Type", "per_page": 100})["items"]
        public = {event["id"] for event in events if event["Type"] in {"Create", "Correspond"}}
        fields = {"fields": "TransactionId,ContentType,Content", "per_page": 100}
        written = self.ask("GET", f"ticket/{ref.id}/attachments", params=fields)["items"]
        texts = [
            one["Content"] for one in written if one["TransactionId"] in public and one["ContentType"] == "text/plain"
        ]
        return title, "\n".join(texts)


# What a person's act is at Redmine: the status that the engineer sets, by the default data's ids.
REDMINE_STATUSES = {"acknowledge": 2, "defer": 4, "wont_fix": 6, "resolve": 3, "reopen": 2}


@dataclass(frozen=True)
class RedmineDesk:
    """A running Redmine: its address, the agent's API key, and people who use it over the same interface."""

    url: str
    token: str
    project: str
    people: dict[str, tuple[str, str]]

    def ask(self, method, path, *, who="engineer", **content):
        """Make a request as a person; return the decoded answer, None for an empty one."""
        response = requests.request(method, f"{self.url}/{path}", auth=self.people[who], timeout=60, **content)
        response.raise_for_status()
        return response.json() if response.content else None

    def set(self, ref, *, who="engineer", **values):
        """Change an issue as a person."""
        self.ask("PUT", f"issues/{ref.id}.json", who=who, json={"issue": values})

    def format_text_as(self, formatting):
        """Set the desk's "Text formatting", which only its own form can."""
        with requests.Session() as session:
            for path, values in (
                ("login", dict(zip(("username", "password"), self.people["admin"], strict=True))),
                ("settings/edit", {"settings[text_formatting]": formatting}),
            ):
                form = session.get(f"{self.url}/{path.removesuffix('/edit')}", timeout=60).text
                values["authenticity_token"] = re.search(r'name="csrf-token" content="([^"]+)"', form)[1]
                session.post(f"{self.url}/{path}", data=values, timeout=60).raise_for_status()

    def shown(self, ref, who="customer"):
        """Return what an issue's page shows a person of what was written: the text, the tags in it, where links lead."""
        page = requests.get(f"{self.url}/issues/{ref.id}", auth=self.people[who], timeout=60)
        page.raise_for_status()
        written = _Written()
        written.feed(page.text)
        return "".join(written.text), written.tags, written.links

    # -- the Person of the contract ---------------------------------------------------------------------------------

    def does(self, ref, kind):
        """Act on the issue as the engineer."""
        self.set(ref, **({"notes": LINES[kind]} if kind in LINES else {"status_id": REDMINE_STATUSES[kind]}))

    def sets_priority(self, ref, priority):
        """Set the default data's id for `priority`."""
        self.set(ref, priority_id={"P1": 4, "P2": 3, "P3": 2, "P4": 1}[priority])

    def sees(self, ref):
        """Return the subject and what the customer's page shows of description and notes."""
        return self.ask("GET", f"issues/{ref.id}.json", who="customer")["issue"]["subject"], self.shown(ref)[0]


class _Written(html.parser.HTMLParser):
    """Collects what stands in the parts of a Redmine page that people wrote (class "wiki")."""

    def __init__(self):
        super().__init__()
        self.text, self.tags, self.links, self._divs = [], set(), set(), 0

    def handle_starttag(self, tag, attrs):
        if self._divs:
            self.tags.add(tag)
            self.links |= {value for name, value in attrs if name in {"href", "src"}}
        if tag == "div" and (self._divs or "wiki" in (dict(attrs).get("class") or "").split()):
            self._divs += 1

    def handle_endtag(self, tag):
        if tag == "div" and self._divs:
            self._divs -= 1

    def handle_data(self, data):
        if self._divs:
            self.text.append(data)


@pytest.fixture(scope="session")
def request_tracker():
    """A real Request Tracker with an empty queue. Skips, saying why, where it can be neither found nor installed."""
    for values, people in _running("request_tracker", "/usr/share/request-tracker5/libexec/rt-server"):
        yield RequestTrackerDesk(values["URL"], values["TOKEN"], values["QUEUE"], people)


@pytest.fixture(scope="session")
def redmine():
    """A real Redmine with an empty project. Skips, saying why, where it can be neither found nor installed."""
    if os.geteuid() != 0:
        pytest.skip("needs root: Debian keeps Redmine's instances where only root writes")
    for values, people in _running("redmine", "/usr/share/redmine/config.ru"):
        yield RedmineDesk(values["URL"], values["API_KEY"], values["PROJECT"], people)


def _running(name: str, part: str) -> Iterator[tuple[dict[str, str], dict[str, tuple[str, ...]]]]:
    """Start the desk of the script `name` as it was first made, yield what it says and its people, stop it at the end."""
    if not Path(part).exists() and (os.geteuid() != 0 or shutil.which("apt-get") is None):
        pytest.skip(f"needs {part}: run as root on Debian, where it can be installed")
    said = dict(line.split("=", 1) for line in _run(name, "reset").splitlines())
    people = {
        who: tuple(said[who.upper()].split(":", 1)) for who in ("engineer", "customer", "admin") if who.upper() in said
    }
    yield said, people
    _run(name, "stop")


def _run(name, verb):
    done = subprocess.run([str(SCRIPTS / f"{name}.sh"), verb], capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        pytest.fail(f"{name}.sh {verb}: {done.stderr.strip()}", pytrace=False)
    return done.stdout
