"""The configuration's shape: every section, key, default and its meaning. `agent.config` reads a file into it.

The sample configuration and the reference page are made from the descriptions here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from collectors import Seconds
from ticketing_clients import Priority

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

Tier = Literal["premium", "standard", "basic"]
Criticality = Literal["high", "normal", "low"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class HostSettings(Section, frozen=True, kw_only=True):
    """This host."""

    id: Annotated[
        str | None,
        msgspec.Meta(description="Lasting id of this host at the desk; a hash of the machine id when left out."),
    ] = None
    name: Annotated[str | None, msgspec.Meta(description="Name people know it by; the host name when left out.")] = None
    role: Annotated[str, msgspec.Meta(description="What it is for, in a few words.")] = ""
    criticality: Annotated[Criticality, msgspec.Meta(description="How much depends on it; shifts the impact.")] = (
        "normal"
    )


class CustomerSettings(Section, frozen=True, kw_only=True):
    """Whose host it is."""

    id: Annotated[str, msgspec.Meta(description="Lasting id of the customer; part of every case key.")] = "default"
    name: Annotated[str, msgspec.Meta(description="Name in tickets.")] = ""
    contact: Annotated[str, msgspec.Meta(description="E-mail address that tickets name as requestor.")] = ""
    tier: Annotated[Tier, msgspec.Meta(description="Service tier; shifts the impact.")] = "standard"
    language: Annotated[str, msgspec.Meta(description="Language of the tickets.")] = "en"
    zone: Annotated[
        str | None,
        msgspec.Meta(description="IANA time zone of dates and windows (Europe/Berlin); the host's own when left out."),
    ] = None


class AgentSettings(Section, frozen=True, kw_only=True):
    """The daemon itself."""

    cycle: Annotated[float, msgspec.Meta(ge=5, extra={"duration": True}, description="Time between two cycles.")] = (
        MINUTE
    )
    listen: Annotated[str, msgspec.Meta(description="Address and port of the status page and /metrics.")] = (
        "127.0.0.1:19469"
    )
    first_look: Annotated[
        Seconds, msgspec.Meta(description="How long after installation minor findings are gathered into one digest.")
    ] = DAY


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
    ] = {}
    tier: Annotated[
        dict[Tier, int],
        msgspec.Meta(description="Grades by which customer.tier moves the rule's impact; premium 1, basic -1."),
    ] = {}


class WeeklyWindow(Section, frozen=True, kw_only=True):
    """Hours of the week in which maintenance may be proposed, in the customer's zone."""

    days: Annotated[list[Day], msgspec.Meta(min_length=1, description="Days on which it starts.")]
    start: Annotated[ClockTime, msgspec.Meta(description="Wall-clock start, HH:MM.")]
    duration: Annotated[
        float, msgspec.Meta(gt=0, le=DAY, extra={"duration": True}, description="How long it lasts (absolute time).")
    ]


class WindowSettings(Section, frozen=True, kw_only=True):
    """When maintenance may be proposed."""

    weekly: Annotated[list[WeeklyWindow], msgspec.Meta(min_length=1, description="The customer's recurring hours.")] = (
        msgspec.field(
            default_factory=lambda: [
                WeeklyWindow(days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start="22:00", duration=4 * HOUR)
            ]
        )
    )
    notice: Annotated[Seconds, msgspec.Meta(description="Least time between the proposal and the window's start.")] = (
        4 * HOUR
    )
    safety: Annotated[
        Seconds, msgspec.Meta(description="A window ends at least this long before the earliest crossing.")
    ] = 2 * HOUR
    options: Annotated[int, msgspec.Meta(ge=1, le=3, description="How many windows a ticket proposes.")] = 3


class ServiceLevel(Section, frozen=True, kw_only=True):
    """What is promised for one priority."""

    first_response: Annotated[Seconds, msgspec.Meta(description="Time to the desk's first answer.")]
    fix: Annotated[Seconds, msgspec.Meta(description="Time to the fix.")]


class ServiceLevels(Section, frozen=True, kw_only=True):
    """Service levels by priority."""

    P1: ServiceLevel = ServiceLevel(first_response=30 * MINUTE, fix=4 * HOUR)
    P2: ServiceLevel = ServiceLevel(first_response=HOUR, fix=8 * HOUR)
    P3: ServiceLevel = ServiceLevel(first_response=8 * HOUR, fix=3 * DAY)
    P4: ServiceLevel = ServiceLevel(first_response=DAY, fix=10 * DAY)

    def of(self, priority: Priority) -> ServiceLevel:
        """Return the level of `priority`."""
        level: ServiceLevel = getattr(self, priority)
        return level


class RouteMatch(Section, frozen=True, kw_only=True):
    """Which cases a route is for. What is left out matches everything; of each that is given, one item must match.

    Shell patterns; a leading '!' excludes.
    """

    rule: Annotated[
        list[str],
        msgspec.Meta(
            description="Shell patterns of rule ids, and of gatherings: first_look, maintenance_digest, storm.",
            examples=[["disk_*"]],
        ),
    ] = []
    labels: Annotated[
        dict[str, list[str]],
        msgspec.Meta(description="Per label of the subject, shell patterns of which one must match; '!' excludes."),
    ] = {}
    priority: Annotated[list[Priority], msgspec.Meta(description="Priorities with which the ticket opens.")] = []
    customer: Annotated[
        list[str], msgspec.Meta(description="Shell patterns of customer ids, for one file on many hosts.")
    ] = []
    tier: Annotated[list[Tier], msgspec.Meta(description="Service tiers.")] = []


