"""The relay of a fleet: who may speak to it, and which Alertmanagers it asks."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.configuration.settings._section import MINUTE, Section

#: labels that say where something stands or what it is made of, as fleets commonly have them
CAUSE_LABELS = (
    "site",
    "region",
    "zone",
    "datacenter",
    "room",
    "rack",
    "cluster",
    "hypervisor",
    "storage*",
    "array",
    "switch",
    "network",
    "mirror",
    "os",
    "release",
    "rule",
    "role",
)


class RelayClients(Section, frozen=True, kw_only=True):
    """Who may speak to the relay."""

    ca_file: Annotated[
        str,
        msgspec.Meta(
            description="PEM file of the authorities whose certificate whoever connects must show (mTLS); none when left out."
        ),
    ] = ""
    alertmanager_secret: Annotated[
        str,
        msgspec.Meta(
            description="Name of the secret that Alertmanager sends, as a bearer token or as the password of basic auth."
        ),
    ] = ""
    agents_secret: Annotated[
        str,
        msgspec.Meta(
            description="Name of the secret that agents send as a bearer token; refused when left out. Its file may hold one a"
            " line, so that a host has its own and can be locked out."
        ),
    ] = ""


class RelayAlertmanagers(Section, frozen=True, kw_only=True):
    """The Alertmanager cluster, for what a webhook does not tell: what is muted, and to make silences."""

    urls: Annotated[
        list[str],
        msgspec.Meta(
            description="Address of every member; the first that answers is asked. Without any, agents hear nothing from tickets."
        ),
    ] = msgspec.field(default_factory=list)
    secret: Annotated[
        str, msgspec.Meta(description="Name of the secret sent as a bearer token; none when left out.")
    ] = ""
    ca_file: Annotated[
        str, msgspec.Meta(description="PEM file of the authorities that their certificates may be from.")
    ] = ""
    largest: Annotated[
        int,
        msgspec.Meta(ge=1_000_000, description="Bytes of a listing of alerts that are read; beyond, nothing is known."),
    ] = 64_000_000


class RelaySettings(Section, frozen=True, kw_only=True):
    """The relay of a fleet (`foretell relay`): Alertmanager's webhook in, tickets out. An agent on a host needs none of it."""

    listen: Annotated[str, msgspec.Meta(description="Address and port; beyond loopback only with a certificate.")] = (
        "127.0.0.1:19470"
    )
    certificate_file: Annotated[
        str, msgspec.Meta(description="PEM file of its certificate and chain; read anew when it has changed.")
    ] = ""
    key_file: Annotated[
        str, msgspec.Meta(description="PEM file of the certificate's key; in certificate_file when left out.")
    ] = ""
    clients: Annotated[RelayClients, msgspec.Meta(description="Who may speak to the relay.")] = RelayClients()
    alertmanager: Annotated[
        RelayAlertmanagers, msgspec.Meta(description="The Alertmanager cluster, which the relay asks what is muted.")
    ] = RelayAlertmanagers()
    desk: Annotated[
        str, msgspec.Meta(description="Name of the [desks.NAME] that gets the tickets; delivery.desk when left out.")
    ] = ""
    id: Annotated[
        str,
        msgspec.Meta(
            pattern="^[A-Za-z0-9_.-]{1,60}$",
            description="Marker of its tickets at the desk; the same for all replicas, another for another fleet.",
        ),
    ] = "relay"
    cause_labels: Annotated[
        list[str],
        msgspec.Meta(
            description="Shell patterns of the labels that a ticket may name as what its members have in common; no others leave."
        ),
    ] = msgspec.field(default_factory=lambda: list(CAUSE_LABELS))
    look: Annotated[
        float,
        msgspec.Meta(
            ge=10, extra={"duration": True}, description="Time between two looks at the desk and at Alertmanager."
        ),
    ] = 5 * MINUTE
    requests: Annotated[
        int,
        msgspec.Meta(ge=1, le=64, description="How many requests are worked on at once; others wait, or are put off."),
    ] = 8
    largest_body: Annotated[
        int,
        msgspec.Meta(
            ge=100_000, description="Bytes of a notification that are read (`max_alerts` bounds it at its source)."
        ),
    ] = 16_000_000
    largest_file: Annotated[
        int, msgspec.Meta(ge=0, description="Bytes of a file that an agent may pass on to its ticket; two at once.")
    ] = 10_000_000
