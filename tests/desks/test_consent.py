"""Without consent the core alone arrives, at the real desks: what they have of the ticket is the judge."""

from __future__ import annotations

import json

import pytest

from agent.configuration.plugins import TICKETING_CLIENTS
from consent_judge import Judge
from ticketing_clients.contract import Context

pytestmark = pytest.mark.desks


@pytest.fixture
def at_request_tracker(request_tracker, tmp_path):
    """Request Tracker, told as the agent tells it; every field, text and file that it has."""
    plugin = TICKETING_CLIENTS.load("request_tracker")
    options = plugin.options(client="request_tracker", url=request_tracker.url, queue=request_tracker.queue)
    client = plugin.build(options, Context(tmp_path, request_tracker.token), "rt")

    def received() -> str:
        found = []
        for ticket in client.find(judge.key):
            fields = {"fields": "Filename,Content,Subject,Headers", "per_page": 100}
            found.append(request_tracker.ask("GET", f"ticket/{ticket.ref.id}", who="admin"))
            found.append(request_tracker.ask("GET", f"ticket/{ticket.ref.id}/attachments", who="admin", params=fields))
        return json.dumps(found)

    judge = Judge(tmp_path, client, received)
    return judge


@pytest.fixture
def at_redmine(redmine, tmp_path):
    """Redmine in the same way, with all journals."""
    plugin = TICKETING_CLIENTS.load("redmine")
    options = plugin.options(
        client="redmine", url=redmine.url, project="preventive", tracker=3, key_field=1, host_field=2
    )
    client = plugin.build(options, Context(tmp_path, redmine.token), "redmine")

    def received() -> str:
        ids = [ticket.ref.id for ticket in client.find(judge.key)]
        wanted = {"include": "journals,attachments"}
        return json.dumps([redmine.ask("GET", f"issues/{one}.json", who="admin", params=wanted) for one in ids])

    judge = Judge(tmp_path, client, received)
    return judge


@pytest.mark.parametrize("desk", ["at_request_tracker", "at_redmine"])
@pytest.mark.parametrize("situation", ["never", "revoked while queued", "facts"])
def test_what_arrives_is_what_was_consented_to(request, desk, situation):
    """The core alone; and by consent to facts these, so that the judge is not blind."""
    judge = request.getfixturevalue(desk)
    judge.tell_everything(situation)
    facts = {"further number", "path", "program", "unit", "operating system", "serial number"}
    told = facts if situation == "facts" else set()
    assert judge.leaked() == told
