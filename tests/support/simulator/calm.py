"""The end of a life: nothing goes wrong any more, and everything has to come to its end within bounded time.

What waits is delivered, what is well is closed, and no ticket of ours stays open. Raises Violation for what does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.delivery.outbox import Outbox
from agent.following.follow import GATHERINGS
from agent.following.model import Case, Maintenance
from agent.pipeline import Pipeline
from simulator.desk import DeskTicket, SimulatedDesk
from simulator.faults import Violation

if TYPE_CHECKING:
    from simulator.life import Life

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# A desk rests for up to an hour after it failed, and is asked again some minutes later.
UNTIL_DELIVERED = (MINUTE, *(10 * MINUTE,) * 3, *(HOUR,) * 4)
# Waits that were reckoned before the clock was set back, where the agent could not correct them, are believed for a day.
AFTER_A_JUMP = (HOUR,) * 30
# Verified, confirmed by nobody, closed by the rule: two days as configured here, and as long again for what is in its way.
UNTIL_THE_END = (*(HOUR,) * 4, *(6 * HOUR,) * 12, *(DAY,) * 14)
#: why an operation may stay refused when everything is well: the ticket is not there, or takes no such thing
FAIR = ("there is no ticket", "takes no files")
# A person who has something tried again waits until the desk's search knows what it did all the same.
PATIENCE = 15 * MINUTE


class Calm:
    """What is left to do in a life."""

    def __init__(self, life: Life) -> None:
        """Nothing was done yet."""
        self.life = life

    @property
    def pipeline(self) -> Pipeline:
        """The agent's own."""
        assert self.life.office.resident is not None
        return self.life.office.resident.pipeline

    @property
    def outbox(self) -> Outbox:
        """The agent's own."""
        return self.pipeline.outbox

    def bring_to_an_end(self) -> float:
        """Stop all that goes wrong, let the agent work, and return after how many simulated seconds all was at its end."""
        life = self.life
        life.nothing_goes_wrong()
        began = life.clock.steady
        life.office.store.maintenance = Maintenance(since=0.0, until=0.0)
        life.note("calm: nothing goes wrong any more")
        self.let_it_deliver()
        life.note("calm: all is well on the host")
        for one in life.host.subjects:
            if one.condition != "gone" or life.chance.random() < 0.5:
                life.host.turn(one, "well")
        for stride in UNTIL_THE_END:
            self.people_tidy_up()
            life.go_on(stride)
            if self.at_rest() and not (life.office.store.cases() or self.open_tickets()):
                break
        self.delivered("at the end")
        self.ended()
        return life.clock.steady - began

    def let_it_deliver(self) -> None:
        """See that everything is delivered within hours, and that somebody was told of every case."""
        life = self.life
        for stride in UNTIL_DELIVERED:
            life.go_on(stride)
        if life.clock.steady - life.witness.jumped_at < 2 * DAY and not self.at_rest():
            for stride in AFTER_A_JUMP:
                life.go_on(stride)
        # By now every desk's search knows; a clock that was set back cannot tell.
        retry_what_was_refused(life, patience=0.0)
        for _ in range(2):  # what the desk says then is heard in the next cycle
            life.go_on(10 * MINUTE)
        for _ in range(8):  # a ticket that has just been opened may get its bundle now
            if not self.at_rest():
                life.go_on(10 * MINUTE)
        self.delivered("hours after the last fault")
        for case in life.office.store.cases():
            if case.state != "pending" and case.parent is None and not self.told(case):
                raise Violation(f"{case.rule} {case.subject} is {case.state}, and nobody was told")

    def told(self, case: Case) -> bool:
        """Return whether the case has a ticket, be it one of this very moment that it has not heard of."""
        return case.ticket is not None or any(self.outbox.latest_ticket(case.key, desk) for desk in case.desks)

    def people_tidy_up(self) -> None:
        """People close what only they can: what nothing measures any more, what they opened again, what asks for a cause."""
        situation = self.pipeline.configuration.situation(0.0, self.pipeline.host.id, first_look_ends=0.0)
        there = [one for one in self.life.host.subjects if one.condition != "gone" and one.rule in situation.rules]
        measured = {situation.key(one.rule, one.labels) for one in there}
        for desk in self.life.desks.values():
            for ticket in desk.ours():
                case = self.pipeline.cases.get(ticket.key)
                gathered = case is not None and case.rule in GATHERINGS
                reopened = ticket.touched and (case is None or case.state == "closed")
                about = {ticket.key, *self.merged_into(desk, ticket)}
                if ticket.open and (gathered or reopened or not about <= measured):
                    self.life.people.closes(desk, ticket)
            if desk.tickets[1].open:  # somebody else's, into which some of ours were merged
                self.life.people.closes(desk, desk.tickets[1])

    def merged_into(self, desk: SimulatedDesk, ticket: DeskTicket) -> set[str]:
        """Return the keys of the cases whose tickets people merged into this one, and which are not over."""
        there = (desk.name, str(ticket.number))
        with_ticket = [
            (one.key, one.ticket) for one in self.pipeline.cases.values() if one.ticket and one.state != "closed"
        ]
        return {key for key, ref in with_ticket if (ref.desk, ref.id) == there}

    # -- seen to be so ----------------------------------------------------------------------------------------------

    def at_rest(self) -> bool:
        """Return whether nothing waits to be delivered."""
        return not self.life.office.store.database.read(
            "SELECT 1 FROM operations WHERE state IN ('queued', 'sending') LIMIT 1"
        )

    def delivered(self, when: str) -> None:
        """See that nothing waits, and that nothing was refused but for a good reason."""
        for one in self.outbox.all({"queued", "sending"}):
            raise Violation(f"{when} {one.operation.id} is still {one.state}: {one.operation.kind} {one.detail}")
        for one in self.outbox.all({"rejected"}):
            if not any(reason in one.detail for reason in FAIR):
                raise Violation(f"{when} {one.operation.id} ({one.operation.kind}) is refused: {one.detail}")

    def ended(self) -> None:
        """See that no case and no ticket is stuck."""
        for case in self.life.office.store.cases():
            what = f"{case.rule or 'an orphan'} {case.subject}"
            raise Violation(f"stuck: {what} is {case.state}, its ticket {case.ticket_status}")
        for desk, ticket in self.open_tickets():
            raise Violation(f"stuck: {desk.name} {ticket.number} of {ticket.key[:12]} is still open")

    def open_tickets(self) -> list[tuple[SimulatedDesk, DeskTicket]]:
        """Return our tickets that are open, with their desks."""
        return [(desk, one) for desk in self.life.desks.values() for one in desk.ours() if one.open]


def retry_what_was_refused(life: Life, patience: float = PATIENCE) -> None:
    """A person has everything tried again that a desk refused so many seconds ago, by the agent's clock."""
    assert life.office.resident is not None
    outbox = life.office.resident.pipeline.outbox
    for one in outbox.all({"rejected"}):
        if abs(life.clock.now() - one.not_before) >= patience:
            outbox.requeue(one.operation.id)
