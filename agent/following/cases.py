"""The life of a Case, as a pure state machine: findings, desk events and the time in; cases and operations out.

    pending → open → (acknowledged | deferred until) → recovering → awaiting confirmation → closed

Back to open from recovering (a relapse) and from awaiting confirmation or closed (the problem returned).
`Followed` takes one case through one cycle: `desk_events` says what the desk and its people do to it, `findings`
what is measured. `agent.following.follow` does so for all cases of a host and gathers many into one ticket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from agent.configuration.settings import (
    DAY,
    CaseSettings,
    CustomerSettings,
    DeliverySettings,
    HostSettings,
    PrioritySettings,
    ServiceLevels,
)
from agent.following import priority as priorities
from agent.following.episodes import ended
from agent.following.facts import case_facts, pack
from agent.following.model import (
    Care,
    Case,
    CaseState,
    ClosedBy,
    EarlierTicket,
    Episode,
    Kept,
    Operation,
    OperationKind,
    Promised,
    Topic,
)
from agent.following.routing import targets
from thresholds import Rule, Severity
from ticketing_clients import Priority

RECURRENCE_PERIOD = 30 * DAY
# A problem that nothing measures any more (its disk was unmounted): a person may close it without our word for it, and
# one that nobody was told of is forgotten.
UNMEASURED_AFTER = DAY
KEPT_ACTS = 50
# Keys of the subjects that are found something about, cycle after cycle: to make one takes as long as to follow its case.
REMEMBERED_KEYS = 2_000
# After these the entry in people's calendars is another one: a time to choose, one that was agreed, or none.
CALENDAR_TOPICS: frozenset[Topic] = frozenset(
    {"worse", "returned", "closed", "agreed", "not_agreed", "window_moved", "window_over", "window_withdrawn"}
)
# What is counted from; all other times of a case are dates.
RUNNING_TIMES = ("breach_since", "healthy_since", "changed_at", "judged_at", "last_seen", "closed_by_person_at")


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle is followed in. `now` is unix seconds; `unseen` names what could not be checked in this cycle.

    budgets: by desk, how many tickets of their own it takes within the storm window, where that is limited.
    mark: of the agent's records, in the ids of operations: whoever lost the last ones must not count again from 1, for what was
    said then still stands on the tickets.
    """

    now: float
    host_id: str
    rules: Mapping[str, Rule]
    host: HostSettings
    customer: CustomerSettings
    policy: CaseSettings
    delivery: DeliverySettings = DeliverySettings()
    first_look_ends: float
    maintenance: bool = False
    budgets: Mapping[str, int] = {}
    priorities: PrioritySettings = PrioritySettings()
    service_levels: ServiceLevels = ServiceLevels()
    unseen: tuple[str, ...] = ()
    mark: str = ""

    def key(self, rule: str, subject: Mapping[str, str]) -> str:
        """Return the key of the case that `rule` makes on `subject` of this host."""
        return case_key(self.customer.id, self.host_id, rule, subject)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One case after the cycle, what it asks of the desk, and what happened to it, for its time line.

    durable: whether it has to be written down; a mere repeat of the last finding has not.
    untold: it ended before the desk was told that it began; what still waits to be said about it is no longer true.
    kept: the promises that are known since this cycle to be kept or missed, with the priority they were made for.
    """

    case: Case
    durable: bool
    untold: bool = False
    operations: tuple[Operation, ...] = ()
    happenings: tuple[str, ...] = ()
    kept: tuple[tuple[Promised, Priority, Kept], ...] = ()


def case_key(customer: str, host: str, rule: str, subject: Mapping[str, str]) -> str:
    """Return 64 hex digits that name this problem for ever: never made of text, severity or time.

    >>> case_key("c", "h", "disk_space", {"a": "1", "b": "2"}) == case_key("c", "h", "disk_space", {"b": "2", "a": "1"})
    True
    """
    return _digest(customer, host, rule, tuple(subject.items()))


@lru_cache(REMEMBERED_KEYS)
def _digest(customer: str, host: str, rule: str, labels: tuple[tuple[str, str], ...]) -> str:
    identity = msgspec.json.encode([customer, host, rule, dict(labels)], order="deterministic")
    return hashlib.sha256(identity).hexdigest()


def rebase(case: Case, step: float) -> Case:
    """Given that the wall clock was moved by `step` seconds, return `case` with its running times going on unbroken.

    Dates promised to people (an acknowledgement's end, a deferral) stay what they were.
    """
    running = {name: getattr(case, name) for name in RUNNING_TIMES}
    due = case.care.note_due
    care = case.care if due is None else msgspec.structs.replace(case.care, note_due=due + step)
    return msgspec.structs.replace(
        case, care=care, **{name: at + step for name, at in running.items() if at is not None}
    )


def is_history(case: Case, now: float) -> bool:
    """Return whether a closed case cannot matter to a new finding any more; it stays in the store."""
    return case.state == "closed" and case.closed_at is not None and now - case.closed_at > RECURRENCE_PERIOD


class Followed:
    """One case on its way through one cycle: the only place in which a case changes."""

    def __init__(self, case: Case, situation: Situation, happenings: list[str] | None = None) -> None:
        """Start from the case as it was stored."""
        self.case = case
        self.situation = situation
        self.now = situation.now
        self.operations: list[Operation] = []
        self.happenings = happenings or []
        self.kept: list[tuple[Promised, Priority, Kept]] = []
        self.helped: Episode | None = None
        self.earlier: tuple[EarlierTicket, ...] = ()
        self.wants_to_open = False
        self.seen = False
        self.untold = False

    @property
    def rule(self) -> Rule | None:
        """The rule that made the case; None for a gathering, an orphan, or a rule that was switched off."""
        return self.situation.rules.get(self.case.rule)

    @property
    def desks(self) -> tuple[str, ...]:
        """The desks that the case is told to, its home first; where that was not decided yet, those that it would get now."""
        if self.case.desks:
            return self.case.desks
        return (self.case.ticket.desk,) if self.case.ticket else self.route()

    def route(self) -> tuple[str, ...]:
        """Return the desks that the configuration has for the case as it is now."""
        return targets(self.case, self.situation.customer, self.situation.delivery)

    def opened_lately(self) -> tuple[float, ...]:
        """Return when the case opened or came back within the time in which recurrences are counted."""
        return tuple(at for at in self.case.opened if self.now - at < RECURRENCE_PERIOD)

    def step(self, before: Case | None) -> Step:
        """Return the outcome, compared with the case as it was stored."""
        return Step(
            case=self.case,
            durable=bool(before is None or self.operations or self.happenings or self._differs(before)),
            untold=self.untold,
            operations=tuple(self.operations),
            happenings=tuple(self.happenings),
            kept=tuple(self.kept),
        )

    def _differs(self, before: Case) -> bool:
        if self.case is before:
            return False
        repeat = msgspec.structs.replace(
            before,
            last_seen=self.case.last_seen,
            judged_at=self.case.judged_at,
            evidence=self.case.evidence,
            forecast=self.case.forecast,
            healthy_evidence=self.case.healthy_evidence,
        )
        return repeat != self.case

    # -- beginning and end ------------------------------------------------------------------------------------------

    def open(self, parent: str | None = None) -> None:
        """Open the case: with a ticket of its own, or told in its parent's."""
        case = self.case
        opened = self.opened_lately()
        if case.state == "pending":  # else it was told in a digest already, and leaves it because it got urgent
            opened = (*opened, self.now)
        returns = (
            case.ticket is not None
            and case.closed_at is not None
            and self.now - case.closed_at <= self.situation.policy.reopen_within
        )
        self.become(
            "open",
            "opened" if parent is None else "told in a digest",
            hold=None,
            parent=parent,
            opened=opened,
            recurring=len(opened) >= self.situation.policy.recurring_after,
            opened_at=self.now,
            closed_by_person_at=None,
            contest="none",
            confirmed=False,
            care=Care(desk_due=case.care.desk_due if returns and parent is None else None),
            proposed=(),
            agreed=None,
        )
        if parent is not None:
            self.set(ticket=None, desks=())
        elif returns:
            self.set(desks=self.desks)
            self.ask("reopen", "returned")
            if case.ticket_priority is not None and priorities.worse(case.priority, case.ticket_priority):
                self.ask("raise_priority", "returned", earlier_priority=case.ticket_priority)
            self.ask("comment", "returned", public=True)
        else:
            self.set(ticket=None, ticket_status="", ticket_priority=None, acts=(), desks=self.route())
            self.ask("open", "opened")

    def go_away(self, happening: str) -> None:
        """End what never opened, or did not open again: then its end is still the earlier one."""
        case = self.case
        self.become(
            "closed",
            happening,
            closed_by=case.closed_by or "cleared",
            closed_at=case.closed_at or self.now,
            breach_since=None,
        )

    def end_untold(self) -> None:
        """End what the desk could not be told of while it lasted: nobody was asked to do anything, so nobody has to confirm.

        Another desk may have got its copy; the outbox withdraws what is said here to one that has not.
        """
        self.untold = True
        self.become(
            "closed", "over before the desk was told", closed_at=self.now, closed_by="cleared", breach_since=None
        )
        self.ask("comment", "closed", public=True, desks=self.desks[1:])
        self.ask("resolve", "closed", desks=self.desks[1:])

    def close(self, by: ClosedBy) -> None:
        """Close the case with its report; bring the ticket to its end unless a person already did."""
        # A reopening that is still on its way comes before what is asked for here.
        ticket_is_open = self.case.closed_by_person_at is None or self.case.contest == "asked"
        self.become("closed", f"closed by {by}", closed_at=self.now, closed_by=by, breach_since=None)
        self.set(episodes=ended(self.case, self.now))
        if by == "parent":
            return
        copies = self.desks[1:]
        self.ask("comment", "closed", public=True, desks=copies if self.case.ticket_status == "gone" else self.desks)
        self.ask("resolve", "closed", desks=self.desks if ticket_is_open else copies)

    # -- the time ---------------------------------------------------------------------------------------------------

    def let_time_pass(self) -> None:
        """Do what is due by the clock, whatever was seen."""
        case, now, policy = self.case, self.now, self.situation.policy
        if case.state == "pending" and not self.seen and now - case.judged_at >= UNMEASURED_AFTER:
            self.go_away("nothing measures it any more")
        elif case.state == "acknowledged" and case.acknowledged_until is not None and now >= case.acknowledged_until:
            self.become("open", "acknowledgement expired")
        elif case.state == "deferred" and case.deferred_until is not None and now >= case.deferred_until:
            self.become("open", "deferral ended")
        elif case.state == "awaiting_confirmation" and case.breach_since is None:
            if case.closed_by_person_at is not None or case.confirmed:
                self.close("person")
            elif now - case.changed_at >= policy.confirm_within:
                self.close("rule")
        elif case.closed_by_person_at is not None and not case.members:
            self._contest(case.closed_by_person_at)

    def _contest(self, closed_at: float) -> None:
        """Let a person's closing stand, unless readings still breach: then say so, once by reopening."""
        case, now = self.case, self.now
        contested = case.state in {"open", "acknowledged", "recovering"}  # a relapse is told as one, when it has lasted
        if not (contested or case.state == "awaiting_confirmation") or now - closed_at < self.situation.policy.grace:
            return
        if now - max(case.judged_at, closed_at) >= UNMEASURED_AFTER:
            self.close("person")
        elif (
            not contested
            or case.judged_at <= closed_at
            or case.breach_since is None
            or case.severity is Severity.NOTICE
        ):
            return  # nothing measured since speaks against them
        elif case.contest == "none":
            self.set(contest="asked")
            # Nobody closed the copies: there is nothing to open again there.
            self.ask("reopen", "not_fixed", desks=self.desks[:1])
            self.ask("comment", "not_fixed", public=True, desks=self.desks[:1])
        elif case.contest == "reopened":
            self.set(contest="over")
            self.ask("comment", "still_breaching", public=True)

    # -- writing down -----------------------------------------------------------------------------------------------

    def set(self, **changes: object) -> None:
        """Change fields of the case."""
        self.case = msgspec.structs.replace(self.case, **changes)

    def tend(self, **changes: object) -> None:
        """Change what is promised to people about the case."""
        self.set(care=msgspec.structs.replace(self.case.care, **changes))

    def become(self, state: CaseState, happening: str, **changes: object) -> None:
        """Go over to `state`; `happening` says so on the time line, empty when something else does.

        What was acknowledged or put off stays so over a recovery, which may not last, and over nothing else.
        """
        if state != "recovering":
            self.set(acknowledged_until=None, deferred_until=None)
        self.set(state=state, changed_at=self.now, **changes)
        if happening:
            self.happenings.append(happening)

    def raise_priority(self, topic: Topic, earlier: Priority, members: Sequence[Case] = ()) -> None:
        """Ask for the case's priority where it was `earlier`. A home ticket known to have it, or a higher one, is let alone."""
        known = self.case.ticket_priority
        has_it = known is not None and not priorities.worse(self.case.priority, known)
        desks = self.desks[1:] if has_it else self.desks
        self.ask("raise_priority", topic, earlier_priority=earlier, members=members, desks=desks)

    def ask(
        self,
        kind: OperationKind,
        topic: Topic,
        *,
        public: bool = False,
        earlier_priority: Priority | None = None,
        members: Sequence[Case] = (),
        desks: tuple[str, ...] | None = None,
        expires: float | None = None,
    ) -> None:
        """Queue an operation with the facts as they are now: at `desks`, which are the case's own when None.

        expires: unix seconds after which it is no news any more.
        """
        if kind == "comment" and topic in CALENDAR_TOPICS:
            self.set(calendar=self.case.calendar + 1)
        facts = pack(
            case_facts(
                self.case,
                self.situation.rules,
                self.situation.unseen,
                earlier_priority,
                members,
                helped=self.helped,
                earlier=self.earlier,
            )
        )
        stem = "-".join(filter(None, (self.case.key[:16], self.situation.mark)))
        for desk in self.desks if desks is None else desks:
            number = self.case.operations + 1
            self.set(operations=number)
            self.operations.append(
                Operation(
                    id=f"{stem}-{number}",
                    case=self.case.key,
                    kind=kind,
                    topic=topic,
                    desk=desk,
                    copy=desk != self.desks[0],
                    public=public,
                    facts=facts,
                    created_at=self.now,
                    expires=expires,
                )
            )
