"""One ticket for each group at the desk: opened, told of its members, told of its end, opened again. Keeps nothing.

Every notification is carried out from what the desk itself shows, so that it makes no difference how often it comes, to which
replica, or how far the last try got. What cannot be done now raises, and Alertmanager sends it again. Two replicas that open one
group's ticket at the same moment both look again, and both keep the lowest id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from agent.configuration.settings import CaseSettings
from agent.delivery.asking import SETTLE, create, named, one_of, patiently, tickets_of
from agent.logs import get_logger
from agent.relay.alertmanager import NotKnown
from agent.relay.group import Group
from agent.wording.fleet import FleetTopic, FleetWording, said_by
from ticketing_clients import (
    Attachment,
    Comment,
    DeskUnreachable,
    FoundTicket,
    OutcomeUnknown,
    TicketingClient,
    TicketRef,
    TicketState,
)

#: what was done about a notification; a closed set, for the metric
Deed = Literal["opened", "reopened", "commented", "raised", "resolved", "nothing"]
#: seconds after its beginning from which a group is asked after before its ticket is opened; of new ones we hear sooner
OLD = 300.0
FEW = 5  # members, up to which each one's agent may speak to the customer
_STRIPES = 64

log = get_logger()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a notification: the group's ticket, if there is one, what was done, and how many duplicates were closed."""

    ref: TicketRef | None = None
    deeds: tuple[Deed, ...] = ()
    duplicates: int = 0


class Cluster(Protocol):
    """What is asked of Alertmanager while a notification is carried out. Each may raise NotKnown."""

    def mutes_any(self, group: Group) -> bool:
        """Return whether anything of `group` fires that is muted, so that no webhook tells of it."""

    def members_with(self, group: Group) -> list[bool]:
        """Return for each member that answers whether anything of `group` fires there; nothing where nobody can be asked."""


class Desk:
    """A desk through one client: what is done at a single ticket, patiently and once. Every call may raise DeskError."""

    def __init__(self, client: TicketingClient) -> None:
        """Given the client."""
        self.client = client
        self.can = client.capabilities

    def ticket_of(self, key: str) -> TicketRef | None:
        """Return where the ticket with this key is: the open one, else the newest; None when there is none."""
        found = tickets_of(self.client, key)
        return next((one.ref for one in found if one.open), found[-1].ref if found else None)

    def read(self, ref: TicketRef) -> TicketState:
        """Return a ticket as it is now."""
        return patiently(lambda: self.client.read(ref))

    def say_once(self, ref: TicketRef, comment: Comment) -> bool:
        """Say it unless it stands there already, or the desk can do no such thing; return whether it was said."""
        if not self.can.comment or not (comment.public or self.can.internal_comment):
            return False
        if self.can.read and patiently(lambda: self.client.has_comment(ref, comment.marker)):
            return False
        named(lambda: self.client.comment(ref, comment))
        return True

    def attach_once(self, ref: TicketRef, file: Attachment) -> bool:
        """Attach it unless a file of this name is there already; return whether it was attached."""
        if self.can.read and patiently(lambda: self.client.has_attachment(ref, file.name)):
            return False
        named(lambda: self.client.attach(ref, file))
        return True

    def resolve(self, ref: TicketRef) -> None:
        """Bring the ticket to its resolved state, where the desk can."""
        if self.can.resolve:
            named(lambda: self.client.resolve(ref))


