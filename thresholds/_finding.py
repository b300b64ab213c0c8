"""What a threshold concludes: a Finding on one subject, perhaps with a Forecast, or that it could not judge."""

from __future__ import annotations

import enum

import msgspec

Fact = str | float | int | bool | None


class Severity(enum.IntEnum):
    """How bad the present reading or forecast is. Priority adds impact and the time left; this does not."""

    HEALTHY = 0
    NOTICE = 1  # worth a line in a digest or report; never opens a ticket by itself
    WARNING = 2  # wants a ticket; there is time to plan
    CRITICAL = 3  # failed already, or about to before a window can be found


class Forecast(msgspec.Struct, frozen=True):
    """When a limit will be crossed: 10th, 50th and 90th percentile, unix seconds; `latest` None when it may never be."""

    earliest: float
    expected: float
    latest: float | None


class Judgement(msgspec.Struct, frozen=True):
    """A threshold's answer on one observation, before it is known what it is about.

    evidence: language-neutral facts, stable keys, base units (`value`, `limit`, `growth_per_day`); the wording is elsewhere.
    Made for this answer: the judge adds the `unit`.
    since: unix seconds from when the source itself says this has been so, when it does.
    """

    severity: Severity
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    since: float | None = None


class CouldNotJudge(msgspec.Struct, frozen=True):
    """No answer: not enough history, no number, a reading missing. Never the same as healthy."""

    reason: str


class Finding(msgspec.Struct, frozen=True):
    """A Rule's verdict on one subject at one time. HEALTHY ones exist too: recovery is something seen, not something absent.

    subject: the labels that identify it (`{"mountpoint": "/srv"}`), and only those.
    labels: every label of the reading it came from, for people.
    """

    rule: str
    subject: dict[str, str]
    severity: Severity
    at: float
    evidence: dict[str, Fact] = {}
    forecast: Forecast | None = None
    labels: dict[str, str] = {}
    since: float | None = None


class Unjudged(msgspec.Struct, frozen=True):
    """A Rule that has no verdict on a subject now, and why. An open case about it stays as it is."""

    rule: str
    subject: dict[str, str]
    reason: str
    at: float
