"""The people around the agent: at the desk, where they acknowledge, defer, close too early, merge and delete; and on the host."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from agent.following.model import Acted
from agent.store import Store
from simulator.clock import SimulatedClock
from simulator.desk import DeskTicket, SimulatedDesk
from simulator.faults import Faults
from ticketing_clients import Act, Priority

HOUR, DAY = 3600.0, 86400.0
PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")
#: what somebody does on a ticket; the last four are what desks do to tickets in people's hands
ACTS = (
    *(
        "acknowledge",
        "reply",
        "confirm",
        "confirm",
        "accept_window",
        "defer",
        "wont_fix",
        "resolve",
        "resolve",
        "reopen",
    ),
    *("rate", "cause", "done", "prioritise", "merge", "merge with ours", "move", "delete"),
)


class People:
    """Does what people do, by chance."""

    def __init__(self, clock: SimulatedClock, chance: Random, faults: Faults) -> None:
        """Nobody has done anything."""
        self._clock = clock
        self._chance = chance
        self._faults = faults
        self._words = 0

    def at_the_desk(self, desk: SimulatedDesk) -> str:
        """Have somebody do something on one of our tickets; return what, empty when there is nothing to do it on."""
        tickets = [one for one in desk.ours() if one.merged_into is None]
        if not tickets:
            return ""
        open_ones = [one for one in tickets if one.open]
        ticket = (
            self._chance.choice(open_ones or tickets) if self._chance.random() < 0.8 else self._chance.choice(tickets)
        )
        what = self._chance.choice(ACTS)
        if not self._faults.strikes(f"people: {what}"):
            return ""
        self._do(desk, ticket, what)
        return f"{what} on {desk.name} {ticket.number}"

    def _do(self, desk: SimulatedDesk, ticket: DeskTicket, what: str) -> None:  # noqa: C901 - a table, a line for each act
        match what:
            case "accept_window":
                desk.act(ticket, what, option=self._chance.choice([1, 1, 1, 2]))
            case "defer":
                until = self._clock.true + self._chance.uniform(HOUR, 5 * DAY)
                desk.act(ticket, what, until=datetime.fromtimestamp(until, UTC))
            case "rate":
                desk.act(ticket, what, option=self._chance.randint(1, 5))
            case "resolve" | "wont_fix":
                self.closes(desk, ticket, what)
            case "reopen":
                ticket.touched = True
                ticket.status = "open"
                desk.act(ticket, what)
            case "prioritise":
                ticket.priority = self._chance.choice(PRIORITIES)
            case "merge":
                ticket.touched, ticket.merged_into = True, desk.tickets[1]
            case "merge with ours":
                others = [one for one in desk.ours() if one is not ticket and one.open]
                if others:
                    ticket.touched, ticket.merged_into = True, self._chance.choice(others)
            case "move":
                desk.move(ticket)
            case "delete":
                ticket.touched = ticket.deleted = True
            case _:
                desk.act(ticket, what)

    def closes(self, desk: SimulatedDesk, ticket: DeskTicket, what: str = "resolve") -> None:
        """Have somebody close a ticket."""
        ticket.touched = True
        ticket.status = "resolved" if what == "resolve" else "rejected"
        desk.act(ticket, what)

    def on_the_host(self, store: Store) -> str:
        """Have somebody say something about a case on the command line; return what."""
        cases = store.cases()
        if not cases:
            return ""
        case = self._chance.choice(cases)
        kind = self._chance.choice(["acknowledge", "defer", "confirm"])
        self._words += 1
        until = datetime.fromtimestamp(self._clock.now() + DAY, UTC) if kind == "defer" else None
        act = Act(
            id=f"host-{self._words}-{int(self._clock.steady)}",
            kind=kind,  # type: ignore[arg-type]  # one of three
            by="root",
            at=datetime.fromtimestamp(self._clock.now(), UTC),
            until=until,
        )
        store.put_event(Acted(case=case.key, act=act, at=self._clock.now()))
        return f"{kind} {case.rule} on the host"
