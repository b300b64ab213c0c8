"""The promises (DESIGN §4 and the rules of a case), looked at wherever they could be broken. Raises Violation.

Seen from the desks: what was asked for was journalled before, in order, once; a priority only rises; nothing leaves without
consent; no ticket is made where one could be found, and none of anybody else's is touched. Seen from the agent: what was
recorded is there after any death, and what is asked for is true of the host. All in one file: it is the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from agent.consent.levels import Level, at_least
from agent.following.follow import GATHERINGS
from agent.following.model import Case, Operation
from agent.following.priority import worse
from agent.following.routing import ticket_key
from agent.pipeline import Cycle
from agent.store import Store
from simulator.agent_at_work import PLANTED
from simulator.clock import SimulatedClock
from simulator.desk import DeskTicket, SimulatedDesk
from simulator.faults import Violation
from simulator.host import SimulatedHost
from ticketing_clients import Attachment, Comment, Ticket, TicketRef

HOUR, DAY = 3600.0, 86400.0
# Consent is asked for before a thing leaves; the desk may take so long for the way.
ON_THE_WAY = 15 * 60.0
# More operations than these about one case within a day would be a flood: a note every 30 minutes is the most that is promised.
FLOOD = 120
_KINDS = {
    "open": ("open", "reopen"),
    "reopen": ("reopen",),
    "comment": ("comment",),
    "attach": ("attach", "calendar"),
    "raise_priority": ("raise_priority",),
    "resolve": ("resolve",),
}


# What waits for an opening that was refused waits for a person; what comes later need not wait for that.
_WAITING_BEFORE = """
SELECT id FROM operations AS one
WHERE case_key = ? AND desk = ? AND position < ? AND state IN ('queued', 'sending') AND 'rejected' IS NOT (
    SELECT state FROM operations AS opening
    WHERE opening.case_key = one.case_key AND opening.desk = one.desk AND opening.position < one.position
        AND opening.kind = 'open' AND opening.state <> 'dropped'
    ORDER BY opening.position DESC LIMIT 1
)
"""


class Witness:
    """Sees everything in one life. life: what it needs to know of it is asked for when it is needed."""

    def __init__(self, clock: SimulatedClock, host: SimulatedHost) -> None:
        """Nothing was seen yet."""
        self.desks: dict[str, SimulatedDesk] = {}
        self.store: Callable[[], Store]
        self.meanwhile: Callable[[], None]
        self.lost_at = float("-inf")  # on the steady clock, when the agent's records were lost last
        self.jumped_at = float(
            "-inf"
        )  # when the wall clock was moved and no agent saw it, or none could write down what follows
        self._clock = clock
        self._host = host
        self._recorded: dict[str, Operation] = {}
        self._cases: dict[str, Case] = {}
        self._levels: list[tuple[float, Level, float]] = [(float("-inf"), "none", float("inf"))]
        self._said: dict[tuple[str, int], int] = {}
        self._refused: set[str] = set()

    # -- at the desks -----------------------------------------------------------------------------------------------

    def call(self, desk: str) -> None:
        """The desk is spoken to; the agent may do a cycle meanwhile."""
        del desk
        self.meanwhile()

    def change(self, desk: str, ticket: DeskTicket | None, what: str, content: object) -> None:
        """Judge a change that a desk is asked for."""
        if what == "close_duplicate":
            self._twin(desk, ticket, content)
            return
        key = (
            content.key
            if isinstance(content, Ticket)
            else ticket.key
            if ticket and not self._led_to(desk, ticket)
            else ""
        )
        asked = self._journalled(desk, what, key, content)
        if ticket is not None and not ticket.key and not self._led_to(desk, ticket):
            raise Violation(f"{what} on a ticket that is none of ours: {desk} {ticket.number}")
        if what == "open":
            self._first(desk, key)
        if isinstance(content, Comment) and ticket is not None and content.marker in ticket.comments:
            raise Violation(f"comment {content.marker} is said a second time on {desk} {ticket.number}")
        if isinstance(content, Attachment) and ticket is not None and content.name in ticket.files:
            raise Violation(f"file {content.name} is attached a second time to {desk} {ticket.number}")
        # What people merged into it knows its own urgency only.
        own = ticket if ticket is not None and ticket_key(asked) == ticket.key else None
        if what == "raise_priority" and own is not None and own.asked and worse(own.asked, content):  # type: ignore[arg-type]
            raise Violation(f"the priority of {desk} {own.number} is lowered from {own.asked} to {content}")
        self._allowed(asked, content)

    def _journalled(self, desk: str, what: str, key: str, content: object) -> Operation:
        """Return the operation that asks for this: its intent is on the disk, and nothing before it is still to be done."""
        database = self.store().database
        if database._connection.in_transaction:
            raise Violation(f"{what} at {desk} within a transaction: its intent is not on the disk")
        rows = database.read(
            "SELECT record, position, kind FROM operations WHERE desk = ? AND state = 'sending'", (desk,)
        )
        for record, position, kind in rows:
            one = msgspec.structs.replace(msgspec.msgpack.decode(record, type=Operation), desk=desk)
            fits = kind in _KINDS[what] and key in {"", ticket_key(one), one.case}
            if fits and (not isinstance(content, Comment) or content.marker == one.id):
                earlier = database.read(
                    _WAITING_BEFORE,
                    (one.case, desk, position),
                )
                if not earlier or what == "open":  # an opening goes before what waits for another one that was refused
                    return one
                if len(rows) == 1:
                    raise Violation(f"{one.id} ({what}) is done at {desk} before {earlier[0][0]}")
        raise Violation(f"{what} at {desk} without a journalled intent")

    def _led_to(self, desk: str, ticket: DeskTicket) -> bool:
        return any(one.merged_into is ticket for one in self.desks[desk].tickets.values())

    def _first(self, desk: str, key: str) -> None:
        """See that a ticket is only made where none is open that the desk's search can know of."""
        there = self.desks[desk]
        known = self._clock.steady - there.capabilities.search_lag - HOUR / 60
        for one in there.ours():
            if one.key == key and one.open and one.made_at <= known:
                raise Violation(f"a second ticket is opened for {key[:12]} at {desk}, where {one.number} is open")

    def _twin(self, desk: str, ticket: DeskTicket | None, original: object) -> None:
        assert ticket is not None
        assert isinstance(original, TicketRef)
        kept = self.desks[desk].tickets[int(original.id)]
        if ticket is kept or ticket.key != kept.key or not ticket.key:
            raise Violation(f"{desk} {ticket.number} is closed as a duplicate of {kept.number}, and is none")

    # -- consent ----------------------------------------------------------------------------------------------------

    def consents(self, level: Level, until: float = float("inf")) -> None:
        """Somebody allows this from now on, until the host's clock shows `until` (unix seconds)."""
        self._levels.append((self._clock.steady, level, until))

    def _allowed(self, asked: Operation, content: object) -> None:
        file = isinstance(content, Attachment) and PLANTED.encode() in content.content
        text = isinstance(content, Comment | Ticket) and PLANTED.encode() in msgspec.json.encode(content)
        if not (file or text):
            return
        needed: Level = asked.facts["needs"]["level"] if file else "facts"  # type: ignore[index]
        if not any(at_least(level, needed) for level in self._lately()):
            raise Violation(f"{asked.id} leaves with what needs consent `{needed}`, and nobody allows it")

    def _lately(self) -> Iterable[Level]:
        """Yield the levels that were in force at any moment while a thing may have been on its way."""
        replaced = [at for at, *_ in self._levels[1:]] + [float("inf")]
        return [
            level
            for (_, level, until), end in zip(self._levels, replaced, strict=True)
            if end > self._clock.steady - ON_THE_WAY and until > self._clock.now() - ON_THE_WAY
        ]

    # -- in the agent -----------------------------------------------------------------------------------------------

    def cycle(self, cycle: Cycle, *, maintenance: bool) -> None:
        """Judge what one cycle came to."""
        if cycle.trouble:
            return
        self._host.recorded()
        for operation in cycle.queued:
            self._recorded[operation.id] = operation
            self._flood(operation)
            case = cycle.cases.get(operation.case)
            if case is None:
                continue
            if operation.kind == "open" and not operation.copy and operation.topic != "dissatisfied" and maintenance:
                raise Violation(f"{case.rule} {case.subject} opens a ticket during maintenance")
            if operation.topic == "recovered":
                self._recovered(case, cycle)
        for case in cycle.cases.values():
            self._consistent(case, self._cases.get(case.key), cycle)
        self._cases = dict(cycle.cases)

    def _flood(self, operation: Operation) -> None:
        day = operation.case, int(self._clock.steady // DAY)
        self._said[day] = self._said.get(day, 0) + 1
        if self._said[day] > FLOOD:
            raise Violation(f"more than {FLOOD} operations in a day about {operation.case[:12]}: {operation.topic}")

    def _recovered(self, case: Case, cycle: Cycle) -> None:
        """See that what is told to be in order was measured, now and for as long as it has to last."""
        if case.rule in GATHERINGS:
            alive = [key for key in case.members if key in cycle.cases and cycle.cases[key].state != "closed"]
            if alive:
                raise Violation(f"{case.rule} is told to be over while {len(alive)} of its members are not")
            return
        subject = self._host.subject(case.rule, case.subject)
        if subject is None:
            raise Violation(f"{case.rule} {case.subject} recovered, and there is no such thing")
        if subject.measured != "well":
            seen = subject.measured if subject.seen_now else "not measured"
            raise Violation(f"{case.rule} {case.subject} is told to have recovered; it is {seen}")

    def _consistent(self, case: Case, before: Case | None, cycle: Cycle) -> None:
        if case.breach_since is not None and case.healthy_since is not None:
            raise Violation(f"{case.rule} {case.subject} is ill and well at once")
        if before is None or before.state == case.state:
            return
        if before.state in {"open", "acknowledged", "deferred"} and case.state == "recovering":
            subject = self._host.subject(case.rule, case.subject)
            if subject is not None and not (subject.seen_now and subject.measured == "well"):
                raise Violation(f"{case.rule} {case.subject} recovers, and was not measured to be well")
        if case.state == "awaiting_confirmation" and before.state == "recovering":
            self._verified(case)
        if case.state == "closed" and case.closed_by == "rule":
            found = [one for one in cycle.findings if one.rule == case.rule and one.subject == case.subject]
            if found and found[0].severity:
                raise Violation(f"{case.rule} {case.subject} is closed by rule while it is ill")

    def _verified(self, case: Case) -> None:
        subject = self._host.subject(case.rule, case.subject)
        if subject is None or case.rule not in VERIFY:
            return
        verify = VERIFY[case.rule]
        lasted = self._clock.steady - max(subject.ill_at or 0.0, 0.0)
        moved = self._clock.steady - self.jumped_at <= verify
        if lasted < verify and not moved:
            raise Violation(
                f"{case.rule} {case.subject} was ill {lasted:.0f} s ago, and has to be well for {verify:.0f}"
            )

    # -- after a death ----------------------------------------------------------------------------------------------

    def reborn(self, store: Store) -> None:
        """See that everything is there that was recorded."""
        there = {name for (name,) in store.database.read("SELECT id FROM operations")}
        cases = {case.key: case for case in store.cases(include_closed=True)}
        for key, known in self._cases.items():
            if key not in cases:
                raise Violation(f"the case {known.rule} {known.subject} is lost")
            if cases[key].operations < known.operations:
                raise Violation(f"the case {known.rule} {known.subject} is older than what was recorded of it")
        for name, operation in self._recorded.items():
            if name not in there and operation.case in cases:
                raise Violation(f"the operation {name} ({operation.kind} {operation.topic}) is lost")

    def records_lost(self) -> None:
        """The agent begins anew, knowing nothing."""
        self._recorded.clear()
        self._cases.clear()
        self.lost_at = self._clock.steady
        for desk in self.desks.values():
            for ticket in desk.ours():
                ticket.asked = None  # until it looks at the ticket, only the desk's client keeps its priority

    # -- at any time ------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See that no key has two open tickets, at a desk that could be asked and did as it was asked to."""
        for desk in self.desks.values():
            seen: dict[str, DeskTicket] = {}
            for one in desk.ours():
                if not one.open:
                    continue
                twin = seen.setdefault(one.key, one)
                since = max(one.made_at, self.lost_at)
                asked = self._clock.steady - since > desk.capabilities.search_lag and desk.failed_at < since
                if twin is not one and asked and not (one.touched or twin.touched):
                    raise Violation(f"{desk.name} has two open tickets for {one.key[:12]}: {twin.number}, {one.number}")


VERIFY = {
    "disk_readonly": 900.0,
    "tmpfs_full": HOUR,
    "service_failed": HOUR,
    "array_degraded": HOUR,
    "disk_failing": 2 * HOUR,
}