class Route(Section, frozen=True, kw_only=True):
    """Which cases go to which desk."""

    match: Annotated[RouteMatch, msgspec.Meta(description="Which cases; all when left out.")] = RouteMatch()
    desk: Annotated[str, msgspec.Meta(description="Name of the [desks.NAME] that gets their tickets.")]
    goes_on: Annotated[
        bool,
        msgspec.Meta(
            description="Whether later routes are looked at as well; a further desk gets a copy of the ticket."
        ),
    ] = msgspec.field(name="continue", default=False)


class DeliverySettings(Section, frozen=True, kw_only=True):
    """How tickets reach the desks."""

    desk: Annotated[
        str, msgspec.Meta(description="Name of the [desks.NAME] that gets the tickets for which no route is.")
    ] = "local"
    routes: Annotated[
        list[Route], msgspec.Meta(description="Which tickets go elsewhere: the first that matches wins.")
    ] = []
    poll: Annotated[
        float, msgspec.Meta(ge=60, extra={"duration": True}, description="Time between two looks at open tickets.")
    ] = 15 * MINUTE

    hosts: Annotated[
        int,
        msgspec.Meta(ge=1, description="How many hosts use these desks; the doctor reckons what they ask together."),
    ] = 1

    @property
    def desks(self) -> tuple[str, ...]:
        """The names of all desks that may get tickets, in the order of the routes."""
        return tuple(dict.fromkeys([*(route.desk for route in self.routes), self.desk]))


class BundleSettings(Section, frozen=True, kw_only=True):
    """The redacted evidence that goes along with a ticket where consent allows it."""

    sources: Annotated[
        list[str], msgspec.Meta(description="Files that add sources to the shipped ones, or change those.")
    ] = []
    templates: Annotated[
        list[str], msgspec.Meta(description="Files that add line templates: which lines of logs may leave at all.")
    ] = []
    approval: Annotated[
        bool,
        msgspec.Meta(description="Send nothing that nobody approved with `foretell bundle build KEY --approve HASH`."),
    ] = False
    grace: Annotated[
        Seconds, msgspec.Meta(description="How long the first bundle ever waits, so that somebody can look at it.")
    ] = HOUR
    span: Annotated[Seconds, msgspec.Meta(description="How long before the problem opened journals are read from.")] = (
        2 * HOUR
    )
    largest: Annotated[
        int, msgspec.Meta(ge=10_000, le=50_000_000, description="Bytes one bundle may have before it is packed.")
    ] = 5_000_000
    per_day: Annotated[
        int, msgspec.Meta(ge=0, description="Bytes of bundles that are queued within 24 hours; the rest waits.")
    ] = 20_000_000
    keep: Annotated[
        Seconds, msgspec.Meta(description="How long copies that could not be sent are kept on this host.")
    ] = 7 * DAY


class HistorySettings(Section, frozen=True, kw_only=True):
    """What is remembered of readings."""

    fine: Annotated[Seconds, msgspec.Meta(description="How long readings are kept at cycle resolution.")] = 14 * DAY
    hourly: Annotated[
        Seconds,
        msgspec.Meta(
            description="How long hourly means, lows and highs are kept, and closed cases with what was said about them."
        ),
    ] = 400 * DAY
    flush: Annotated[
        float,
        msgspec.Meta(
            ge=60, le=900, extra={"duration": True}, description="Time between two writes of history to disk."
        ),
    ] = 10 * MINUTE
    largest: Annotated[
        int, msgspec.Meta(ge=10_000_000, description="Bytes the history may take; the oldest goes first.")
    ] = 200_000_000


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration. `collectors`, `rules` and `desks` are decoded further by the plugins they name."""

    host: HostSettings = HostSettings()
    customer: CustomerSettings = CustomerSettings()
    agent: AgentSettings = AgentSettings()
    cases: CaseSettings = CaseSettings()
    priorities: PrioritySettings = PrioritySettings()
    windows: WindowSettings = WindowSettings()
    service_levels: ServiceLevels = ServiceLevels()
    delivery: DeliverySettings = DeliverySettings()
    history: HistorySettings = HistorySettings()
    bundle: BundleSettings = BundleSettings()
    secrets: Annotated[
        dict[str, str],
        msgspec.Meta(
            description="Name of a secret to the file that holds it; credentials of the service manager come first."
        ),
    ] = {}
    collectors: Annotated[dict[str, dict[str, Any]], msgspec.Meta(description="Options by collector name.")] = {}
    rules: Annotated[
        dict[str, dict[str, Any]], msgspec.Meta(description="Changes to shipped rules by id, or whole new rules.")
    ] = {}
    desks: Annotated[
        dict[str, dict[str, Any]],
        msgspec.Meta(description='Desks by a name of your choice; one `like = "NAME"` takes over the other\'s keys.'),
    ] = msgspec.field(default_factory=lambda: {"local": {"client": "local"}})
