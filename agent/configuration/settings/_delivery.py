"""Where tickets go, in whose words, and what goes along: routes, bundles, reports, wording."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.configuration.settings._section import DAY, HOUR, MINUTE, Schedule, Section, Tier
from collectors import Seconds
from ticketing_clients import Priority


class RouteMatch(Section, frozen=True, kw_only=True):
    """Which cases a route is for. What is left out matches everything; of each that is given, one item must match.

    Shell patterns; a leading '!' excludes.
    """

    rule: Annotated[
        list[str],
        msgspec.Meta(
            description="Shell patterns of rule ids, and of gatherings: first_look, maintenance_digest, storm, problem.",
            examples=[["disk_*"]],
        ),
    ] = msgspec.field(default_factory=list)
    labels: Annotated[
        dict[str, list[str]],
        msgspec.Meta(description="Per label of the subject, shell patterns of which one must match; '!' excludes."),
    ] = msgspec.field(default_factory=dict)
    priority: Annotated[list[Priority], msgspec.Meta(description="Priorities with which the ticket opens.")] = (
        msgspec.field(default_factory=list)
    )
    customer: Annotated[
        list[str], msgspec.Meta(description="Shell patterns of customer ids, for one file on many hosts.")
    ] = msgspec.field(default_factory=list)
    tier: Annotated[list[Tier], msgspec.Meta(description="Service tiers.")] = msgspec.field(default_factory=list)


class Route(Section, frozen=True, kw_only=True):
    """Which cases go to which desk."""

    match: Annotated[RouteMatch, msgspec.Meta(description="Which cases; all when left out.")] = RouteMatch()
    desk: Annotated[str, msgspec.Meta(description="Name of the [desks.NAME] that gets their tickets.")]
    escalate_to: Annotated[
        str,
        msgspec.Meta(
            description="Name of the [desks.NAME] that such a ticket is handed on to; delivery's when left out."
        ),
    ] = ""
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
    ] = msgspec.field(default_factory=list)
    poll: Annotated[
        float,
        msgspec.Meta(
            ge=60,
            extra={"duration": True},
            description="Time between two looks at an open P2 ticket; others are looked at more often or less.",
        ),
    ] = 15 * MINUTE

    escalate_to: Annotated[
        str,
        msgspec.Meta(
            description="Name of the [desks.NAME] to which a ticket is handed on, once, when it will not be settled in"
            " time or a first look explains nothing; nowhere when left out."
        ),
    ] = ""
    supervisor: Annotated[
        str,
        msgspec.Meta(
            description="Name of the [desks.NAME] that gets a ticket when a customer is not content, such as a mailbox;"
            " the customer's ticket says it internally either way."
        ),
    ] = ""
    hosts: Annotated[
        int,
        msgspec.Meta(ge=1, description="How many hosts use these desks; the doctor reckons what they ask together."),
    ] = 1

    @property
    def desks(self) -> tuple[str, ...]:
        """The names of all desks that may get tickets, in the order of the routes."""
        further = (*(route.escalate_to for route in self.routes), self.escalate_to, self.supervisor)
        return tuple(dict.fromkeys([*(route.desk for route in self.routes), self.desk, *filter(None, further)]))


class BundleSettings(Section, frozen=True, kw_only=True):
    """The redacted evidence that goes along with a ticket where consent allows it."""

    sources: Annotated[
        list[str], msgspec.Meta(description="Files that add sources to the shipped ones, or change those.")
    ] = msgspec.field(default_factory=list)
    templates: Annotated[
        list[str], msgspec.Meta(description="Files that add line templates: which lines of logs may leave at all.")
    ] = msgspec.field(default_factory=list)
    on_ticket: Annotated[
        bool,
        msgspec.Meta(description="Tell on the ticket too, in a comment, what the first look in the bundle found."),
    ] = True
    recipients: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^(age1[0-9a-z]+|ssh-(ed25519|rsa) \S+( .*)?)$")]],
        msgspec.Meta(
            description="Public keys (age1… or ssh-ed25519, ssh-rsa) to which each bundle is encrypted; in the clear if none. "
            "Where it cannot be done, nothing is sent. Needs the extra `encryption`."
        ),
    ] = msgspec.field(default_factory=list)
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


class ReportSettings(Section, frozen=True, kw_only=True):
    """The health report that is made by itself when a month, a quarter or a year is over (`foretell report` makes any other)."""

    schedule: Annotated[Schedule, msgspec.Meta(description="How often one is made by itself.")] = "quarterly"
    language: Annotated[
        str, msgspec.Meta(description="Language of the report, as for customer.language; that one when left out.")
    ] = ""
    folder: Annotated[
        str,
        msgspec.Meta(
            pattern="^(/.*)?$",
            description="Folder for `health-PERIOD.html`, from the root on; `reports` in the state folder when left out.",
        ),
    ] = ""
    desk: Annotated[
        str,
        msgspec.Meta(
            description="Name of the [desks.NAME], such as a mailbox, that gets it too: on a ticket that is closed at once, as"
            " much of it as consent lets out. To nobody when left out."
        ),
    ] = ""


class WordingSettings(Section, frozen=True, kw_only=True):
    """What tickets say."""

    folder: Annotated[
        str | None,
        msgspec.Meta(
            description="Folder with your own `remedies/ID.toml` and `languages/LANGUAGE/LC_MESSAGES/foretell.mo`."
        ),
    ] = None
