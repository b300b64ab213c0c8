"""When: agreed hours, freezes, holidays, and what the desk has promised by when."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.configuration.settings._section import (
    DAY,
    HOUR,
    MINUTE,
    ClockTime,
    Day,
    LocalDate,
    LocalMoment,
    RecurrenceRule,
    Section,
    Tier,
)
from collectors import Seconds
from ticketing_clients import Priority


class AgreedWindow(Section, frozen=True, kw_only=True):
    """Hours that come again and again, in which maintenance may be proposed. Their length is absolute, whatever clocks do."""

    duration: Annotated[
        float,
        msgspec.Meta(gt=0, le=14 * DAY, extra={"duration": True}, description="How long it lasts (absolute time)."),
    ]
    cutoff: Annotated[Seconds, msgspec.Meta(description="No work starts within so long of the end.")] = 0.0
    zone: Annotated[
        str | None, msgspec.Meta(description="IANA time zone of its times; the customer's when left out.")
    ] = None
    valid_from: Annotated[LocalDate | None, msgspec.Meta(description="First day on which it may start.")] = None
    valid_until: Annotated[LocalDate | None, msgspec.Meta(description="Last day on which it may start.")] = None


class WeeklyWindow(AgreedWindow, frozen=True, kw_only=True):
    """Hours of the week."""

    duration: Annotated[
        float, msgspec.Meta(gt=0, le=DAY, extra={"duration": True}, description="How long it lasts (absolute time).")
    ]
    days: Annotated[list[Day], msgspec.Meta(min_length=1, description="Days on which it starts.")]
    start: Annotated[ClockTime, msgspec.Meta(description="Wall-clock start, HH:MM.")]


class RuledWindow(AgreedWindow, frozen=True, kw_only=True):
    """Hours that come by a recurrence rule of RFC 5545: the second Saturday of each month, say."""

    rule: Annotated[RecurrenceRule, msgspec.Meta(description="Recurrence rule (RFC 5545), of whole days.")]
    start: Annotated[
        LocalMoment,
        msgspec.Meta(description="When it starts for the first time, in local time; the rule counts from here."),
    ]


class Freeze(Section, frozen=True, kw_only=True):
    """A time in which nothing may be changed: once, from start to end; or again and again, by a rule and a duration."""

    start: Annotated[LocalMoment, msgspec.Meta(description="When it begins, in local time; of a rule, the first time.")]
    end: Annotated[LocalMoment | None, msgspec.Meta(description="When it is over; a date is that whole day.")] = None
    rule: Annotated[
        RecurrenceRule | None,
        msgspec.Meta(description="Recurrence rule (RFC 5545), of whole days; then without an end."),
    ] = None
    duration: Annotated[
        float, msgspec.Meta(gt=0, extra={"duration": True}, description="How long each lasts, with a rule.")
    ] = DAY
    zone: Annotated[
        str | None, msgspec.Meta(description="IANA time zone of its times; the customer's when left out.")
    ] = None
    name: Annotated[str, msgspec.Meta(description="What it is for; tickets say it.")] = ""

    def __post_init__(self) -> None:
        """Refuse what has no end, or two."""
        if (self.end is None) == (self.rule is None):
            raise ValueError("has neither end nor rule, or both: one of them says when it is over")


class PublicHolidays(Section, frozen=True, kw_only=True):
    """On whose public holidays nothing may be changed."""

    country: Annotated[
        str, msgspec.Meta(description="ISO 3166 code of the country; empty for none.", examples=["DE"])
    ] = ""
    subdivision: Annotated[
        str,
        msgspec.Meta(description="Code of its state, province or region, where those have their own.", examples=["BY"]),
    ] = ""


NIGHTLY = WeeklyWindow(days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start="22:00", duration=4 * HOUR)


class WindowSettings(Section, frozen=True, kw_only=True):
    """When maintenance may be proposed."""

    weekly: Annotated[
        list[WeeklyWindow] | None,
        msgspec.Meta(
            description="The customer's hours of the week, as [{ days = ['sat'], start = '22:00', duration = '4h' }]. "
            "Without these and rules: 22:00 to 02:00, every night."
        ),
    ] = None
    rules: Annotated[
        list[RuledWindow],
        msgspec.Meta(
            description="The customer's hours by recurrence rules, "
            "as [{ rule = 'FREQ=MONTHLY;BYDAY=2SA', start = '2026-01-10T22:00', duration = '4h' }]."
        ),
    ] = msgspec.field(default_factory=list)
    freezes: Annotated[
        list[Freeze],
        msgspec.Meta(
            description="When nothing may be changed, "
            "as [{ start = '2026-12-20', end = '2027-01-06', name = 'year end' }]."
        ),
    ] = msgspec.field(default_factory=list)
    holidays: Annotated[PublicHolidays, msgspec.Meta(description="Public holidays, which are like freezes.")] = (
        PublicHolidays()
    )
    notice: Annotated[Seconds, msgspec.Meta(description="Least time between the proposal and the window's start.")] = (
        4 * HOUR
    )
    safety: Annotated[
        Seconds, msgspec.Meta(description="A window ends at least this long before the earliest crossing.")
    ] = 2 * HOUR
    options: Annotated[int, msgspec.Meta(ge=1, le=3, description="How many windows a ticket proposes.")] = 3

    @property
    def agreed(self) -> list[WeeklyWindow | RuledWindow]:
        """All agreed hours, of either form; every night when nothing is configured."""
        if self.weekly is None and not self.rules:
            return [NIGHTLY]
        return [*(self.weekly or []), *self.rules]


class ServiceLevel(Section, frozen=True, kw_only=True):
    """What is promised for one priority, in time of the service hours."""

    first_response: Annotated[Seconds, msgspec.Meta(description="Time to the desk's first answer.")]
    fix: Annotated[Seconds, msgspec.Meta(description="Time to the fix.")]
    progress: Annotated[
        Annotated[float, msgspec.Meta(ge=5 * MINUTE, extra={"duration": True})] | None,
        msgspec.Meta(
            description="Time between two notes of what is measured, while it is open; no notes when left out."
        ),
    ] = None


class ServiceLevelsOfTier(Section, frozen=True, kw_only=True):
    """Service levels of one tier where they differ."""

    P1: Annotated[ServiceLevel | None, msgspec.Meta(description="In place of service_levels.P1.")] = None
    P2: Annotated[ServiceLevel | None, msgspec.Meta(description="In place of service_levels.P2.")] = None
    P3: Annotated[ServiceLevel | None, msgspec.Meta(description="In place of service_levels.P3.")] = None
    P4: Annotated[ServiceLevel | None, msgspec.Meta(description="In place of service_levels.P4.")] = None


class DeskHours(Section, frozen=True, kw_only=True):
    """Hours of the week in which the service desk is there, in the customer's zone."""

    days: Annotated[list[Day], msgspec.Meta(min_length=1, description="Days on which they begin.")]
    start: Annotated[ClockTime, msgspec.Meta(description="Wall-clock start, HH:MM.")]
    duration: Annotated[
        float, msgspec.Meta(gt=0, le=DAY, extra={"duration": True}, description="How long they last (absolute time).")
    ]


