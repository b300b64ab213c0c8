"""An operation's facts become what the desk is asked to hold: a Ticket or a Comment, in words, with windows planned.

Whatever leaves here is the ticket's closed core (`agent.evidence`), whatever was consented to: more comes as a file beside it
(`agent.bundle`). Used by the courier and by commands; the resident daemon never imports it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from agent import wording
from agent.consent import Allowed, nothing_allowed
from agent.evidence import core
from agent.facts import CaseFacts, MemberFacts, unpack
from agent.follow import GATHERINGS
from agent.host import HostIdentity
from agent.model import Operation
from agent.priority import raised
from agent.routing import ticket_key
from agent.settings import DAY, MINUTE, Settings
from agent.windows import MaintenanceWindow, Proposal, propose, spread
from thresholds import Forecast, Severity
from ticketing_clients import (
    Comment,
    Customer,
    Device,
    Priority,
    ProposedWindow,
    ServiceTimes,
    Ticket,
)

LANGUAGE = "en"
PUT_OFF = 7 * DAY
#: seconds from now beyond which a date says nothing, and beyond which calendars end
FARTHEST = 36_500 * DAY
_NOTHING = Proposal(options=(), ruled_out=())


class RenderContext(msgspec.Struct, frozen=True, kw_only=True):
    """What rendering needs beside the facts. zone: of dates and windows; now: unix seconds; version: the agent's.

    listens: whether what people answer at the desk reaches us; at a copy it does not.
    allowed: what consent lets out on tickets of a rule and type; the text is the core all the same, and tells of the rest.
    """

    settings: Settings
    host: HostIdentity
    zone: ZoneInfo
    now: float
    version: str
    listens: bool = True
    allowed: Allowed = nothing_allowed


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When to act, and how urgent that makes it.

    priority: the case's, or the next higher one when no agreed window comes before the crossing.
    failed: it has happened, and waiting for a window helps nobody.
    act_before: unix seconds by which to begin, when no agreed window comes early enough.
    work: how long the work takes, in seconds. deadline: when it has to be over, in unix seconds, if it is to prevent anything.
    put_off: until when it can be put off without harm, in unix seconds, if it can; a week at most, for people to go by.
    """

    priority: Priority
    proposal: Proposal = _NOTHING
    failed: bool = False
    act_before: float | None = None
    work: float
    deadline: float | None = None
    put_off: float | None = None

    @property
    def windows(self) -> tuple[MaintenanceWindow, ...]:
        """The times to choose from."""
        return self.proposal.options

    @property
    def act_now(self) -> bool:
        """Whether people are asked not to wait for a window."""
        return self.failed or self.act_before is not None


def render_ticket(operation: Operation, context: RenderContext) -> Ticket:
    """Return the ticket that `operation` opens, reopens, raises or resolves.

    Raises msgspec.ValidationError when the operation's facts are not CaseFacts.
    """
    facts = _readable(unpack(operation.facts), context.now)
    values = _values(facts, context, listens=context.listens and not operation.copy)
    plan: Plan = values["plan"]
    title, _, body = wording.write("ticket", values).strip().partition("\n")
    return Ticket(
        key=ticket_key(operation),
        rule=facts.rule,
        subject=_what(facts.subject),
        type=facts.type,
        title=wording.unmark(title),
        body=wording.parse(body),
        priority=plan.priority,
        device=Device(id=context.host.id, name=context.host.name, role=context.settings.host.role),
        customer=_customer(context.settings),
        language=LANGUAGE,
        service_times=values["service"],
        crossing=_utc(facts.forecast.earliest) if facts.forecast else None,
        crossing_expected=_utc(facts.forecast.expected) if facts.forecast else None,
        windows=tuple(_proposed(window, values) for window in plan.windows),
        labels=("foretell", facts.rule) if facts.rule else ("foretell",),
    )


def render_comment(operation: Operation, context: RenderContext) -> Comment:
    """Return the comment that `operation` makes; its topic names the template.

    Raises msgspec.ValidationError when the facts are not CaseFacts, jinja2.TemplateNotFound when nothing is said on the topic.
    """
    facts = _readable(unpack(operation.facts), context.now)
    values = _values(facts, context, listens=context.listens and not operation.copy)
    body = wording.parse(wording.write(f"comments/{operation.topic}", values))
    return Comment(marker=operation.id, body=body, public=operation.public)


