"""What is configured of an Alertmanager cluster."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ticketing_clients._client import ClientOptions
from ticketing_clients._options import Bytes, CaFile, CertificateFile, KeyFile

Label = Annotated[str, msgspec.Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]


class AlertmanagerOptions(ClientOptions, frozen=True, kw_only=True):
    """The members of a cluster, how they are reached, and what IT says of this host."""

    urls: Annotated[
        list[str],
        msgspec.Meta(
            min_length=1,
            description="Addresses of all members, as https://alertmanager-1.example.com; no balancer before them.",
        ),
    ]
    labels: Annotated[
        dict[Label, str],
        msgspec.Meta(
            description='Labels that every alert of this host has as well, such as site = "berlin"; routes and groups go by'
            " them. They stay for as long as an alert stands."
        ),
    ] = msgspec.field(default_factory=dict)
    token_secret: Annotated[
        str, msgspec.Meta(description="Name of the secret that holds a bearer token, if one is asked for.")
    ] = ""
    user: Annotated[str, msgspec.Meta(description="User name for basic authentication, if that is asked for.")] = ""
    password_secret: Annotated[str, msgspec.Meta(description="Name of the secret that holds that user's password.")] = (
        "alertmanager"  # noqa: S105 - the secret's name
    )
    relay: Annotated[
        str,
        msgspec.Meta(
            description="Address of the relay, as https://relay.example.com:19470, which tells what people do on tickets and"
            " passes files on; without it nothing comes back."
        ),
    ] = ""
    relay_secret: Annotated[
        str, msgspec.Meta(description="Name of the secret that the relay knows agents by (its clients.agents_secret).")
    ] = "relay"  # noqa: S105 - the secret's name
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file that the relay passes on, at most its own largest_file.")
    ] = 5 * 1024 * 1024
    ca_file: CaFile = ""
    certificate_file: CertificateFile = ""
    key_file: KeyFile = ""
