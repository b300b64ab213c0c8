"""When to act: maintenance windows within the customer's weekly hours, before a problem's earliest crossing. Pure.

All arithmetic is on unix seconds; the zone only says when an opening begins, by RFC 5545's rule: a wall time that a
clock change skips is read with the offset before the change (so it shifts forward), one that comes twice is the first.
A duration is absolute time. Hours that go past midnight belong to the day on which they begin.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.settings import DAY, WeeklyWindow, WindowSettings

#: proposed starts stand on whole quarters of an hour from the opening's beginning, as people write them
QUARTER = 900.0
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Reason(msgspec.Struct, frozen=True):
    """One reason, language-neutral: a code for the wording and the seconds it speaks of.

    hours: within the agreed hours of the week, which last `seconds`.
    notice: begins `seconds` from now, no sooner than the agreed notice. margin: ends `seconds` before the crossing.
    """

    code: Literal["hours", "notice", "margin"]
    seconds: float


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed time to act, in unix seconds, with the IANA zone in which people read it."""

    start: float
    end: float
    zone: str
    reasons: tuple[Reason, ...]


class RuledOut(msgspec.Struct, frozen=True, kw_only=True):
    """Agreed hours that were looked at and do not do.

    short: they last less than the work. notice: too little of them is left after the notice.
    crossing: the work would not end the agreed safety before the earliest crossing.
    """

    start: float
    end: float
    code: Literal["short", "notice", "crossing"]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The windows to choose from, the soonest first, and the agreed hours that were passed over on the way."""

    options: tuple[MaintenanceWindow, ...]
    ruled_out: tuple[RuledOut, ...]

    @property
    def none_fits(self) -> bool:
        """Whether there is nothing to propose: people have to be asked to act now."""
        return not self.options


def spread(host: str) -> int:
    """Return a number that is always the same for a host id, and evenly spread over many of them."""
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:8])


def propose(
    now: float, settings: WindowSettings, zone: ZoneInfo, *, before: float | None, length: float, place: int = 0
) -> Proposal:
    """Return up to `settings.options` windows of `length` seconds that begin after the notice, the soonest first.

    before: the earliest crossing in unix seconds; each window ends `settings.safety` before it. None: the next ones.
    place: which start within the hours to take (see `spread`), so that a customer's hosts do not all begin together.
    Nothing is ever bent: hours that do not do are in `ruled_out`, and when none does, `none_fits` says so.
    """
    options: list[MaintenanceWindow] = []
    ruled_out: list[RuledOut] = []
    soonest = now + settings.notice
    latest = math.inf if before is None else before - settings.safety
    for opening, closing in _openings(now, settings, zone):
        start = _start(opening, max(opening, soonest), min(closing, latest) - length, place)
        if start is not None:
            if not options or start >= options[-1].end:
                reasons = _reasons(now, closing - opening, start, start + length, before)
                options.append(MaintenanceWindow(start=start, end=start + length, zone=zone.key, reasons=reasons))
        else:
            code = _obstacle(opening, closing, soonest, length)
            ruled_out.append(RuledOut(start=opening, end=closing, code=code))
        if len(options) == settings.options or opening >= latest:
            break
    return Proposal(options=tuple(options), ruled_out=tuple(ruled_out))


def _openings(now: float, settings: WindowSettings, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    """Yield begin and end of the agreed hours that are not over at `now`, in order, for long enough to find them all."""
    horizon = now + settings.notice + (settings.options + 2) * 7 * DAY
    day = datetime.fromtimestamp(now - 2 * DAY, zone).date()
    last = datetime.fromtimestamp(horizon, zone).date()
    found = set[tuple[float, float]]()
    while day <= last:
        for weekly in settings.weekly:
            if _WEEKDAYS[day.weekday()] in weekly.days:
                opening = datetime.combine(day, _wall_time(weekly), tzinfo=zone).timestamp()
                found.add((opening, opening + weekly.duration))
        day += timedelta(days=1)
    yield from sorted(hours for hours in found if hours[1] > now)


def _wall_time(weekly: WeeklyWindow) -> time:
    return time.fromisoformat(weekly.start)


def _start(opening: float, first: float, last: float, place: int) -> float | None:
    """Return a start from `first` to `last`: a whole quarter after `opening` if there is one, None if there is no room."""
    if last < first:
        return None
    lowest, highest = math.ceil((first - opening) / QUARTER), math.floor((last - opening) / QUARTER)
    if highest < lowest:
        return first
    return opening + QUARTER * (lowest + place % (highest - lowest + 1))


def _obstacle(opening: float, closing: float, soonest: float, length: float) -> Literal["short", "notice", "crossing"]:
    if closing - opening < length:
        return "short"
    return "notice" if closing - max(opening, soonest) < length else "crossing"


def _reasons(now: float, hours: float, start: float, end: float, before: float | None) -> tuple[Reason, ...]:
    reasons = (Reason("hours", hours), Reason("notice", start - now))
    return reasons if before is None else (*reasons, Reason("margin", before - end))
