"""As much of Redmine as opening tickets and commenting on them needs, for measuring: the real one would measure itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from werkzeug import Request
from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer

US = {"id": 1, "login": "foretell", "admin": True}
#: what the client is configured with
KEY_FIELD, HOST_FIELD, TRACKER = 1, 2, 3


def configure(folder: Path, desk: str, url: str, **options: str) -> Path:
    """Write a configuration into `folder` whose tickets go to the stand-in at `url`, called `desk`; return its path."""
    token, path = folder / "token", folder / "foretell.toml"
    token.write_text("a-token")
    more = "".join(f'{name} = "{value}"\n' for name, value in options.items())
    path.write_text(f"""
        delivery.desk = "{desk}"
        secrets.redmine = "{token}"
        [desks.{desk}]
        client = "redmine"
        url = "{url}"
        project = "preventive"
        tracker = {TRACKER}
        key_field = {KEY_FIELD}
        host_field = {HOST_FIELD}
        {more}
    """)
    return path


class FakeRedmine(FakeDesk):
    """One project. latency: seconds before it answers anything."""

    routes: ClassVar[list[Rule]] = [
        Rule("/users/current.json", endpoint="us"),
        Rule("/projects/<name>.json", endpoint="project"),
        Rule("/projects/<name>/issues.json", endpoint="search"),
        Rule("/issues.json", methods=["POST"], endpoint="create"),
        Rule("/issues/<int:number>.json", methods=["GET"], endpoint="read"),
        Rule("/issues/<int:number>.json", methods=["PUT"], endpoint="change"),
    ]

    def __init__(self, latency: float = 0.0) -> None:
        super().__init__()
        self.issues: dict[int, dict[str, Any]] = {}
        self._by_key: dict[str, list[int]] = {}
        self.before = lambda _: time.sleep(latency)

    def us(self, _: Request) -> Any:
        """Tell who asks."""
        return answer(200, {"user": US})

    def project(self, _: Request, name: str) -> Any:
        """Tell of the project."""
        return answer(200, {"project": {"id": 1, "name": name, "trackers": [{"id": TRACKER}]}})

    def search(self, request: Request, name: str) -> Any:
        """Find by key; nothing else is looked for."""
        del name
        found = [self.issues[one] for one in self._by_key.get(request.args.get(f"v[cf_{KEY_FIELD}][]", ""), [])]
        return answer(200, {"issues": found, "total_count": len(found)})

    def create(self, request: Request) -> Any:
        """Make an issue."""
        asked = request.get_json()["issue"]
        number = len(self.issues) + 1
        self.issues[number] = {
            "id": number,
            "status": {"id": 1, "name": "New"},
            "priority": {"id": asked["priority_id"]},
            "tracker": {"id": asked["tracker_id"]},
            "custom_fields": asked["custom_fields"],
            "due_date": asked["due_date"],
            "description": asked["description"],
            "journals": [],
        }
        [key] = [one["value"] for one in asked["custom_fields"] if one["id"] == KEY_FIELD]
        self._by_key.setdefault(key, []).append(number)
        return answer(201, {"issue": self.issues[number]})

    def read(self, _: Request, number: int) -> Any:
        """Tell of an issue."""
        return answer(200, {"issue": self.issues[number]})

    def change(self, request: Request, number: int) -> Any:
        """Write a note."""
        journals = self.issues[number]["journals"]
        notes = request.get_json()["issue"]["notes"]
        journals.append({"id": len(journals) + 1, "user": US, "created_on": "2026-12-01T12:00:00Z", "notes": notes})
        return answer(204)
