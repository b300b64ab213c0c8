"""A wording in no time: tickets and comments with everything that the delivery goes by, and a line where people read pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.consent.levels import lets_out
from agent.following.facts import unpack
from agent.following.model import Operation
from agent.following.routing import ticket_key
from agent.wording.context import RenderContext
from simulator.agent_at_work import PLANTED
from ticketing_clients import (
    Attachment,
    Comment,
    Customer,
    Device,
    Document,
    Paragraph,
    ProposedWindow,
    ServiceTimes,
    Ticket,
)


def plainly(operation: Operation, context: RenderContext) -> Ticket | Comment | Attachment:
    """Return what the desk is asked to hold for `operation`, as `agent.wording.render.render` does."""
    facts = unpack(operation.facts)
    now = datetime.fromtimestamp(context.now, UTC)
    begins = now + timedelta(hours=6)
    window = ProposedWindow(start=begins, end=begins + timedelta(hours=2), zone="Europe/Berlin", reason="at night")
    says = f"{operation.topic} {facts.rule}"
    if lets_out(context.level, "path") and facts.diagnosis:
        says += f" {PLANTED}"
    body = Document((Paragraph(says),))
    if operation.kind == "calendar":
        return Attachment(name=f"{operation.id}.ics", media_type="text/calendar", content=says.encode())
    if operation.kind == "comment":
        return Comment(marker=operation.id, body=body, public=operation.public)
    return Ticket(
        key=ticket_key(operation),
        rule=facts.rule,
        subject=" ".join(facts.subject.values()),
        type=facts.type,
        title=says,
        body=body,
        priority=facts.priority,
        device=Device(id=context.host.id, name=context.host.name),
        customer=Customer(id="acme", name="Acme"),
        language="en",
        service_times=ServiceTimes(first_response_due=now + timedelta(hours=1), fix_due=now + timedelta(days=1)),
        windows=(window,),
    )
