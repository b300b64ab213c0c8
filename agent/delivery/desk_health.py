"""How long a desk that did not serve us is left in peace: longer with each failure, and with jitter."""

from __future__ import annotations

import random

from agent.configuration.settings import HOUR
from agent.following.model import DeskHealth
from ticketing_clients import Reason

FIRST_BACK_OFF, LONGEST_BACK_OFF = 30.0, HOUR


def failed(
    before: DeskHealth, reason: Reason, detail: str, now: float, wait: float | None = None, *, poll: float
) -> DeskHealth:
    """Return the health of a desk that did not serve a batch; it rests for `wait` seconds, or longer with each failure.

    poll: seconds between two rounds; a desk that forgets rests no longer while something stands there.
    """
    failures = before.failures + 1
    longest = poll if before.standing else LONGEST_BACK_OFF
    rest = min(back_off(failures), longest) if wait is None else max(wait, 1.0)
    return DeskHealth(
        reachable=False,
        reason=reason,
        detail=detail,
        failures=failures,
        not_before=now + rest,
        at=now,
        last_contact=before.last_contact,
        standing=before.standing,
    )


def back_off(failures: int) -> float:
    """Return seconds to wait after so many failures in a row: doubling up to an hour, with jitter so that hosts spread out."""
    longest = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(failures, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