def plan_work(facts: CaseFacts, context: RenderContext, *, work: float, timing: str, lead: float = 0) -> Plan:
    """Return when to do `work` (seconds) about `facts`; `timing` and `lead` (seconds to prepare it) are the remedy's.

    soon: in a window before the crossing; at once when it has happened, or when no window comes in time.
    planned: in a window, before the crossing if one comes, after it otherwise. now: at once.
    """
    crossing = facts.forecast.earliest if facts.forecast else None
    happened = facts.severity is Severity.CRITICAL if crossing is None else crossing <= context.now
    if timing == "now" or (timing == "soon" and happened):
        return Plan(priority=facts.priority, failed=True, work=work, put_off=context.now + PUT_OFF)
    windows = context.settings.windows
    windows = msgspec.structs.replace(windows, notice=max(windows.notice, lead))
    place = spread(context.host.id)
    proposal = propose(context.now, windows, context.zone, before=crossing, length=work, place=place)
    if timing == "planned" and proposal.none_fits and crossing is not None:
        proposal = propose(context.now, windows, context.zone, before=None, length=work, place=place)
    if timing == "planned" or crossing is None:
        return Plan(priority=facts.priority, proposal=proposal, work=work, put_off=context.now + PUT_OFF)
    deadline = crossing - windows.safety
    plan = Plan(
        priority=facts.priority,
        proposal=proposal,
        work=work,
        deadline=deadline,
        put_off=min(context.now + PUT_OFF, crossing - DAY) if crossing - context.now > 2 * DAY else None,
    )
    if proposal.none_fits:
        act_before = max(deadline - work, context.now)
        return msgspec.structs.replace(plan, priority=raised(facts.priority), act_before=act_before)
    return plan


def _service_times(plan: Plan, context: RenderContext) -> ServiceTimes:
    """Return the service level's times; the fix no sooner than the first window we propose, and in time to prevent it."""
    level = context.settings.service_levels.of(plan.priority)
    fix = context.now + level.fix
    if plan.windows:
        fix = max(fix, plan.windows[0].end)
    if plan.deadline is not None:
        fix = max(min(fix, plan.deadline), context.now)
    return ServiceTimes(first_response_due=_utc(context.now + level.first_response), fix_due=_utc(fix))


def _readable(facts: CaseFacts, now: float) -> CaseFacts:
    """Return `facts` as people can read them.

    The subject of a gathering is a time that only tells it from others. A slow drift may be told to end in ten thousand
    years, which no calendar can show.
    """
    if facts.rule in GATHERINGS:
        facts = msgspec.structs.replace(facts, subject={})
    if facts.forecast is None:
        return facts
    farthest, latest = now + FARTHEST, facts.forecast.latest
    forecast = Forecast(
        earliest=min(facts.forecast.earliest, farthest),
        expected=min(facts.forecast.expected, farthest),
        latest=None if latest is None or latest > farthest else latest,
    )
    return msgspec.structs.replace(facts, forecast=forecast)


def _values(facts: CaseFacts, context: RenderContext, *, listens: bool) -> dict[str, Any]:
    """Return everything a template may say."""
    settings = context.settings
    about_host = {
        "customer": settings.customer,
        "host": {"id": context.host.id, "name": context.host.name, "role": settings.host.role},
        "notice": settings.windows.notice,
        "safety": settings.windows.safety,
        "now": context.now,
        "zone": context.zone,
        "version": context.version,
        "confirm_within": settings.cases.confirm_within,
        "listens": listens,
        "level": context.allowed(facts.rule, facts.type),
    }
    values = about_host | _about(facts)
    values["healthy_evidence"] = core(facts.healthy_evidence)
    values["members"] = [_member(member, about_host) for member in facts.members]
    words = values["words"] = wording.find_words(facts.rule, facts.remedy, values)
    plan = plan_work(facts, context, work=words.minutes * MINUTE, timing=words.timing, lead=words.lead_days * DAY)
    values["plan"] = plan
    values["service"] = _service_times(plan, context)
    return values


def _about(facts: CaseFacts | MemberFacts) -> dict[str, Any]:
    return {
        "facts": facts,
        "what": _what(facts.subject),
        "evidence": core(facts.evidence),
        "forecast": facts.forecast,
        "members": [],
    }


def _member(member: MemberFacts, about_host: dict[str, Any]) -> dict[str, Any]:
    values = about_host | _about(member)
    return values | {"words": wording.find_words(member.rule, member.rule, values)}


def _what(subject: dict[str, str]) -> str:
    """Return the subject's labels as one short text, the same for the same subject."""
    return ", ".join(subject[label] for label in sorted(subject))


def _proposed(window: MaintenanceWindow, values: dict[str, Any]) -> ProposedWindow:
    reason = wording.unmark(wording.write("window_reason", values | {"window": window}))
    return ProposedWindow(start=_utc(window.start), end=_utc(window.end), zone=window.zone, reason=reason)


def _customer(settings: Settings) -> Customer:
    customer = settings.customer
    return Customer(id=customer.id, name=customer.name or customer.id, contact=customer.contact, tier=customer.tier)


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
