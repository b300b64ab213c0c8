"""The options that Jira and Jira Service Management have in common, and the ids that every Jira is delivered with."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ticketing_clients._client import ClientOptions
from ticketing_clients._options import CaFile, SecretName
from ticketing_clients._ticket import Priority, Status

# The ids that Jira itself gives, the same on every site, whatever the names are translated to. Any other status counts by its
# category: new, in progress or done.
STATUSES: dict[Status, list[str]] = {"new": ["1"], "open": ["3", "4"], "resolved": ["5"], "closed": ["6"]}
PRIORITIES: dict[Priority, str] = {"P1": "1", "P2": "2", "P3": "3", "P4": "4"}

Id = Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]


class JiraPlatformOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its project was set up. Ids rather than names: names are translated for whoever asks."""

    url: Annotated[str, msgspec.Meta(description="Web address of Jira, as people open it.")]
    project: Annotated[
        str,
        msgspec.Meta(
            description="Key of the project that gets the tickets, such as OPS.", pattern="^[A-Za-z][A-Za-z0-9_]*$"
        ),
    ]
    user: Annotated[str, msgspec.Meta(description="E-mail address of the account that the API token belongs to.")] = ""
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the account's token.")
    ] = "jira"  # noqa: S105 - the secret's name
    api_url: Annotated[
        str,
        msgspec.Meta(
            description="Address of the interface where it is not url: a token with scopes needs"
            " https://api.atlassian.com/ex/jira/ and the site's cloud id."
        ),
    ] = ""
    priorities: Annotated[
        dict[Priority, Id], msgspec.Meta(description="Ids of priorities where they differ from P1 1, P2 2, P3 3, P4 4.")
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        dict[Status, Annotated[list[Id], msgspec.Meta(min_length=1)]],
        msgspec.Meta(
            description="Ids of the statuses that mean new, open, waiting, resolved, closed or rejected, where their category"
            " (to do, in progress, done) does not say it."
        ),
    ] = msgspec.field(default_factory=dict)
    resolve_via: Annotated[
        list[Id],
        msgspec.Meta(description="Ids of statuses to go through where no transition leads straight to a resolved one."),
    ] = msgspec.field(default_factory=list)
    resolution: Annotated[
        str, msgspec.Meta(description="Id of the resolution to set where the transition asks for one, see the doctor.")
    ] = ""
    duplicate_resolution: Annotated[
        str, msgspec.Meta(description="Id of the resolution of a duplicate; empty when it is the same.")
    ] = ""
    wont_fix_resolutions: Annotated[
        list[Id], msgspec.Meta(description="Ids of the resolutions by which people say that nothing will be done.")
    ] = msgspec.field(default_factory=list)
    transition_fields: Annotated[
        dict[str, Any], msgspec.Meta(description="Fields for transitions that ask for more, by their ids.")
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further fields set when a ticket is opened, by their ids and in Jira's own form."),
    ] = msgspec.field(default_factory=dict)
    set_due: Annotated[
        bool, msgspec.Meta(description="Whether to set the due date; false where the project has no such field.")
    ] = True
    duplicate_link: Annotated[
        str, msgspec.Meta(description="Name of the link from a duplicate to its original.", min_length=1)
    ] = "Duplicate"
    follow_up_link: Annotated[
        str, msgspec.Meta(description="Name of the link from a ticket to one that cannot be reopened.", min_length=1)
    ] = "Relates"
    ca_file: CaFile = ""
