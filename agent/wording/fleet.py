"""A group of alerts from many hosts in words: its ticket, and what is said on it. Used by the Relay only.

A group of one member is the ticket that the member's own agent wrote; of many, only what the agents let out of each.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec

from agent.configuration.config import shipped_summaries
from agent.relay.common_cause import CommonCause, common_cause
from agent.relay.group import LISTED, Group, Member
from agent.wording.context import RenderContext
from agent.wording.lines import parse, unmark
from agent.wording.render import customer_of, service_policy, wording_of
from ticketing_clients import (
    Comment,
    Device,
    Document,
    Heading,
    Priority,
    ProposedWindow,
    ServiceTimes,
    Ticket,
    TicketType,
)
from ticketing_clients._alertmanager import labels as on
from ticketing_clients._alertmanager.reading import document_of

#: what a comment on a group's ticket is about: the name of its template in `templates/fleet`
FleetTopic = Literal["members", "well", "over", "back", "not_fixed", "not_agreed"]
#: what is said where the members are not known, or do not matter
FleetNotice = Literal["closed", "agreed", "ended"]


class FleetWording:
    """How the relay of one customer puts groups into words. marker: by which all of its tickets are listed at the desk."""

    def __init__(self, context: RenderContext, marker: str, cause_labels: tuple[str, ...]) -> None:
        """Given what rendering needs (`context.host` is the relay's own), the marker, and which labels name a cause."""
        self._context = context
        self._marker = marker
        self._cause_labels = cause_labels
        self._said = wording_of(context)

    def ticket(self, group: Group, now: float) -> Ticket:
        """Return the ticket that `group` opens at `now` (unix seconds)."""
        own = group.founder.ticket if len(group.members) == 1 and not group.unlisted else None
        device = Device(id=self._marker, name=_computer(group))
        if own is not None:
            return msgspec.structs.replace(own, key=group.key, device=device_of(own, self._marker))
        context = self._at(now)
        values = self._values(group, now)
        title, _, body = self._said.write("fleet/ticket", values).strip().partition("\n")
        rules = sorted({member.rule for member in group.members if member.rule})
        return Ticket(
            key=group.key,
            rule=rules[0] if len(rules) == 1 else "",
            subject=values["name"],
            type=values["type"],
            title=unmark(title),
            body=parse(body),
            priority=group.priority,
            device=device,
            customer=customer_of(context.settings),
            language=self._said.language,
            service_times=_service_times(group.priority, group.crossing, context),
            crossing=_utc(group.crossing),
            windows=values["windows"],
            labels=("foretell", "foretell-group"),
        )

    def comment(self, group: Group, topic: FleetTopic, marker: str, now: float) -> Comment:
        """Return what is said of `group` on `topic`. The table of members is the engineer's, all else the customer's too."""
        body = parse(self._said.write(f"fleet/{topic}", self._values(group, now)))
        windows = windows_of(group) if topic in {"back", "not_agreed"} else ()
        return Comment(marker=marker, body=body, public=topic != "members", windows=windows)

    def notice(self, topic: FleetNotice, marker: str, now: float, **more: object) -> Comment:
        """Return what is said on `topic`, with `more` in it."""
        values = {"now": now, "zone": self._context.zone, **more}
        return Comment(marker=marker, body=parse(self._said.write(f"fleet/{topic}", values)), public=True)

    def cause(self, group: Group) -> CommonCause:
        """Return what the members of `group` that fire have in common."""
        return common_cause(
            [one.labels for one in group.firing],
            [one.since for one in group.firing],
            group.labels,
            self._cause_labels,
        )

    def _at(self, now: float) -> RenderContext:
        return msgspec.structs.replace(self._context, now=now)

    def _values(self, group: Group, now: float) -> dict[str, Any]:
        shown = group.members if not group.firing else (*group.firing, *group.ended)
        rules = {member.rule for member in group.members}
        types = {member.labels.get(on.TYPE, "") for member in group.members}
        computers = max(len(group.hosts), 1)
        named = types.pop() if len(types) == 1 else ""
        type_: TicketType = next((one for one in get_args(TicketType) if one == named), "capacity")
        return {
            "group": group,
            "host": Device(id=self._marker, name=_computer(group)),
            "what": "",
            "customer": self._context.settings.customer,
            "computers": computers,
            "name": _name(group),
            "summary": _summaries().get(rules.pop(), "") if len(rules) == 1 else "",
            "listed": shown[:LISTED],
            "more": len(shown[LISTED:]) + group.unlisted,
            "unmeasured": any(member.unmeasured for member in group.members),
            "cause": self.cause(group),
            "crossing": group.crossing,
            "windows": windows_of(group),
            "type": type_,
            "now": now,
            "zone": self._context.zone,
            "version": self._context.version,
        }


def device_of(ticket: Ticket, marker: str) -> Device:
    """Return the device of an agent's ticket as the relay lists it."""
    return msgspec.structs.replace(ticket.device, id=marker)


def windows_of(group: Group) -> tuple[ProposedWindow, ...]:
    """Return the times that the ticket of `group` proposes: its founder's."""
    ticket = group.founder.ticket
    return ticket.windows if ticket else ()


def said_by(member: Member, *, alone: bool) -> Comment:
    """Return what the agent of a member said to the customer last, under the host's name unless the ticket is its `alone`."""
    marker, text = member.comment or ("", "")
    body = document_of(text)
    if not alone:
        body = Document((Heading(member.host or member.rule), *body.blocks))
    return Comment(marker=marker, body=body, public=True)


def _computer(group: Group) -> str:
    """Return what stands for a host's name: the only one, or the group's."""
    return group.hosts[0] if len(group.hosts) == 1 else _name(group)


def _name(group: Group) -> str:
    return ", ".join(f"{label}={value}" for label, value in sorted(group.labels.items())) or "alerts"


def _service_times(urgency: Priority, crossing: float | None, context: RenderContext) -> ServiceTimes:
    dues = service_policy(context).dues(urgency, context.now, deadline=crossing, not_before=None, earlier=None)
    return ServiceTimes(
        first_response_due=datetime.fromtimestamp(dues.answer, UTC), fix_due=datetime.fromtimestamp(dues.fix, UTC)
    )


def _utc(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


@functools.cache
def _summaries() -> dict[str, str]:
    return shipped_summaries()
