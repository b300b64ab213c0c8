"""Rules: what is judged, as data. One TOML file each in `thresholds/rules/`, its name is the rule's immutable id."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from collectors import Seconds

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=60, examples=["disk_space"])]


class Selector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which readings a rule looks at, and what counts as one subject."""

    reading: Annotated[str, msgspec.Meta(description="Name of the reading that is judged.")]
    of: Annotated[
        str | None,
        msgspec.Meta(description="Name of the reading that is the whole (capacity, total); joined on equal labels."),
    ] = None
    since: Annotated[
        str | None,
        msgspec.Meta(
            description="Name of a reading with the unix time since when the state has lasted; joined on equal labels."
        ),
    ] = None
    where: Annotated[
        dict[str, list[str]],
        msgspec.Meta(description="Per label, shell patterns of which one must match; a leading '!' excludes."),
    ] = {}
    subject: Annotated[
        list[str],
        msgspec.Meta(description="Labels that identify one subject, so that a new device name is no new problem."),
    ] = []
    come_and_go: Annotated[
        bool, msgspec.Meta(description="Whether subjects come and go, so that the absence of a healthy one is no news.")
    ] = False


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. The id never changes: the key of every case made by it depends on it."""

    id: RuleId
    summary: Annotated[str, msgspec.Meta(description="One plain line: what it watches for.")]
    kind: Annotated[str, msgspec.Meta(description="The threshold kind that judges (its file name).")]
    select: Selector
    limits: Annotated[dict[str, Any], msgspec.Meta(description="The kind's own limits.")] = {}
    hold: Annotated[
        Seconds, msgspec.Meta(description="How long a finding must last before a case opens (written `for`).")
    ] = msgspec.field(name="for", default=0.0)
    verify: Annotated[
        Seconds, msgspec.Meta(description="How long readings must stay healthy before a recovery is believed.")
    ] = 3600.0
    type: Annotated[
        Literal["hardware", "software", "network", "capacity", "security", "lifecycle"],
        msgspec.Meta(description="The ticket's type."),
    ] = "capacity"
    impact: Annotated[
        Literal["high", "medium", "low"],
        msgspec.Meta(
            description="How much of the host's service it touches; host criticality and customer tier shift it."
        ),
    ] = "medium"
    remedy: Annotated[str | None, msgspec.Meta(description="Id of the remedy text; the rule's id when left out.")] = (
        None
    )
    diagnosis: Annotated[
        str | None, msgspec.Meta(description="Id of the scripted first look; the rule's id when left out.")
    ] = None
    enabled: Annotated[bool, msgspec.Meta(description="Whether the rule is judged.")] = True
