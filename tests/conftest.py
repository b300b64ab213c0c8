"""What holds for all tests, and the real desks that several groups use: started once per session, stopped at its end."""

from __future__ import annotations

import os
import shutil
import subprocess
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

SCRIPT = Path(__file__).parent / "desks" / "request_tracker.sh"

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


@pytest.fixture(scope="session")
def request_tracker():
    """A real Request Tracker with an empty queue. Skips, saying why, where it can be neither found nor installed."""
    installed = Path("/usr/share/request-tracker5/libexec/rt-server").exists()
    if not installed and (os.geteuid() != 0 or shutil.which("apt-get") is None):
        pytest.skip("needs Request Tracker 5: run as root on Debian, where it can be installed")
    values = dict(line.split("=", 1) for line in _run("reset").splitlines())
    people = {name: tuple(values[name.upper()].split(":", 1)) for name in ("engineer", "admin")}
    yield RequestTrackerDesk(values["URL"], values["TOKEN"], values["QUEUE"], people)
    _run("stop")


def _run(verb):
    done = subprocess.run([str(SCRIPT), verb], capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        pytest.fail(f"{SCRIPT.name} {verb}: {done.stderr.strip()}", pytrace=False)
    return done.stdout