class ServiceLevels(Section, frozen=True, kw_only=True):
    """Service levels by priority, and the hours in which their time counts."""

    P1: ServiceLevel = ServiceLevel(first_response=30 * MINUTE, fix=4 * HOUR, progress=30 * MINUTE)
    P2: ServiceLevel = ServiceLevel(first_response=HOUR, fix=8 * HOUR)
    P3: ServiceLevel = ServiceLevel(first_response=8 * HOUR, fix=3 * DAY)
    P4: ServiceLevel = ServiceLevel(first_response=DAY, fix=10 * DAY)
    tier: Annotated[
        dict[Tier, ServiceLevelsOfTier],
        msgspec.Meta(description="Levels of a customer.tier where they differ, by tier and priority."),
    ] = msgspec.field(default_factory=dict)
    hours: Annotated[
        list[DeskHours],
        msgspec.Meta(
            description="The desk's hours of the week; round the clock when empty. None begin on windows.holidays."
        ),
    ] = msgspec.field(default_factory=list)
    round_the_clock: Annotated[
        list[Priority], msgspec.Meta(description="Priorities whose time counts outside these hours as well.")
    ] = msgspec.field(default_factory=lambda: ["P1"])
    warn_after: Annotated[
        float,
        msgspec.Meta(gt=0, lt=1, description="Share of the time after which it is warned that it will not be kept."),
    ] = 0.8

    def of(self, priority: Priority, tier: Tier) -> ServiceLevel:
        """Return the level of `priority` for customers of `tier`."""
        own: ServiceLevel | None = getattr(self.tier.get(tier), priority, None)
        level: ServiceLevel = own or getattr(self, priority)
        return level

    def hours_of(self, priority: Priority) -> list[DeskHours]:
        """Return the hours of the week in which the time of `priority` counts; none for round the clock."""
        return [] if priority in self.round_the_clock else self.hours
