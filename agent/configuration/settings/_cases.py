"""How a problem is followed: waits, thresholds of storms, and the matrix of priorities."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.configuration.settings._section import DAY, HOUR, Criticality, Section, Tier
from collectors import Seconds
from ticketing_clients import Priority


class CaseSettings(Section, frozen=True, kw_only=True):
    """How a case is followed."""

    grace: Annotated[
        Seconds, msgspec.Meta(description="Time readings may still breach after a person closed the ticket.")
    ] = HOUR
    reopen_within: Annotated[
        Seconds, msgspec.Meta(description="A problem back within this time reopens its ticket.")
    ] = 7 * DAY
    acknowledgement: Annotated[
        Seconds, msgspec.Meta(description="How long an acknowledgement lasts before the case is open again.")
    ] = 3 * DAY
    wont_fix: Annotated[
        Seconds, msgspec.Meta(description="How long a refusal to fix lasts before the case is open again.")
    ] = 90 * DAY
    recurring_after: Annotated[
        int, msgspec.Meta(ge=2, description="Openings within 30 days that make a problem recurring.")
    ] = 3
    confirm_within: Annotated[
        Seconds,
        msgspec.Meta(description="Time after which a verified recovery is closed without a person's confirmation."),
    ] = 7 * DAY
    remind_every: Annotated[
        Seconds, msgspec.Meta(description="Time between two reminders that a verified recovery waits for confirmation.")
    ] = 3 * DAY
    rating_within: Annotated[
        Seconds,
        msgspec.Meta(
            description="How long after its end a customer's rating of a ticket is waited for; 0 asks for none."
        ),
    ] = 7 * DAY
    storm_cases: Annotated[
        int, msgspec.Meta(ge=2, description="New cases within storm_window that are told in one ticket.")
    ] = 10
    storm_window: Annotated[Seconds, msgspec.Meta(description="See storm_cases.")] = HOUR


class ByUrgency(Section, frozen=True, kw_only=True):
    """The priorities of one impact."""

    high: Annotated[Priority, msgspec.Meta(description="It has happened, or will at once.")]
    medium: Annotated[Priority, msgspec.Meta(description="It has to be planned now.")]
    low: Annotated[Priority, msgspec.Meta(description="There is time, or no date.")]


class PrioritySettings(Section, frozen=True, kw_only=True):
    """How urgent a case is: impact times urgency (ITIL), urgency from the time left until the expected date."""

    at_once: Annotated[Seconds, msgspec.Meta(description="Expected within this time: the urgency is high.")] = DAY
    planned: Annotated[
        Seconds, msgspec.Meta(description="Expected within this time: it is medium; later, or without a date: low.")
    ] = 7 * DAY
    high: Annotated[ByUrgency, msgspec.Meta(description="Priorities of a high impact, by urgency.")] = ByUrgency(
        high="P1", medium="P2", low="P3"
    )
    medium: Annotated[ByUrgency, msgspec.Meta(description="Priorities of a medium impact.")] = ByUrgency(
        high="P2", medium="P3", low="P4"
    )
    low: Annotated[ByUrgency, msgspec.Meta(description="Priorities of a low impact.")] = ByUrgency(
        high="P3", medium="P4", low="P4"
    )
    criticality: Annotated[
        dict[Criticality, int],
        msgspec.Meta(description="Grades by which host.criticality moves the rule's impact; high 1, low -1."),
    ] = msgspec.field(default_factory=dict)
    tier: Annotated[
        dict[Tier, int],
        msgspec.Meta(description="Grades by which customer.tier moves the rule's impact; premium 1, basic -1."),
    ] = msgspec.field(default_factory=dict)
