"""A ticket that tests the way to a desk: plainly marked as a test, read back, and resolved again where the desk can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from agent.configuration.settings import Settings
from agent.system.host import HostIdentity
from ticketing_clients import (
    Customer,
    Device,
    Document,
    Facts,
    Paragraph,
    ServiceTimes,
    Ticket,
    TicketingClient,
    TicketRef,
)
from ticketing_clients._ticket import WORKING

TEST_MARK = "[TEST]"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the test. seen: it was read back. resolved: it is over again, as far as the desk tells."""

    ref: TicketRef
    seen: bool
    resolved: bool


def try_desk(client: TicketingClient, host: HostIdentity, settings: Settings, now: float) -> Trial:
    """Open a test ticket, look at it, and resolve it. `now` is unix seconds. Raises DeskError."""
    can, ref = client.capabilities, client.open(trial_ticket(host, settings, now))
    if can.read:
        client.read(ref)
    if can.resolve:
        client.resolve(ref)
    return Trial(
        ref=ref, seen=can.read, resolved=can.resolve and (not can.read or client.read(ref).status not in WORKING)
    )


def trial_ticket(host: HostIdentity, settings: Settings, now: float) -> Ticket:
    """Return the ticket. Its host marker is not the host's own, so that no agent ever takes it for a case."""
    at = datetime.fromtimestamp(now, UTC)
    customer = settings.customer
    said = Paragraph(
        "This is a test of the connection between Foretell and this desk. Nothing is wrong; please do nothing."
    )
    facts = Facts((("Host", host.name), ("System", host.os), ("Made", f"{at:%Y-%m-%d %H:%M} UTC, by `foretell init`")))
    return Ticket(
        key=sha256(f"foretell test {host.id} {now}".encode()).hexdigest(),
        rule="test",
        subject=host.name,
        type="software",
        title=f"{TEST_MARK} Foretell on {host.name} can open tickets here",
        body=Document((said, facts)),
        priority="P4",
        device=Device(id=f"{host.id}-test", name=host.name),
        customer=Customer(id=customer.id, name=customer.name, contact=customer.contact, tier=customer.tier),
        language="en",
        service_times=ServiceTimes(first_response_due=at + timedelta(days=1), fix_due=at + timedelta(days=10)),
    )
