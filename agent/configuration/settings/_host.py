"""The host and the agent on it: whose it is, what it is for, and how the agent runs, remembers and shows it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.configuration.settings._section import DAY, HOUR, MINUTE, Criticality, Maturity, Section, Tier
from collectors import Seconds


class HostSettings(Section, frozen=True, kw_only=True):
    """This host."""

    id: Annotated[
        str | None,
        msgspec.Meta(description="Lasting id of this host at the desk; a hash of the machine id when left out."),
    ] = None
    name: Annotated[str | None, msgspec.Meta(description="Name people know it by; the host name when left out.")] = None
    role: Annotated[str, msgspec.Meta(description="What it is for, in a few words.")] = ""
    root: Annotated[
        str,
        msgspec.Meta(
            pattern="^/",
            description="Where its file system is to be seen; for an agent in a container, that has it mounted.",
        ),
    ] = "/"
    criticality: Annotated[Criticality, msgspec.Meta(description="How much depends on it; shifts the impact.")] = (
        "normal"
    )


class CustomerSettings(Section, frozen=True, kw_only=True):
    """Whose host it is."""

    id: Annotated[str, msgspec.Meta(description="Lasting id of the customer; part of every case key.")] = "default"
    name: Annotated[str, msgspec.Meta(description="Name in tickets.")] = ""
    contact: Annotated[str, msgspec.Meta(description="E-mail address that tickets name as requestor.")] = ""
    tier: Annotated[Tier, msgspec.Meta(description="Service tier; shifts the impact.")] = "standard"
    language: Annotated[
        str,
        msgspec.Meta(
            description='Language of the tickets: "en", "zh_Hans", "zh_Hant" (or "zh-CN", "zh-TW"), or one of `wording.folder`.'
        ),
    ] = "en"
    it_maturity: Annotated[
        Maturity,
        msgspec.Meta(
            description="How much IT the readers of tickets know: `low` gets steps and an offer, `high` gets data and options."
        ),
    ] = "medium"
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
    web_config: Annotated[
        str,
        msgspec.Meta(
            pattern="^(/.*)?$",
            examples=["/etc/foretell/web.yml"],
            description="File with TLS and log-ins for the page, as Prometheus' exporters read it.",
        ),
    ] = ""
    first_look: Annotated[
        Seconds, msgspec.Meta(description="How long after installation minor findings are gathered into one digest.")
    ] = DAY


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


class HeartbeatSettings(Section, frozen=True, kw_only=True):
    """A sign of life to somebody elsewhere, who raises the alarm when it stops: a dead agent cannot say that it is dead."""

    url: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])[:/]\S*)?$",
            description="Address that is asked for (GET) while cycles finish; nobody's when left out.",
            examples=["https://heartbeats.example/web01"],
        ),
    ] = ""
    url_secret: Annotated[
        str,
        msgspec.Meta(description="Name of the secret that holds the address, instead of url: often it is one itself."),
    ] = ""
    ca_file: Annotated[
        str, msgspec.Meta(description="PEM file of the authorities that the address's certificate may be from.")
    ] = ""
    desk: Annotated[
        str,
        msgspec.Meta(
            description="Name of a [desks.NAME] whose client is alertmanager, instead of an address: its members are told an "
            "alert, ForetellAlive, that always fires, and that ends where four heartbeats are missing."
        ),
    ] = ""
    every: Annotated[
        float,
        msgspec.Meta(
            ge=60, extra={"duration": True}, description="How often; the receiver waits for at least twice as long."
        ),
    ] = 300.0

    def __post_init__(self) -> None:
        """Refuse two addresses."""
        if sum(map(bool, (self.url, self.url_secret, self.desk))) > 1:
            raise ValueError("url, url_secret, desk: set one of them")

    @property
    def wanted(self) -> bool:
        """Whether anybody is to hear it."""
        return bool(self.url or self.url_secret or self.desk)


class CatalogueSettings(Section, frozen=True, kw_only=True):
    """Renewing the support catalogue: until when systems and products are supported. The shipped one needs no network."""

    url: Annotated[
        str,
        msgspec.Meta(
            description="Where newer facts are: https://endoflife.date/api/v1/products/full, or a mirror of yours; nowhere when "
            "left out."
        ),
    ] = ""
    sha256: Annotated[
        str,
        msgspec.Meta(
            pattern="^([0-9a-fA-F]{64})?$",
            description="The only file at url that is taken, by its SHA-256: pins a mirror to what you have looked at.",
        ),
    ] = ""
    ca_file: Annotated[
        str, msgspec.Meta(description="PEM file of the authorities that url's certificate may be from.")
    ] = ""
    every: Annotated[
        float,
        msgspec.Meta(ge=HOUR, extra={"duration": True}, description="How old it gets before it is fetched again."),
    ] = 7 * DAY
