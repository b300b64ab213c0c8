"""Somebody who receives our webhooks on loopback, verifies them as the documentation shows, and does each event once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

from werkzeug.routing import Rule

from fake_desk import FakeDesk, answer

EXAMPLE = Path(__file__).parents[2] / "docs" / "webhook.md"
#: a signing key, as `openssl rand -base64 32` makes one
KEY = "whsec_Zm9yZXRlbGwtdGVzdHMtb25seS1zaWduaW5nLWtleSE="


def documented_verify():
    """Return the function that the documentation gives to receivers, as it stands there."""
    (code,) = re.findall(r"^```python\n(.*?)^```", EXAMPLE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(code, str(EXAMPLE), "exec"), names)  # noqa: S102 - our own documentation is what is tested
    return names["verify"]


class FakeWebhookReceiver(FakeDesk):
    """Keeps what it is told. key: what it verifies with. requests: headers and body as they came. events: each id once."""

    routes: ClassVar[list[Rule]] = [Rule("/hooks/<name>", endpoint="receive", methods=["POST"])]

    def __init__(self, key=KEY):
        super().__init__()
        self.key = key
        self.requests = []
        self.events = {}
        self._verify = documented_verify()

    def receive(self, request, name):
        """Keep an event that is signed and new."""
        del name
        body = request.get_data()
        self.requests.append((dict(request.headers), body))
        try:
            number = self._verify(self.key, request.headers, body)
        except ValueError as error:
            return 401, {"message": str(error)}
        self.events.setdefault(number, json.loads(body))
        return answer(202)

    def told(self, kind):
        """Return the events of one type, in their order."""
        return [event for event in self.events.values() if event["type"] == kind]

    # -- the Person of the contract -----------------------------------------------------------------------------------

    def sees(self, ref):
        """Return the title, and in plain words what the customer may read."""
        (ticket,) = [one["ticket"] for one in self.told("ticket.opened") if one["ticket"]["id"] == ref.id]
        said = [
            one["comment"]["body"]["plain"]
            for one in self.told("ticket.commented")
            if one["ticket"]["id"] == ref.id and one["comment"]["public"]
        ]
        return ticket["title"], "\n".join([ticket["body"]["plain"], *said])
