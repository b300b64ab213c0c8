"""What an agent is told of its case: the state of its group's ticket, found by way of Alertmanager, remembered for a minute.

Nothing here is a record: what is remembered only spares the desk the same question from a thousand agents.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from agent.relay.alertmanager import Alertmanager
from agent.relay.group import Group, group_listed
from agent.relay.notification import ListedGroup
from agent.relay.tickets import GroupTickets
from ticketing_clients import Act, TicketRef, TicketState

REMEMBERED = 60.0  # seconds
GROUP_STAYS = 3600.0  # seconds; which group a case is in changes only with Alertmanager's configuration
MOST_REMEMBERED = 100_000

V = TypeVar("V")


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an agent.

    group: the key of the ticket of the case's group. ticket: how it is. founder: whether its windows are this case's own: that
    somebody accepted one is told to this case alone, and is an acknowledgement to the others.
    """

    group: str
    founder: bool
    ticket: TicketState


class Remembered(Generic[V]):
    """Values for a time, the oldest forgotten first when there are too many. May be used from several threads."""

    def __init__(self, seconds: float, now: Callable[[], float], most: int = MOST_REMEMBERED) -> None:
        """Given for how long, the time in seconds, and how many."""
        self._seconds, self._now, self._most = seconds, now, most
        self._values: OrderedDict[str, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> V | None:
        """Return the value, None when it is not known any more."""
        with self._lock:
            until, value = self._values.get(key, (0.0, None))
        return value if until > self._now() else None

    def put(self, key: str, value: V) -> None:
        """Remember a value from now on."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = (self._now() + self._seconds, value)
            while len(self._values) > self._most:
                self._values.popitem(last=False)


class Cases:
    """Cases of agents, by their keys."""

    def __init__(
        self, tickets: GroupTickets, alertmanager: Alertmanager, customer: str, monotonic: Callable[[], float]
    ) -> None:
        """Given the tickets, Alertmanager, the relay's customer, and a clock that only goes forward."""
        self._tickets = tickets
        self._alertmanager = alertmanager
        self._customer = customer
        self._groups: Remembered[tuple[str, str]] = Remembered(GROUP_STAYS, monotonic)
        self._states: Remembered[TicketState] = Remembered(REMEMBERED, monotonic)

    def note(self, group: Group) -> None:
        """Remember in which group its members' cases are."""
        for member in group.members:
            if member.case:
                self._groups.put(member.case, (group.key, group.founder.case))

    def note_state(self, key: str, state: TicketState) -> None:
        """Remember how the ticket of a group is."""
        self._states.put(key, state)

    def state_of(self, case: str) -> CaseState | None:
        """Return how the ticket of a case is; None when nothing of it is known now. Raises DeskError, NotKnown."""
        known = self._group_of(case)
        if known is None:
            return None
        group, founder = known
        state = self._states.get(group) or self._read(group)
        if state is None:
            return None
        if founder != case:
            state = msgspec.structs.replace(state, acts=tuple(map(_of_another, state.acts)))
        return CaseState(group=group, founder=founder == case, ticket=state)

    def ticket_of(self, case: str) -> TicketRef | None:
        """Return where the ticket of a case is; None when nothing of it is known now. Raises DeskError, NotKnown."""
        known = self._group_of(case)
        return None if known is None else self._tickets.desk().ticket_of(known[0])

    def _group_of(self, case: str) -> tuple[str, str] | None:
        known = self._groups.get(case)
        if known is None:
            listed = self._alertmanager.group_of_case(case)
            if listed is None:
                return None
            # The listing is cut to this one alert: who founded the group takes another question.
            cut = self._group(listed)
            whole = (one for one in map(self._group, self._alertmanager.groups(listed.labels)) if one.key == cut.key)
            group = next(whole, cut)
            self.note(group)
            known = (group.key, group.founder.case)
        return known

    def _group(self, listed: ListedGroup) -> Group:
        return group_listed(listed, self._customer)

    def _read(self, key: str) -> TicketState | None:
        desk = self._tickets.desk()
        ref = desk.ticket_of(key)
        if ref is None:
            return None
        state = desk.read(ref)
        self._states.put(key, state)
        return state


def _of_another(act: Act) -> Act:
    """Return an act as it counts for a case whose own windows the ticket does not propose."""
    return msgspec.structs.replace(act, kind="acknowledge", option=None) if act.kind == "accept_window" else act