class GroupTickets:
    """The tickets of groups at one desk. May be called from several threads; one group is dealt with by one at a time."""

    def __init__(
        self,
        make_client: Callable[[], TicketingClient],
        said: FleetWording,
        policy: CaseSettings,
        now: Callable[[], float],
    ) -> None:
        """Given how a client of the desk is made, the words, how cases are followed, and the time in unix seconds.

        A client is made for each piece of work, with the secrets of that moment. make_client may raise LookupError, ValueError.
        """
        self._make_client = make_client
        self.said = said
        self.policy = policy
        self.now = now
        self._turns = [threading.Lock() for _ in range(_STRIPES)]
        self._unsettled: dict[str, float] = {}

    def carry_out(self, group: Group, cluster: Cluster) -> Done:
        """Have the desk show `group` as it is now. Raises DeskError or NotKnown, after which it is to be tried again.

        cluster: asked before the group is said to be over, and before what may be old news opens a ticket, or opens it again.
        """
        with self._turns[int(group.key[:8], 16) % _STRIPES]:
            self._wait_until_settled(group.key)
            work = _Work(self, Desk(self._make_client()), group, cluster)
            try:
                if group.over and not cluster.mutes_any(group):
                    return work.tell_over()
                return work.tell_firing()
            except OutcomeUnknown:
                self._unsettled[group.key] = self.now() + max(SETTLE, work.desk.can.search_lag)
                raise

    def desk(self) -> Desk:
        """Return the desk, to be asked about single tickets."""
        return Desk(self._make_client())

    def _wait_until_settled(self, key: str) -> None:
        """Refuse to do anything while a request whose outcome nobody knows may still be on its way; raise DeskUnreachable."""
        until = self._unsettled.pop(key, 0.0)
        if until > self.now():
            self._unsettled[key] = until
            raise DeskUnreachable(
                "what the last request for this ticket did is not known yet; it is asked again shortly"
            )


