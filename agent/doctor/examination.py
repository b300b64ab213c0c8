"""What a self-check answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from ticketing_clients import Reason

Verdict = Literal["well", "warning", "wrong", "unknown"]
#: what keeps the agent from its work: a DeskError's reason, or what is wrong on this side
Obstacle = Reason | Literal["configuration", "not_permitted"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One check's answer. hint: how to mend it, if `found` does not say it. reason: what keeps the agent from its work."""

    number: int
    subject: str
    verdict: Verdict
    found: str
    hint: str = ""
    reason: Obstacle | None = None
