"""What a desk says beside its answer: why it refuses, for how long it asks to be left alone, and what its clock shows."""

from __future__ import annotations

import contextlib
import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ticketing_clients._asking import LONGEST_MESSAGE
from ticketing_clients._document import cut


def words_of(body: bytes) -> str:
    """Return the desk's own short message from an error body: only what looks like one, never the body as such."""
    with contextlib.suppress(ValueError, RecursionError):
        words = _strings(msgspec.json.decode(body))
        text = "".join(letter if letter.isprintable() else " " for letter in "; ".join(words))
        return cut(" ".join(text.split()), LONGEST_MESSAGE)
    return ""


def _strings(said: Any) -> list[str]:
    """Return the sentences in the shapes desks use.

    {"message": …}, {"errors": [… or {field: …}]}, {"error": {…}}, {"error": …, "details": {field: …}}, [ … ].
    """
    match said:
        case str():
            return [said]
        case list():
            return [text for one in said for text in _strings(one)]
        case {"errors": dict() as fields, **rest}:
            named = [f"{field}: {text}" for field, one in fields.items() for text in _strings(one)]
            return _strings(rest.get("errorMessages", [])) + named
        case {"details": dict() as fields, **rest}:
            return [*_strings(rest), *(text for one in fields.values() for text in _strings(one))]
        case dict():
            keys = ("message", "error", "errors", "errorMessage", "errorMessages", "detail", "description", "title")
            return [text for key in keys if key in said for text in _strings(said[key])]
        case _:
            return []


def wait_told(headers: Mapping[str, str]) -> float | None:
    """Return the seconds for which the desk asks to be left alone; None when it names none."""
    now = headers.get("Date", "")
    wait = _seconds(headers.get("Retry-After", ""), now)
    reset = headers.get("X-RateLimit-Reset", "")
    if wait is None and headers.get("X-RateLimit-Remaining", "") == "0" and reset.isdigit():
        wait = max(0.0, float(reset) - _told(now).timestamp())  # in unix seconds, as GitHub and GitLab say it
    return wait


def _seconds(retry_after: str, date: str) -> float | None:
    """Return Retry-After as seconds: a number as it is, a date against the desk's own clock where it tells it."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        then = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (then - _told(date)).total_seconds())


def date_told(date: str) -> datetime | None:
    """Return the time that the desk's own clock told with its answer; None when it told none."""
    with contextlib.suppress(ValueError):
        return email.utils.parsedate_to_datetime(date)
    return None


def _told(date: str) -> datetime:
    """Return the time that the desk's own clock told with its answer, or else ours."""
    return date_told(date) or datetime.now(UTC)
