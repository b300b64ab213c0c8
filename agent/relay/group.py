"""A group of alerts as its ticket needs it: members in a lasting order, the key by which the ticket is found. Pure.

A group is known by its receiver and its labels, and not by Alertmanager's `groupKey`: that holds the matchers of the route, so
that every change of a route would open all tickets anew, and Alertmanager's own listing does not tell it (`docs/decisions/0024`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from agent.following.priority import highest
from agent.relay.notification import ListedGroup, Notification
from ticketing_clients import Priority, Ticket
from ticketing_clients._alertmanager import labels as on
from ticketing_clients._alertmanager.reading import NotATicket, ticket_of

#: where alerts that no agent of ours sent say what they are about; the first that is there counts
HOST = (on.HOST, "instance", "node", "hostname")
RULE = (on.RULE, on.NAME)
SAID = (on.SUMMARY, "description", "message", "title")
#: the priority of an alert that says only how severe it is; another word is worth a P3
SEVERITIES: Mapping[str, Priority] = MappingProxyType(
    {"page": "P1", "emergency": "P1", "critical": "P2", "error": "P2", "warning": "P3", "info": "P4", "none": "P4"}
)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a group. Times are unix seconds.

    host: its name for people, empty for an alert that is about none. said: what it is about, in the words of whoever sent it.
    ended: when it was resolved; None while it fires. ending: why, where an agent of ours says so. comment: marker and text of
    what the agent said to the customer last. well: whether it fires only until a person confirms that it is in order. alert:
    all that Alertmanager told of it.
    """

    fingerprint: str
    alert: on.Alert
    host: str = ""
    rule: str = ""
    said: str = ""
    priority: Priority = "P3"
    since: float
    ended: float | None = None
    ending: on.Ending | None = None
    crossing: float | None = None
    comment: tuple[str, str] | None = None
    well: bool = False

    @property
    def case(self) -> str:
        """The key of the agent's case; empty where no agent of ours sent it."""
        return self.labels.get(on.KEY, "")

    @property
    def labels(self) -> dict[str, str]:
        """The alert's labels."""
        return self.alert.labels

    @property
    def ticket(self) -> Ticket | None:
        """What its agent would have opened, read anew each time; None for an alert that no agent of ours sent."""
        try:
            return ticket_of(self.alert)
        except NotATicket:
            return None

    @property
    def replaced(self) -> bool:
        """Whether it ended only because another alert says it louder."""
        return self.ending == "raised"

    @property
    def unmeasured(self) -> bool:
        """Whether it ended because its agent fell silent: nobody has measured that it is over."""
        return self.ended is not None and bool(self.case) and self.ending is None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group as it is now. members: those that began first stand first. unlisted: how many more there are that nobody listed."""

    key: str
    labels: dict[str, str]
    members: tuple[Member, ...]
    unlisted: int = 0

    @property
    def firing(self) -> tuple[Member, ...]:
        """The members that are out of order."""
        return tuple(member for member in self.members if member.ended is None)

    @property
    def ended(self) -> tuple[Member, ...]:
        """The members of which it is news that they ended."""
        return tuple(member for member in self.members if member.ended is not None)

    @property
    def over(self) -> bool:
        """Whether nothing of it is out of order any more."""
        return not self.firing and not self.unlisted

    @property
    def settled(self) -> bool:
        """Whether it is over and each member's own agent closed its case: measured, and confirmed or waited for long enough."""
        return self.over and all(member.ending == "resolved" for member in self.members if not member.replaced)

    @property
    def well(self) -> bool:
        """Whether all that fires is measured well again, and waits for a person."""
        return not self.over and not self.unlisted and all(member.well for member in self.firing)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts, in the members' order."""
        return tuple(dict.fromkeys(member.host for member in self.members if member.host))

    @property
    def priority(self) -> Priority:
        """The most urgent one of those that fire, or of all once it is over."""
        return highest(member.priority for member in self.firing or self.members)

    @property
    def crossing(self) -> float | None:
        """The earliest time at which any of it may happen."""
        return min((one.crossing for one in self.firing or self.members if one.crossing is not None), default=None)

    @property
    def founder(self) -> Member:
        """The member that has been there for longest; its windows are those that the ticket proposes."""
        return (self.firing or self.members)[0]

    @property
    def since(self) -> float:
        """When the first of it began."""
        return self.founder.since

    @property
    def state(self) -> str:
        """What tells this state of the group from another, as 16 hex digits: who is in it since when, who ended when.

        Of large groups only as many members count as tickets list; how many more there are counts in steps, so that a ticket is
        not told of each of a thousand.
        """
        told = [(one.fingerprint, int(one.since), int(one.ended or 0)) for one in self.members[:LISTED]]
        more = len(self.members) - len(told) + self.unlisted
        return hashlib.sha256(json.dumps([told, more.bit_length()]).encode()).hexdigest()[:16]


#: how many members a ticket lists; the rest is counted
LISTED = 20


def group_key(customer: str, receiver: str, group_labels: Mapping[str, str]) -> str:
    """Return the key that the ticket of a group carries: 64 hex digits.

    >>> group_key("acme", "foretell", {"rule": "a", "site": "b"}) == group_key("acme", "foretell", {"site": "b", "rule": "a"})
    True
    """
    text = json.dumps(["foretell group", customer, receiver, sorted(group_labels.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def group_of(notification: Notification, customer: str) -> Group:
    """Return the group that a webhook is about, of the relay's `customer`."""
    return Group(
        key=group_key(customer, notification.receiver, notification.group_labels),
        labels=notification.group_labels,
        members=_in_order(
            member_of(alert, alert.fingerprint, ended=alert.status == "resolved") for alert in notification.alerts
        ),
        unlisted=notification.truncated_alerts,
    )


def group_listed(listed: ListedGroup, customer: str) -> Group:
    """Return the group that Alertmanager lists: only what fires, silenced or not."""
    return Group(
        key=group_key(customer, listed.receiver.name, listed.labels),
        labels=listed.labels,
        members=_in_order(member_of(alert, alert.fingerprint, ended=False) for alert in listed.alerts),
    )


def member_of(alert: on.Alert, fingerprint: str, *, ended: bool) -> Member:
    """Return what an alert says, as far as it can be understood: whatever is missing or wrong is left out."""
    labels, notes = alert.labels, alert.annotations
    comment, marker = notes.get(on.COMMENT, ""), notes.get(on.COMMENT_MARKER, "")
    return Member(
        fingerprint=fingerprint,
        alert=alert,
        host=next((labels[name] for name in HOST if labels.get(name)), ""),
        rule=next((labels[name] for name in RULE if labels.get(name)), ""),
        said=next((" ".join(notes[name].split()) for name in SAID if notes.get(name, "").strip()), ""),
        priority=_priority(labels),
        since=alert.starts_at.timestamp(),
        ended=alert.ends_at.timestamp() if ended else None,
        ending=alert.ending if ended else None,
        crossing=_moment(notes.get(on.CROSSING, "")),
        comment=(marker, comment) if marker and comment else None,
        well=not ended and notes.get(on.WELL) == "true",
    )


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _priority(labels: Mapping[str, str]) -> Priority:
    said = labels.get(on.PRIORITY, "").upper()
    own = next((one for one in on.PRIORITIES if one == said), None)
    return own or SEVERITIES.get(labels.get("severity", "").lower(), "P3")


def _in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return `members` so that whoever came later stands later, and two looks agree on the first ones.

    One that only made room for another alert is left out where there is any other.
    """
    ordered = tuple(sorted(members, key=lambda one: (one.since, one.fingerprint)))
    return tuple(one for one in ordered if not one.replaced) or ordered
