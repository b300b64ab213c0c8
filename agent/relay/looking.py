"""What no webhook brings: answers on tickets, second tickets that replicas made, and the end of what is muted.

Every few minutes, on each replica: all of it is done once however many look. A look asks a bounded number of tickets; where there
are more, the next ones follow at the next look.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from agent.configuration.settings import DAY
from agent.delivery.asking import one_of, patiently
from agent.logs import get_logger
from agent.relay.alertmanager import Alertmanager
from agent.relay.cases import Cases
from agent.relay.group import Group, group_listed
from agent.relay.metrics import RelayMetrics
from agent.relay.silences import MARK, comment_for, group_in, silence_for
from agent.relay.tickets import Desk, GroupTickets
from agent.wording.fleet import windows_of
from ticketing_clients import Act, FoundTicket, TicketRef, TicketState

AT_ONCE = 100  # tickets that one look reads
FRESH = 2 * DAY  # seconds for which a confirmation counts, so that one of an earlier time does not end the next

log = get_logger()


class Looker:
    """Looks at the relay's open tickets and at its silences."""

    def __init__(
        self,
        tickets: GroupTickets,
        alertmanager: Alertmanager,
        cases: Cases,
        metrics: RelayMetrics,
        *,
        marker: str,
        customer: str,
    ) -> None:
        """Given the tickets, Alertmanager, what agents are told, the numbers, and whose tickets they are."""
        self._tickets = tickets
        self._alertmanager = alertmanager
        self._cases = cases
        self._metrics = metrics
        self._marker = marker
        self._customer = customer
        self._next = 0

    def look(self) -> None:
        """Take one look. Raises DeskError, NotKnown."""
        desk = self._tickets.desk()
        muted = self._alertmanager.silences(MARK) if self._alertmanager.configured else []
        groups: dict[str, Group] | None = None
        for key, ref in self._turn(self._open_tickets(desk)):
            state = desk.read(ref)
            self._cases.note_state(key, state)
            answers = [act for act in state.acts if act.kind in {"accept_window", "confirm"}]
            if not answers or not self._alertmanager.configured:
                continue
            groups = self._groups() if groups is None else groups
            self._hear(desk, key, state, answers[-1], groups.get(key))
        active = [one for one in muted if group_in(one.comment) and one.status and one.status.state == "active"]
        if active:
            groups = self._groups() if groups is None else groups
            for silence in active:
                key = group_in(silence.comment)
                if key not in groups and silence.id:
                    self._tell_ended(desk, key, str(silence.id))

    def _open_tickets(self, desk: Desk) -> list[tuple[str, TicketRef]]:
        """Return our open tickets by key; of two with one key the first is kept and the other closed."""
        if not desk.can.list_open:
            return []
        found = patiently(lambda: desk.client.list_open(self._marker))
        kept = []
        for key, same in groupby(sorted(found, key=_by_key), key=lambda one: one.key):
            twins = list(same)
            if len(twins) > 1:
                twins = [one for one in patiently(lambda: desk.client.find(key)) if one.key == key and one.open]  # noqa: B023
                self._metrics.duplicates.inc(max(len(twins) - 1, 0))
            if twins:
                kept.append((key, one_of(desk.client, twins)))
        return kept

    def _turn(self, tickets: list[tuple[str, TicketRef]]) -> Iterator[tuple[str, TicketRef]]:
        """Yield those whose turn it is; all of them when they are few."""
        begin = self._next % len(tickets) if tickets else 0
        turn = (tickets + tickets)[begin : begin + min(AT_ONCE, len(tickets))]
        self._next = begin + len(turn)
        yield from turn

    def _groups(self) -> dict[str, Group]:
        """Return all groups that have something firing, muted or not, by key."""
        listed = (group_listed(one, self._customer) for one in self._alertmanager.groups() if one.alerts)
        return {group.key: group for group in listed}

    def _hear(self, desk: Desk, key: str, state: TicketState, act: Act, group: Group | None) -> None:
        """Do what the last answer on a ticket asks of the relay; acknowledgements and deferrals are the agents' own."""
        said = self._tickets.said
        now = self._tickets.now()
        if act.kind == "confirm" and group is None and now - act.at.timestamp() < FRESH:
            desk.say_once(state.ref, said.notice("closed", f"{key[:16]}-closed-{act.id}", now))
            desk.resolve(state.ref)
        if act.kind == "accept_window" and group is not None:
            self._agree(desk, state, act, group)

    def _agree(self, desk: Desk, state: TicketState, act: Act, group: Group) -> None:
        """Mute the group for the window that a person accepted, once for each act, and say so."""
        now = self._tickets.now()
        if self._alertmanager.silences(comment_for(group.key, act.id)):
            return
        windows = windows_of(group)
        at = (act.option or 0) - 1
        mark = f"{group.key[:16]}-answer-{act.id}"
        if not 0 <= at < len(windows) or windows[at].end.timestamp() <= now:
            desk.say_once(state.ref, self._tickets.said.comment(group, "not_agreed", mark, now))
            return
        self._alertmanager.silence(silence_for(group, act, windows[at], state.ref.id))
        self._metrics.silences.inc()
        notice = self._tickets.said.notice("agreed", mark, now, window=windows[at], by=act.by)
        desk.say_once(state.ref, notice)

    def _tell_ended(self, desk: Desk, key: str, silence: str) -> None:
        """Say that nothing of a muted group fires any more, which no webhook tells, and unmute it for the next time."""
        ref = desk.ticket_of(key)
        if ref is not None:
            notice = self._tickets.said.notice("ended", f"{key[:16]}-ended-{silence[:8]}", self._tickets.now())
            desk.say_once(ref, notice)
        self._alertmanager.expire(silence)
        log.info("unmuted: nothing of it fires any more", group=key[:16])


def _by_key(found: FoundTicket) -> str:
    return found.key