class _Work:
    """One notification being carried out."""

    def __init__(self, tickets: GroupTickets, desk: Desk, group: Group, cluster: Cluster) -> None:
        self.cluster = cluster
        self.desk = desk
        self.client = desk.client
        self.group = group
        self.said = tickets.said
        self.policy = tickets.policy
        self.now = tickets.now()
        self.deeds: list[Deed] = []
        self.duplicates = 0

    def tell_firing(self) -> Done:
        """See to it that exactly one ticket is open, as urgent as the group is, and tells of its members."""
        found = tickets_of(self.client, self.group.key)
        ref = self._the_open_one(found) or self._open_again(found)
        if ref is None:
            return self._done(found[-1].ref)
        if not self.deeds and self.desk.can.priority:
            urgency = self.group.priority
            named(lambda: self.client.raise_priority(ref, urgency))
        self._tell_members(ref)
        return self._done(ref)

    def tell_over(self) -> Done:
        """Say on the open ticket that the group is over; resolve it where every agent has followed its case to the end."""
        ref = self._the_open_one(tickets_of(self.client, self.group.key))
        if ref is None:
            return self._done(None)
        self._say(ref, "over", f"over-{self.group.state}")
        if self.group.settled:
            self.desk.resolve(ref)
            self.deeds.append("resolved")
        return self._done(ref)

    def _the_open_one(self, found: list[FoundTicket]) -> TicketRef | None:
        opened = [one for one in found if one.open]
        if not opened:
            return None
        self.duplicates += len(opened) - 1
        return one_of(self.client, found)

    def _open_again(self, found: list[FoundTicket]) -> TicketRef | None:
        """Open the group's ticket; None when a person closed the last one and it is left alone, or when this is old news."""
        if not found or not self.desk.can.read:
            if not found:
                self._need_to_be_news()
            return self._open()
        ref = found[-1].ref
        state = self.desk.read(ref)
        closed_at = _closed_at(state)
        if closed_at is None and not self._fires_everywhere():
            return None
        if closed_at is not None and self.group.since < closed_at:
            return None if _left_alone(state) else self._contest(ref, closed_at)
        if closed_at is not None and self.now - closed_at > self.policy.reopen_within:
            return self._open()
        reopened = self._reopen(ref)
        self._say(reopened, "back", f"back-{int(self.group.since):x}")
        return reopened

    def _need_to_be_news(self) -> None:
        """Raise NotKnown when the group began long ago and no member says that it fires any more.

        Whoever sent this may have given up waiting (for a desk that was away, or for their turn here) and have heard of the end
        since. Nobody would tell us of that end, and the ticket would stay. If they wait still, they send it again. Where nobody
        can be asked, a ticket too many is better than none.
        """
        if self.now - self.group.since < OLD:
            return
        try:
            fires = self.cluster.members_with(self.group)
        except NotKnown as error:
            log.warning("opened without asking whether it still fires", group=self.group.key[:16], detail=str(error))
            return
        if fires and not any(fires):
            raise NotKnown("this is old news: no member of Alertmanager's cluster says that it fires")

    def _fires_everywhere(self) -> bool:
        """Return whether every member of the cluster says that it fires, False when none does; raise NotKnown between.

        One that has not heard of the end yet must not open again what we closed ourselves.
        """
        fires = self.cluster.members_with(self.group)
        if any(fires) and not all(fires):
            raise NotKnown("the members of Alertmanager's cluster do not agree yet whether it fires")
        return all(fires)

    def _contest(self, ref: TicketRef, closed_at: float) -> TicketRef | None:
        """Open again, once, what a person closed while it still fires; they may have missed something, or mean it."""
        if self.now - closed_at < self.policy.grace:
            return None
        if not self._say(ref, "not_fixed", f"not-fixed-{int(self.group.since):x}"):
            return None
        return self._reopen(ref)

    def _reopen(self, ref: TicketRef) -> TicketRef:
        if self.desk.can.reopen == "none":
            return self._open()
        ticket = self.said.ticket(self.group, self.now)
        reopened = named(lambda: self.client.reopen(ref, ticket))
        self.deeds.append("reopened")
        return reopened

    def _open(self) -> TicketRef:
        """Create the ticket, and look whether another replica did so at the same time."""
        ticket = self.said.ticket(self.group, self.now)
        ref = named(lambda: create(self.client, ticket))
        self.deeds.append("opened")
        return self._the_open_one(tickets_of(self.client, self.group.key)) or ref

    def _tell_members(self, ref: TicketRef) -> None:
        """Bring the table of members up to date, and pass on what agents have to say, unless they are too many to be read.

        A group that never had more than one member is told by its ticket itself. What every agent of a large one says, that all
        is measured well and a person is to confirm it, is said for all of them, and again as seldom as a reminder.
        """
        members = self.group.members
        if len(members) > 1 or self.group.unlisted:
            self._say(ref, "members", f"members-{self.group.state}")
        if len(members) > FEW and self.group.well:
            self._say(ref, "well", f"well-{int(self.now // self.policy.remind_every)}")
        for one in members if len(members) <= FEW else ():
            if one.comment and self.desk.say_once(ref, said_by(one, alone=len(members) == 1)):
                self.deeds.append("commented")

    def _say(self, ref: TicketRef, topic: FleetTopic, mark: str) -> bool:
        comment = self.said.comment(self.group, topic, f"{self.group.key[:16]}-{mark}", self.now)
        said = self.desk.say_once(ref, comment)
        if said:
            self.deeds.append("commented")
        return said

    def _done(self, ref: TicketRef | None) -> Done:
        deeds = tuple(self.deeds) or ("nothing",)
        log.info("carried out", group=self.group.key[:16], deeds=",".join(deeds), ticket=ref.id if ref else "")
        return Done(ref=ref, deeds=deeds, duplicates=self.duplicates)


def _closed_at(state: TicketState) -> float | None:
    """Return when a person closed the ticket, as far as its acts tell; None when they do not."""
    closing = [act.at.timestamp() for act in state.acts if act.kind in {"resolve", "wont_fix"}]
    return max(closing, default=None)


def _left_alone(state: TicketState) -> bool:
    """Return whether the last person's word on it was that it is to be left as it is."""
    closing = [act for act in state.acts if act.kind in {"resolve", "wont_fix"}]
    return max(closing, key=lambda act: act.at).kind == "wont_fix"
