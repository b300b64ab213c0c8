"""What is configured of a ServiceNow desk, and what a stock instance has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ticketing_clients._client import ClientOptions
from ticketing_clients._options import Bytes, CaFile, SecretName
from ticketing_clients._ticket import Priority, Status

STATUSES: dict[Status, list[str]] = {
    "new": ["1"],
    "open": ["2"],
    "waiting": ["3"],
    "resolved": ["6"],
    "closed": ["7"],
    "rejected": ["8"],
}

Level = Annotated[int, msgspec.Meta(ge=1, le=9)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
State = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]+$")]


class Urgency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of our priorities is at the desk."""

    impact: Annotated[Level, msgspec.Meta(description="Impact we set; 1 is the highest.")]
    urgency: Annotated[Level, msgspec.Meta(description="Urgency we set; 1 is the highest.")]
    priority: Annotated[Level, msgspec.Meta(description="Priority that the desk's lookup rules make of the two.")]


PRIORITIES: dict[Priority, Urgency] = {
    "P1": Urgency(impact=1, urgency=1, priority=1),
    "P2": Urgency(impact=2, urgency=1, priority=2),
    "P3": Urgency(impact=2, urgency=2, priority=3),
    "P4": Urgency(impact=3, urgency=2, priority=4),
}


class ServiceNowOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and where it differs from a stock instance."""

    url: Annotated[str, msgspec.Meta(description="Web address of the instance, such as https://NAME.service-now.com.")]
    login: Annotated[
        Literal["password", "api_key", "oauth"],
        msgspec.Meta(description="How we log in: user and password, an API key, or OAuth client credentials."),
    ] = "password"
    user: Annotated[
        str, msgspec.Meta(description="User name for a password, client id for OAuth; an API key needs none.")
    ] = ""
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the password, API key or client secret.")
    ] = "servicenow"  # noqa: S105 - the secret's name
    table: Annotated[Name, msgspec.Meta(description="Table for the tickets; one with the fields of incident.")] = (
        "incident"
    )
    host_field: Annotated[
        Name,
        msgspec.Meta(description="Text field of at least 73 letters for the host's marker, which is a hash of its id."),
    ] = "correlation_display"
    group: Annotated[
        str,
        msgspec.Meta(
            description="sys_id of the assignment group that gets the tickets, if one does.",
            pattern="^([0-9a-f]{32})?$",
        ),
    ] = ""
    fields: Annotated[
        dict[Name, Any],
        msgspec.Meta(description="Further fields set when a ticket is opened, by the desk's names and stored values."),
    ] = msgspec.field(default_factory=dict)
    priorities: Annotated[
        dict[Priority, Urgency],
        msgspec.Meta(
            description="Tables of impact, urgency and the priority they make, where they differ from"
            " P1 1, 1, 1; P2 2, 1, 2; P3 2, 2, 3; P4 3, 2, 4."
        ),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        dict[Status, Annotated[list[State], msgspec.Meta(min_length=1)]],
        msgspec.Meta(
            description="Values of the states that mean new, open, waiting, resolved, closed or rejected, the first being the"
            " one we set, where they differ from 1, 2, 3, 6, 7 and 8."
        ),
    ] = msgspec.field(default_factory=dict)
    close_code: Annotated[
        str, msgspec.Meta(description="Resolution code to resolve with; they differ between releases.", min_length=1)
    ] = "Solution provided"
    close_notes: Annotated[
        str, msgspec.Meta(description="Resolution notes to resolve with; the customer sees them.", min_length=1)
    ] = "Foretell measured that it is over."
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file, at most what com.glide.attachment.max_size allows.")
    ] = 10_000_000
    ca_file: CaFile = ""
