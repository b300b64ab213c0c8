"""From the ticket back: a window that a person accepts mutes its group at Alertmanager, and hides neither worse nor the end."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import requests

from fleet import CASE_KEY, TICKET
from fleet_desk import FleetDesk
from fleet_parts import AGENTS_SECRET, Fleet, wait_until
from ticketing_clients import ProposedWindow, Ticket
from ticketing_clients._alertmanager.labels import END, annotations_of, labels_of

pytestmark = pytest.mark.fleet


def tell(fleet: Fleet, ticket: Ticket, began: datetime, end: str = "") -> None:
    """Tell the cluster of an agent's alert, or that it ended."""
    now = datetime.now(UTC)
    notes = annotations_of(ticket) | ({END: end} if end else {})
    until = now - timedelta(seconds=1) if end else now + timedelta(minutes=10)
    alert = {
        "labels": labels_of(ticket, {"site": "berlin"}),
        "annotations": notes,
        "startsAt": began.isoformat(),
        "endsAt": until.isoformat(),
    }
    fleet.tell(alert)


def silences(fleet: Fleet) -> list[str]:
    """How the silences stand, at each member the same."""
    [one, other] = [[one["status"]["state"] for one in member.ask("api/v2/silences")] for member in fleet.members]
    return one if one == other else []


def asked(fleet: Fleet) -> requests.Response:
    """Ask the relay for the case as its agent does."""
    headers = {"Authorization": f"Bearer {AGENTS_SECRET}"}
    return requests.get(f"{fleet.balancer.url}/v1/cases/{CASE_KEY}", headers=headers, timeout=30)


def test_an_accepted_window_mutes_the_group_until_it_gets_worse_or_ends(fleet: Fleet, desk: FleetDesk):
    began = datetime.now(UTC) - timedelta(minutes=1)
    window = ProposedWindow(
        start=datetime.now(UTC) + timedelta(seconds=5),
        end=datetime.now(UTC) + timedelta(minutes=5),
        zone="UTC",
        reason="night",
    )
    ticket = msgspec.structs.replace(TICKET, windows=(window,), priority="P3")
    tell(fleet, ticket, began)
    wait_until(lambda: desk.issues)
    desk.write(1, "That suits us.\nforetell: accept 1")
    wait_until(lambda: silences(fleet) == ["active"])
    [silence] = fleet.members[0].ask("api/v2/silences")
    assert silence["createdBy"] == "Ann on ticket 1"
    assert {"name": "priority", "value": "P3|P4", "isRegex": True, "isEqual": True} in silence["matchers"]

    def heard() -> bool:
        """What the relay remembers of a ticket lasts a minute."""
        answer = asked(fleet)
        return answer.ok and [act["kind"] for act in answer.json()["ticket"]["acts"]] == ["accept_window"]

    wait_until(heard, 90)

    tell(fleet, ticket, began, "raised")
    tell(fleet, msgspec.structs.replace(ticket, priority="P1"), began)
    wait_until(lambda: desk.issues[1]["priority"]["id"] == 4)

    tell(fleet, msgspec.structs.replace(ticket, priority="P1"), began, "raised")
    tell(fleet, ticket, began)
    time.sleep(3)
    before = len(desk.issues[1]["journals"])
    tell(fleet, ticket, began, "resolved")
    wait_until(lambda: desk.said(1, "is reported as out of order any more"))
    wait_until(lambda: silences(fleet) == ["expired"])
    assert len(desk.issues[1]["journals"]) > before
    assert len(desk.issues) == 1
