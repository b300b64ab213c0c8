"""An operation's facts become what the desk is asked to hold: a Ticket or a Comment, in words.

Whatever leaves here is the ticket's closed core, and from consent `facts` on further numbers (`evidence`) and what a first
diagnosis found; more comes as a file beside it (`agent.bundle`). Used by the courier and by commands; the resident daemon never
imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from agent.calendar.appointments import PROPOSING, appointment
from agent.calendar.calendars import HORIZON, holidays_of
from agent.calendar.planning import Plan, plan_work, work_of
from agent.calendar.quiet_hours import ENOUGH
from agent.calendar.service_hours import never_closed
from agent.calendar.service_levels import ServicePolicy
from agent.calendar.windows import MaintenanceWindow
from agent.configuration.settings import Settings
from agent.consent.evidence import core, permitted
from agent.consent.levels import Level, lets_out
from agent.following import priority
from agent.following.facts import CaseFacts, FoundFact, MemberFacts, unpack
from agent.following.follow import GATHERINGS
from agent.following.model import HEALTH_REPORT, Operation, Topic
from agent.following.routing import ticket_key
from agent.wording._values import reachable
from agent.wording.context import NoNews, RenderContext
from agent.wording.languages import find_language
from agent.wording.lines import parse, unmark
from agent.wording.words import Wording, in_language
from ticketing_clients import (
    Attachment,
    Comment,
    Customer,
    Device,
    Document,
    ProposedWindow,
    ServiceTimes,
    Ticket,
)

# Tickets that are about no problem at hand have a text of their own, named like their topic.
_OF_THEIR_OWN = frozenset({"dissatisfied", HEALTH_REPORT})
# What says that it is measured well again, and asks a person to confirm it.
_ASKING_TO_CONFIRM = frozenset[Topic]({"recovered", "reminder"})


def render_ticket(operation: Operation, context: RenderContext) -> Ticket:
    """Return the ticket that `operation` opens, reopens, raises or resolves.

    Raises msgspec.ValidationError when the operation's facts are not CaseFacts.
    """
    facts = _readable(unpack(operation.facts), context.now)
    values = _values(facts, context, copy=operation.copy)
    plan: Plan = values["plan"]
    said = wording_of(context)
    template = operation.topic if operation.topic in _OF_THEIR_OWN else "ticket"
    title, _, body = said.write(template, values).strip().partition("\n")
    return Ticket(
        key=ticket_key(operation),
        rule=facts.rule,
        subject=_what(facts.subject),
        type=facts.type,
        title=unmark(title),
        body=parse(body),
        priority=plan.priority,
        device=values["host"],
        customer=customer_of(context.settings),
        language=said.language,
        service_times=values["service"],
        crossing=_utc(facts.forecast.earliest) if facts.forecast else None,
        crossing_expected=_utc(facts.forecast.expected) if facts.forecast else None,
        windows=tuple(_proposed(window, values, said) for window in plan.windows),
        appointment=appointment(operation.topic, facts, values, said),
        labels=("foretell", facts.rule) if facts.rule else ("foretell",),
    )


def render_comment(operation: Operation, context: RenderContext) -> Comment:
    """Return the comment that `operation` makes; its topic names the template.

    Raises msgspec.ValidationError when the facts are not CaseFacts, jinja2.TemplateNotFound when nothing is said on the topic.
    """
    facts = _readable(unpack(operation.facts), context.now)
    values = _values(facts, context, copy=operation.copy)
    said = wording_of(context)
    body = parse(said.write(f"comments/{operation.topic}", values))
    windows = values["plan"].windows if operation.topic in PROPOSING else ()
    return Comment(
        marker=operation.id,
        body=body,
        public=operation.public,
        well=operation.topic in _ASKING_TO_CONFIRM,
        windows=tuple(_proposed(window, values, said) for window in windows),
        appointment=appointment(operation.topic, facts, values, said),
    )


def render_entry(operation: Operation, context: RenderContext) -> Attachment:
    """Return the file by which people's calendars take in what `operation` is about.

    Raises msgspec.ValidationError when the facts are not CaseFacts, NoNews when calendars have nothing to take in.
    """
    facts = _readable(unpack(operation.facts), context.now)
    values = _values(facts, context, copy=operation.copy)
    entry = appointment(operation.topic, facts, values, wording_of(context))
    if entry is None:
        raise NoNews
    from ticketing_clients._calendar import calendar_file  # noqa: PLC0415 - its library is heavy, and seldom needed

    return calendar_file(entry, _utc(context.now))


def render(operation: Operation, context: RenderContext) -> Ticket | Comment | Attachment:
    """Return what the desk is asked to hold for `operation`."""
    if operation.kind == "calendar":
        return render_entry(operation, context)
    return render_comment(operation, context) if operation.kind == "comment" else render_ticket(operation, context)


def plan_of(facts: CaseFacts, context: RenderContext) -> Plan:
    """Return when to do what the remedy for `facts` asks for."""
    return plan_work(facts, work_of(wording_of(context).find_remedy(facts.remedy)), context.surroundings())


def service_policy(context: RenderContext) -> ServicePolicy:
    """Return the service levels of the customer, on their calendar."""
    settings, zone = context.settings, context.zone
    closed: Callable[[date], bool] = never_closed
    if settings.service_levels.hours and settings.windows.holidays.country:
        free = holidays_of(settings.windows.holidays, zone, context.now - HORIZON, context.now + HORIZON)
        closed = {datetime.fromtimestamp(day.start, zone).date() for day in free}.__contains__
    return ServicePolicy(levels=settings.service_levels, customer=settings.customer, zone=zone, closed=closed)


def render_article(facts: CaseFacts, context: RenderContext) -> tuple[str, Document]:
    """Return title and text of what was learnt from the closed case of `facts`, for whoever has its kind next."""
    values = _values(_readable(facts, context.now), context, copy=False)
    title, _, body = wording_of(context).write("article", values).strip().partition("\n")
    return unmark(title), parse(body)


def _service_times(facts: CaseFacts, plan: Plan, context: RenderContext) -> ServiceTimes:
    """Return what is due: the fix no sooner than the first window we propose, and in time to prevent it."""
    dues = service_policy(context).dues(
        plan.priority,
        context.now,
        deadline=plan.deadline,
        not_before=plan.windows[0].end if plan.windows else None,
        earlier=facts.promise,
    )
    return ServiceTimes(first_response_due=_utc(dues.answer), fix_due=_utc(dues.fix))


def _readable(facts: CaseFacts, now: float) -> CaseFacts:
    """Return `facts` as people can read them.

    The subject of a gathering is a time that only tells it from others.
    """
    if facts.rule in GATHERINGS:
        facts = msgspec.structs.replace(facts, subject={})
    return msgspec.structs.replace(facts, forecast=reachable(facts.forecast, now))


def _values(facts: CaseFacts, context: RenderContext, *, copy: bool) -> dict[str, Any]:
    """Return everything a template may say."""
    settings = context.settings
    about_host = {
        "customer": settings.customer,
        "host": _device(context, "none" if facts.rule in GATHERINGS else context.level),
        "notice": settings.windows.notice,
        "safety": settings.windows.safety,
        "enough_history": ENOUGH,
        "now": context.now,
        "zone": context.zone,
        "version": context.version,
        "confirm_within": settings.cases.confirm_within,
        "listens": context.listens and not copy,
        "asks_rating": context.listens and not copy and settings.cases.rating_within > 0,
        "level": context.level,
        "copy": copy,
        "maturity": settings.customer.it_maturity,
        "urgency": priority.urgency(facts.severity, facts.forecast, context.now, settings.priorities),
    }
    said = wording_of(context)
    values = about_host | _about(facts) | {"evidence": permitted(facts.evidence, context.level)}
    values["healthy_evidence"] = permitted(facts.healthy_evidence, context.level)
    if facts.diagnosis is not None and lets_out(context.level, "path"):
        values |= {"diagnosis": facts.diagnosis, "found": _by_name(facts.diagnosis.found)}
    values["noted"] = core(facts.noted)
    waits_since = facts.changed_at if facts.changed_at is not None else context.now
    values["closes_at"] = waits_since + settings.cases.confirm_within
    values["members"] = [_member(member, about_host, said) for member in facts.members]
    values["words"] = said.find_words(facts.rule, facts.remedy, values)
    values["around"] = context.surroundings()
    plan = values["plan"] = plan_of(facts, context)
    values["service"] = _service_times(facts, plan, context)
    level = settings.service_levels.of(plan.priority, settings.customer.tier)
    values["next_note"] = None if level.progress is None else context.now + level.progress
    return values


def _about(facts: CaseFacts | MemberFacts) -> dict[str, Any]:
    return {
        "facts": facts,
        "what": _what(facts.subject),
        "evidence": core(facts.evidence),
        "forecast": facts.forecast,
        "members": [],
    }


def _member(member: MemberFacts, about_host: dict[str, Any], said: Wording) -> dict[str, Any]:
    values = about_host | _about(member)
    return values | {"words": said.find_words(member.rule, member.rule, values)}


def wording_of(context: RenderContext) -> Wording:
    """Return the sentences in the customer's language; a configuration that names another was refused when it was read."""
    folder = context.settings.wording.folder
    language = find_language(context.settings.customer.language, Path(folder) / "languages" if folder else None)
    return in_language(language, Path(folder) if folder else None)


