"""A fleet on paper: notifications as Alertmanager sends them, and a relay's words and tickets over a desk in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.configuration.settings import Settings
from agent.relay.group import Group, group_of
from agent.relay.notification import parse
from agent.relay.tickets import GroupTickets
from agent.system.host import HostIdentity
from agent.wording.context import RenderContext
from agent.wording.fleet import FleetWording
from ticketing_clients import Customer, Device, Document, Paragraph, ProposedWindow, ServiceTimes, Ticket
from ticketing_clients._alertmanager.labels import annotations_of, labels_of

NOW = 1_790_000_000.0
CUSTOMER, CASE_KEY = "acme", "a" * 64


def iso(moment: float) -> str:
    """Return a time as Alertmanager writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def alert(
    number: int, *, since: float = NOW - 600, ended: float | None = None, end: str = "", **labels: str
) -> dict[str, Any]:
    """Return an alert of host `number`; `ended` when it is resolved, `end` why, by its agent."""
    annotations = {"summary": f"/var on web{number:02} may be full"} | ({"foretell_end": end} if end else {})
    own = {"alertname": "ForetellDiskSpace", "rule": "disk_space", "site": "berlin", "host": f"web{number:02}"}
    return {
        "status": "firing" if ended is None else "resolved",
        "labels": own | {"priority": "P3"} | labels,
        "annotations": annotations,
        "startsAt": iso(since),
        "endsAt": "0001-01-01T00:00:00Z" if ended is None else iso(ended),
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
    }


def notification(*alerts: dict[str, Any], labels: dict[str, str] | None = None, **more: Any) -> bytes:
    """Return the body of a webhook."""
    firing = any(one["status"] == "firing" for one in alerts)
    body = {
        "version": "4",
        "groupKey": '{}/{rule="disk_space"}:{site="berlin"}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "foretell",
        "groupLabels": labels or {"rule": "disk_space", "site": "berlin"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
    }
    return json.dumps(body | more).encode()


def group(*alerts: dict[str, Any], **more: Any) -> Group:
    """Return the group of such a webhook."""
    return group_of(parse(notification(*alerts, **more)), CUSTOMER)


def words(language: str = "en", labels: tuple[str, ...] = ("rack",)) -> FleetWording:
    """Return the relay's words."""
    settings = Settings()
    settings = type(settings)(customer=type(settings.customer)(language=language))
    context = RenderContext(
        settings=settings,
        host=HostIdentity(id="relay", name="relay", os=""),
        zone=ZoneInfo("UTC"),
        now=NOW,
    )
    return FleetWording(context, "relay", labels)


class Said:
    """What Alertmanager's cluster says of a group."""

    def __init__(self, *, muted: bool = False, fires: tuple[bool, ...] = ()) -> None:
        self.muted, self.fires = muted, fires

    def mutes_any(self, _: Group) -> bool:
        return self.muted

    def members_with(self, _: Group) -> list[bool]:
        return list(self.fires)


class Front:
    """A relay's tickets at a desk in memory, and the time."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.now = NOW
        self.tickets = GroupTickets(lambda: desk, words(), Settings().cases, lambda: self.now)

    def told(
        self, *alerts: dict[str, Any], muted: bool = False, fires: tuple[bool, ...] = (), **more: Any
    ) -> tuple[str, ...]:
        """Carry out a notification, and return what was done. fires: what the members say of the group."""
        return self.tickets.carry_out(group(*alerts, **more), Said(muted=muted, fires=fires)).deeds


WINDOW = ProposedWindow(
    start=datetime.fromtimestamp(NOW + 3600, UTC),
    end=datetime.fromtimestamp(NOW + 7200, UTC),
    zone="UTC",
    reason="quiet",
)
TICKET = Ticket(
    key=CASE_KEY,
    rule="disk_space",
    subject="/var",
    type="capacity",
    title="/var on web01 is full on Thursday; we suggest clearing it",
    body=Document((Paragraph("It will be full."),)),
    priority="P2",
    device=Device(id="h1", name="web01"),
    customer=Customer(id="acme", name="Acme"),
    language="en",
    service_times=ServiceTimes(
        first_response_due=datetime.fromtimestamp(NOW, UTC), fix_due=datetime.fromtimestamp(NOW + 9, UTC)
    ),
    windows=(WINDOW,),
)


def of_an_agent(ticket: Ticket = TICKET) -> dict[str, Any]:
    """Return the alert that the agent's own client makes of a ticket."""
    return alert(1) | {"labels": labels_of(ticket, {"site": "berlin"}), "annotations": annotations_of(ticket)}
