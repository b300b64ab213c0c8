"""The plan for one case: in which windows to act, or at once, and how urgent that makes it. Pure.

`agent.calendar.windows` finds the windows; here the remedy's needs and the forecast say what is asked of it, and what follows.
"""

from __future__ import annotations

import math

import msgspec

from agent.calendar.quiet_hours import QuietHours
from agent.calendar.windows import QUARTER, Calendar, Limits, MaintenanceWindow, Proposal, Taken, propose, spread
from agent.configuration.settings import DAY, MINUTE, WindowSettings
from agent.following.facts import CaseFacts
from agent.following.priority import raised
from agent.wording.remedies import Remedy, Risk, Timing
from thresholds import Severity
from ticketing_clients import Priority

PUT_OFF = 7 * DAY
_NOTHING = Proposal(options=(), ruled_out=())


#: what is kept free after the work, as a share of its length, to take it back if it goes wrong
ROOM: dict[Risk, float] = {"low": 0.0, "medium": 0.25, "high": 1 / 3}


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the remedy asks for. length, lead: seconds it takes, and to prepare it.

    timing: soon is in a window before the crossing, or at once when it has happened or no window comes in time; planned is in
    a window, before the crossing if one comes, after it otherwise; now is at once.
    risk: how likely it goes wrong and has to be taken back. interrupts: whether somebody notices, so that quiet hours matter.
    """

    length: float
    timing: Timing
    lead: float = 0.0
    risk: Risk = "low"
    interrupts: bool = True

    @property
    def room(self) -> float:
        """Seconds to keep free after it, to take it back."""
        return math.ceil(self.length * ROOM[self.risk] / QUARTER) * QUARTER


def work_of(remedy: Remedy) -> Work:
    """Return what a remedy asks for."""
    return Work(
        length=remedy.minutes * MINUTE,
        timing=remedy.timing,
        lead=remedy.lead_days * DAY,
        risk=remedy.risk,
        interrupts=remedy.interruption != "none",
    )


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What is planned in: the time in unix seconds, the calendar and what was agreed about it, and whose host it is (its id).

    taken: windows of all cases of this host. quiet: the host's habits; None where nobody looked.
    """

    now: float
    windows: WindowSettings
    calendar: Calendar
    host: str
    taken: tuple[Taken, ...] = ()
    quiet: QuietHours | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When to act, and how urgent that makes it.

    priority: the case's, or the next higher one when no agreed window comes before the crossing.
    failed: it has happened, and waiting for a window helps nobody.
    act_before: unix seconds by which to begin, when no agreed window comes early enough.
    work: how long the work takes, in seconds; room: how much longer the windows are, to take it back.
    notice: seconds that it is at least told before.
    deadline: when it has to be over, in unix seconds, if it is to prevent anything.
    put_off: until when it can be put off without harm, in unix seconds, if it can; a week at most, for people to go by.
    agreed: the window that a person accepted, as long as it comes in time; then there is nothing to choose.
    quiet: the habits that the windows were ranked by, or would have been; None where the work disturbs nobody.
    """

    priority: Priority
    proposal: Proposal = _NOTHING
    failed: bool = False
    act_before: float | None = None
    work: float
    room: float = 0.0
    notice: float = 0.0
    deadline: float | None = None
    put_off: float | None = None
    agreed: MaintenanceWindow | None = None
    quiet: QuietHours | None = None

    @property
    def windows(self) -> tuple[MaintenanceWindow, ...]:
        """The times to choose from."""
        return self.proposal.options

    @property
    def act_now(self) -> bool:
        """Whether people are asked not to wait for a window."""
        return self.failed or self.act_before is not None


def plan_work(facts: CaseFacts, work: Work, around: Surroundings) -> Plan:
    """Return when to do `work` about `facts`."""
    now = around.now
    crossing = facts.forecast.earliest if facts.forecast else None
    happened = facts.severity is Severity.CRITICAL if crossing is None else crossing <= now
    agreed = facts.agreed
    if agreed is not None and now < agreed.start and (crossing is None or agreed.end <= crossing):
        return Plan(priority=facts.priority, work=work.length, agreed=agreed, put_off=now + PUT_OFF)
    if work.timing == "now" or (work.timing == "soon" and happened):
        return Plan(priority=facts.priority, failed=True, work=work.length, put_off=now + PUT_OFF)
    proposal = _proposal(facts.key, work, around, crossing)
    if work.timing == "planned" and proposal.none_fits and crossing is not None:
        proposal = _proposal(facts.key, work, around, None)
    plan = Plan(
        priority=facts.priority,
        proposal=proposal,
        work=work.length,
        room=work.room,
        notice=max(around.windows.notice, work.lead),
        quiet=around.quiet if work.interrupts else None,
    )
    if work.timing == "planned" or crossing is None:
        return msgspec.structs.replace(plan, put_off=now + PUT_OFF)
    deadline = crossing - around.windows.safety
    put_off = min(now + PUT_OFF, crossing - DAY) if crossing - now > 2 * DAY else None
    plan = msgspec.structs.replace(plan, deadline=deadline, put_off=put_off)
    if proposal.none_fits:
        act_before = max(deadline - work.length, now)
        return msgspec.structs.replace(plan, priority=raised(facts.priority), act_before=act_before)
    return plan


def _proposal(case: str, work: Work, around: Surroundings, crossing: float | None) -> Proposal:
    windows = around.windows
    limits = Limits(
        soonest=around.now + max(windows.notice, work.lead),
        latest=math.inf if crossing is None else crossing - windows.safety,
        length=work.length + work.room,
    )
    return propose(
        around.now,
        around.calendar,
        limits,
        options=windows.options,
        crossing=crossing,
        place=spread(around.host),
        taken=[one for one in around.taken if one.case != case],
        quiet=around.quiet if work.interrupts else None,
    )
