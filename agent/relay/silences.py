"""An accepted window as an Alertmanager silence: of the group, by this person, until then, and no worse than now. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from agent.relay.group import SEVERITIES, Group
from ticketing_clients import Act, Priority, ProposedWindow
from ticketing_clients._alertmanager import labels as on

MARK = "foretell relay"


class Matcher(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which alerts a silence is about."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class SilenceState(msgspec.Struct, frozen=True):
    """How a silence stands."""

    state: Literal["active", "pending", "expired"]


class Silence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A silence as `/api/v2/silences` has it; without `id` and `status` as it is made."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str | msgspec.UnsetType = msgspec.UNSET
    status: SilenceState | msgspec.UnsetType = msgspec.UNSET


def silence_for(group: Group, act: Act, window: ProposedWindow, ticket: str) -> Silence:
    """Return the silence that a person's `act` on the ticket asks for.

    It matches the group's labels and every priority up to the present one, so that an alert that gets more urgent pierces it.
    """
    return Silence(
        matchers=(
            *(Matcher(name=name, value=value) for name, value in sorted(group.labels.items())),
            _no_worse_than(group),
        ),
        starts_at=window.start,
        ends_at=window.end,
        created_by=f"{act.by or 'somebody'} on ticket {ticket}",
        comment=comment_for(group.key, act.id),
    )


def comment_for(key: str, act: str = "") -> str:
    """Return what a silence of ours says, by which it is found again: of one act, or as it begins for a group."""
    return f"{MARK} {key} {act}".rstrip()


def group_in(comment: str) -> str:
    """Return the key of the group whose silence says `comment`; empty when it is none of ours.

    >>> group_in(comment_for("ab", "7")), group_in("somebody's own")
    ('ab', '')
    """
    return comment.removeprefix(f"{MARK} ").partition(" ")[0] if comment.startswith(f"{MARK} ") else ""


def _no_worse_than(group: Group) -> Matcher:
    """Match the label that says how urgent the members are, with every value that is no more urgent than the group is."""
    up_to: tuple[Priority, ...] = on.PRIORITIES[on.PRIORITIES.index(group.priority) :]
    if all(on.PRIORITY in member.labels for member in group.firing):
        return Matcher(name=on.PRIORITY, value="|".join(up_to), is_regex=True)
    milder = sorted(word for word, priority in SEVERITIES.items() if priority in up_to)
    return Matcher(name="severity", value="|".join(milder), is_regex=True)