def _by_name(found: Sequence[FoundFact]) -> dict[str, list[FoundFact]]:
    by_name: dict[str, list[FoundFact]] = {}
    for fact in found:
        by_name.setdefault(fact.name, []).append(fact)
    return by_name


def _what(subject: dict[str, str]) -> str:
    """Return the subject's labels as one short text, the same for the same subject."""
    return ", ".join(subject[label] for label in sorted(subject))


def _proposed(window: MaintenanceWindow, values: dict[str, Any], said: Wording) -> ProposedWindow:
    reason = unmark(said.write("window_reason", values | {"window": window}))
    return ProposedWindow(start=_utc(window.start), end=_utc(window.end), zone=window.zone, reason=reason)


def _device(context: RenderContext, level: Level) -> Device:
    """Return the host as far as `level` lets it be told of: its label always, what it is made of by consent."""
    host = context.host
    return Device(
        id=host.id,
        name=host.name,
        os=host.os if lets_out(level, "version") else "",
        serial=host.serial if lets_out(level, "serial") else "",
        role=context.settings.host.role,
    )


def customer_of(settings: Settings) -> Customer:
    """Return whom tickets by these settings concern."""
    customer = settings.customer
    return Customer(id=customer.id, name=customer.name or customer.id, contact=customer.contact, tier=customer.tier)


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
