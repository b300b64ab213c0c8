"""One member of an Alertmanager as its interface (version 2) has it, on loopback: for what need not be seen at the real one.

What it does with times is from Alertmanager's source (`provider/mem`, `types.Alert`): an alert is its labels, and stands until
its end by the member's own clock.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import ClassVar

import msgspec
from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer
from ticketing_clients._alertmanager.labels import Alert

_MATCHER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class FakeAlertmanager(FakeDesk):
    """Keeps what it is told, request by request. peers: how many members it says that it knows. login: what it wants to see."""

    routes: ClassVar[list[Rule]] = [
        Rule("/api/v2/alerts", endpoint="take", methods=["POST"]),
        Rule("/api/v2/alerts", endpoint="list", methods=["GET"]),
        Rule("/api/v2/status", endpoint="status", methods=["GET"]),
    ]

    def __init__(self):
        super().__init__()
        self.peers = 1
        self.login = ""
        self.alerts: dict[tuple, Alert] = {}
        self.told: list[list[Alert]] = []

    @property
    def now(self):
        return datetime.fromtimestamp(time.time() + self.ahead, UTC)

    def authorised(self, request):
        return self.login in ("", request.headers.get("Authorization"))

    def restart(self):
        """Forget everything, as the real one does."""
        self.alerts.clear()

    def standing(self, key=None):
        """Return the alerts that stand, or those of one case."""
        return [one for one in self.alerts.values() if one.ends_at > self.now and key in (None, one.key)]

    def take(self, request):
        told = msgspec.json.decode(request.get_data(), type=list[Alert])
        if wrong := [one for one in told if one.starts_at > one.ends_at]:
            return answer(400, {"message": f"start time must be before end time: {wrong[0].labels}"})
        self.told.append(told)
        self.alerts |= {tuple(sorted(one.labels.items())): one for one in told}
        return answer(200)

    def list(self, request):
        [name, text] = _MATCHER.fullmatch(request.args["filter"]).groups()
        text = re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), text)
        found = [msgspec.to_builtins(one) for one in self.standing() if one.labels.get(name) == text]
        return answer(200, found)

    def status(self, request):
        del request
        peers = [{"name": f"peer{number}", "address": "127.0.0.1:1"} for number in range(self.peers)]
        said = {"cluster": {"status": "ready", "peers": peers}, "versionInfo": {"version": "0.25.0"}}
        return answer(200, said)

    # -- the Person of the contract -----------------------------------------------------------------------------------

    def sees(self, ref):
        """Return the title, and what there is to read."""
        [alert] = self.standing(ref.id)
        said = alert.annotations
        return said["summary"], "\n".join([said["description"], said.get("comment", "")]).rstrip("\n")
