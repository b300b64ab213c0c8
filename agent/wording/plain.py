"""What the page and the command line say about cases, times and amounts, in the plain English of their readers: IT.

Tickets are worded elsewhere (`agent.wording`), in the customer's language. Imported by commands and the page's child only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from agent.configuration.settings import DAY, MINUTE
from agent.following.model import Case, CaseState, Hold, QueueState
from agent.status import Health
from agent.wording._values import number, percent, size, span
from thresholds import Fact, Forecast

STATES: Mapping[CaseState, str] = {
    "pending": "seen, not opened yet",
    "open": "open at the desk",
    "acknowledged": "somebody has taken note",
    "deferred": "put off",
    "recovering": "readings are healthy again, being verified",
    "awaiting_confirmation": "verified healthy, waiting for a person to confirm",
    "closed": "closed",
}
HOLDS: Mapping[Hold, str] = {
    "notice": "worth a line in a report, never a ticket of its own",
    "for": "must last before it is believed",
    "first_look": "was there when we came; goes into the first look's digest",
    "maintenance": "maintenance mode is on",
}
QUEUE_STATES: Mapping[QueueState, str] = {
    "queued": "waiting",
    "sending": "being sent",
    "done": "done",
    "rejected": "refused by the desk",
    "dropped": "dropped by hand",
}
HEALTHS: Mapping[Health, str] = {
    "well": "All that was checked is well",
    "unknown": "Nothing wrong was found, but not everything could be checked",
    "attention": "Something needs attention",
    "critical": "Something is failing or about to",
}


def state(case: Case) -> str:
    """Return the state of `case` in words; one whose ticket is still on its way is not at the desk yet."""
    if case.state == "open" and case.parent is not None:
        return "open, told in a ticket with others"
    if case.state == "open" and case.ticket is None:
        return "open, its ticket is on its way to the desk"
    return STATES[case.state]


def duration(seconds: float) -> str:
    """Return a time span in one unit.

    >>> duration(60), duration(3 * 86400), duration(4)
    ('1 minute', '3 days', 'less than a minute')
    """
    if abs(seconds) < MINUTE:
        return "less than a minute"
    count, unit = span(seconds)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def distance(at: float, now: float) -> str:
    """Return how far `at` is from `now`.

    >>> distance(7200, 0), distance(0, 300)
    ('in 2 hours', '5 minutes ago')
    """
    if abs(at - now) < MINUTE:
        return "now"
    return f"in {duration(at - now)}" if at > now else f"{duration(now - at)} ago"


def moment(at: float, zone: str) -> str:
    """Return unix seconds as a date and time in `zone` that sorts as it reads.

    >>> moment(0, "Europe/Berlin")
    '1970-01-01 01:00 CET'
    """
    try:
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
    except (OverflowError, ValueError, OSError):  # a date no calendar has, as a broken firmware reports it
        return "no date"


def crossing(forecast: Forecast, zone: str) -> str:
    """Return when a limit will be crossed, with how sure that is."""
    if forecast.earliest == forecast.latest:  # a date in a calendar
        return moment(forecast.expected, zone)
    latest = "or never" if forecast.latest is None else f"at the latest {moment(forecast.latest, zone)}"
    return f"{moment(forecast.earliest, zone)} at the earliest, most likely {moment(forecast.expected, zone)}, {latest}"


def _degrees(value: float) -> str:
    return f"{number(value)} °C"


def _yes_or_no(value: float) -> str:
    return "yes" if value else "no"


_AMOUNTS: Mapping[str, Callable[[float], str]] = {
    "bytes": size,
    "ratio": percent,
    "seconds": duration,
    "celsius": _degrees,
    "boolean": _yes_or_no,
}


def amount(value: float, unit: str, zone: str = "UTC") -> str:
    """Return a reading's value as people say it; `unit` is one of Reading's.

    >>> amount(2e9, "bytes"), amount(0.5, "ratio"), amount(1, "boolean"), amount(float("nan"), "count")
    ('2.0 GB', '50 %', 'yes', 'no number')
    """
    if not math.isfinite(value):
        return "no number"
    if unit == "timestamp":
        return moment(value, zone)
    return _AMOUNTS.get(unit, number)(value)


def subject(labels: Mapping[str, str]) -> str:
    """Return what something is about.

    >>> subject({"mountpoint": "/srv"}), subject({}), subject({"b": "2", "a": "1"})
    ('/srv', 'this host', 'a=1, b=2')
    """
    if not labels:
        return "this host"
    if len(labels) == 1:
        return next(iter(labels.values())) or "this host"
    return ", ".join(f"{label}={text}" for label, text in sorted(labels.items()))


class Judged(Protocol):
    """A Case, Finding, HeldCase or Unjudged."""

    @property
    def rule(self) -> str:
        """Id of the rule."""

    @property
    def subject(self) -> dict[str, str]:
        """What it is about."""


def title(judged: Judged, rules: Mapping[str, str]) -> str:
    """Return one line for a rule's verdict: what it watches for (`rules`: id to summary line), and where."""
    if not judged.rule:
        return "Known from its ticket only, not seen here yet"  # adopted after our records were lost
    return f"{rules.get(judged.rule) or judged.rule}: {subject(judged.subject)}"


# Facts of a finding's evidence that are in a unit of their own, whatever that of the others.
_UNITS: Mapping[str, str] = {"deadline": "timestamp", "last_clean_up": "timestamp", "growth_days": "seconds"}
# What each fact says, in this order.
_EVIDENCE: Mapping[str, str] = {
    "value": "{}",
    "limit": "the limit is {}",
    "growth_per_day": "changing by {} a day",
    "growth_days": "for {}",
    "last_clean_up": "last cleaned up {}",
    "usual": "usually at most {} at this hour",
    "deadline": "due {}",
}


def measured(evidence: Mapping[str, Fact], zone: str = "UTC") -> str:
    """Return what was measured in one phrase, empty when nothing was in numbers.

    >>> measured({"available": 12e9, "whole": 1e11, "limit": 5e9, "unit": "bytes", "growth_per_day": 2e9})
    '12.0 GB of 100.0 GB left (12 %), the limit is 5.0 GB, changing by 2.0 GB a day'
    >>> measured({"value": 0.97, "limit": 0.95, "unit": "ratio"})
    '97 %, the limit is 95 %'
    >>> measured({"value": 5e9, "growth_per_day": 2e9, "growth_days": 9.0, "last_clean_up": 0.0, "unit": "bytes"})
    '5.0 GB, changing by 2.0 GB a day, for 9 days, last cleaned up 1970-01-01 00:00 UTC'
    """
    unit = str(evidence.get("unit") or "")
    numbers = {key: float(fact) for key, fact in evidence.items() if isinstance(fact, int | float)}
    if "growth_days" in numbers:
        numbers["growth_days"] *= DAY
    said = {key: amount(value, _UNITS.get(key, unit), zone) for key, value in numbers.items()}
    if unit in {"boolean", "info"}:
        return ""  # that it is so is what the rule's own line says
    if numbers.get("whole") and "available" in numbers:
        share = percent(numbers["available"] / numbers["whole"])
        said["value"] = f"{said['available']} of {said['whole']} left ({share})"
        if not numbers.get("limit"):
            said.pop("limit", None)  # that nothing left is the limit goes without saying
    return ", ".join(phrase.format(said[key]) for key, phrase in _EVIDENCE.items() if key in said)
