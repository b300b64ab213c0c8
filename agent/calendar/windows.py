"""When to act: maintenance windows within the agreed hours, outside every freeze, before a problem's earliest crossing. Pure.

All arithmetic is on unix seconds. The agreed hours come expanded (`calendars`); what is left of them for the start of a
piece of work is a list of ranges, from which each promise takes away what would break it. The first that leaves nothing is
why those hours are ruled out. Nothing is ever bent.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from agent.calendar.quiet_hours import QuietHours

DAY = 86400.0
#: proposed starts stand on whole quarters of an hour from the opening's beginning, as people write them
QUARTER = 900.0
#: loads that differ by less than this are the same: then the sooner time is the better one
SAME_LOAD = 0.05
#: among how many seconds of openings, from the first that does, the quietest are chosen
RANKED = 14 * DAY

Obstacle = Literal["short", "freeze", "holiday", "notice", "crossing", "taken"]
#: from the first to the last moment, both included
Range = tuple[float, float]


class Hours(msgspec.Struct, frozen=True, order=True):
    """Agreed hours, once: unix seconds. last_start: from then on nothing is begun in them."""

    start: float
    end: float
    last_start: float


class Closure(msgspec.Struct, frozen=True, order=True):
    """A time in which nothing may be changed, and what it is for, in the customer's words."""

    start: float
    end: float
    code: Literal["freeze", "holiday"]
    name: str = ""


class Taken(msgspec.Struct, frozen=True):
    """A window of the case with this key. One that was agreed is kept free; one that is proposed, where that is possible."""

    case: str
    start: float
    end: float
    agreed: bool


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's calendar for the time that is planned: hours by their start, closures, the IANA zone it is read in.

    holidays: which collection of public holidays was used, and of which day it is; empty without one.
    """

    hours: tuple[Hours, ...]
    closures: tuple[Closure, ...] = ()
    zone: str
    holidays: str = ""


class Reason(msgspec.Struct, frozen=True):
    """One reason, language-neutral: a code for the wording and the amount it speaks of.

    hours: within agreed hours, which last so many seconds. notice: begins so many seconds from now, no sooner than agreed.
    margin: ends so many seconds before the crossing. quiet: the processors' usual load then, a ratio.
    """

    code: Literal["hours", "notice", "margin", "quiet"]
    amount: float


class MaintenanceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A time to act, in unix seconds, with the IANA zone in which people read it."""

    start: float
    end: float
    zone: str
    reasons: tuple[Reason, ...] = ()


class RuledOut(msgspec.Struct, frozen=True, kw_only=True):
    """Agreed hours that were looked at and do not do.

    short: nothing of this length can begin in them. freeze, holiday: they are closed, for what `name` says. notice: too
    little of them is left after the notice. crossing: the work would not end the agreed safety before the earliest crossing.
    taken: other maintenance of this host is agreed for them.
    """

    start: float
    end: float
    code: Obstacle
    name: str = ""

    @property
    def reason(self) -> tuple[Obstacle, str]:
        """What is the same for hours that are ruled out alike."""
        return self.code, self.name


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The windows to choose from, the best first, and the agreed hours that were passed over on the way, by their start."""

    options: tuple[MaintenanceWindow, ...]
    ruled_out: tuple[RuledOut, ...]

    @property
    def none_fits(self) -> bool:
        """Whether there is nothing to propose: people have to be asked to act now."""
        return not self.options


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal keeps to, in unix seconds: begins no sooner than `soonest`, is over by `latest`, and lasts `length`."""

    soonest: float
    latest: float = math.inf
    length: float


class _Candidate(msgspec.Struct, frozen=True, order=True):
    """A start within some hours, the better the smaller. level: its load in steps of SAME_LOAD."""

    level: int
    start: float
    hours: Hours
    load: float | None


def spread(host: str) -> int:
    """Return a number that is always the same for a host id, and evenly spread over many of them."""
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:8])


def propose(
    now: float,
    calendar: Calendar,
    limits: Limits,
    *,
    options: int = 3,
    crossing: float | None = None,
    place: int = 0,
    taken: Sequence[Taken] = (),
    quiet: QuietHours | None = None,
) -> Proposal:
    """Return up to `options` windows within `limits`: the quietest first if the host's load is known, else the soonest.

    crossing: what the margin is told from. place: which of the starts that are as good to take (see `spread`), so that a
    customer's hosts do not all begin together. quiet: None when the work disturbs nobody.
    """
    ranked = quiet is not None and quiet.known
    found: list[_Candidate] = []
    ruled_out: list[RuledOut] = []
    for hours in calendar.hours:
        if hours.end <= now:
            continue
        if len(_best(found, options, limits.length)) == options and not (
            ranked and hours.start <= found[0].start + RANKED
        ):
            break
        starts = _possible_starts(hours, calendar.closures, limits, taken)
        if isinstance(starts, RuledOut):
            ruled_out.append(starts)
        else:
            found.append(_choose(hours, starts, limits.length, place=place, taken=taken, quiet=quiet))
        if hours.start >= limits.latest:
            break
    chosen = _best(found, options, limits.length)
    return Proposal(
        options=tuple(_window(one, now, limits.length, crossing, calendar.zone) for one in chosen),
        ruled_out=tuple(ruled_out),
    )


def _best(found: Iterable[_Candidate], options: int, length: float) -> list[_Candidate]:
    """Return the best of `found`, at most `options`, that do not overlap."""
    chosen: list[_Candidate] = []
    for one in sorted(found):
        if len(chosen) < options and all(abs(one.start - other.start) >= length for other in chosen):
            chosen.append(one)
    return chosen


def _possible_starts(
    hours: Hours, closures: Iterable[Closure], limits: Limits, taken: Iterable[Taken]
) -> list[Range] | RuledOut:
    """Return from when until when the work may begin in `hours`, or what rules them out."""
    length = limits.length

    def out(code: Obstacle, name: str = "") -> RuledOut:
        return RuledOut(start=hours.start, end=hours.end, code=code, name=name)

    starts = _between([(hours.start, hours.end)], -math.inf, min(hours.end - length, hours.last_start))
    if not starts:
        return out("short")
    for closure in closures:
        starts = _apart_from(starts, closure.start, closure.end, length)
        if not starts:
            return out(closure.code, closure.name)
    starts = _between(starts, limits.soonest, math.inf)
    if not starts:
        return out("notice")
    starts = _between(starts, -math.inf, limits.latest - length)
    if not starts:
        return out("crossing")
    for other in taken:
        if other.agreed:
            starts = _apart_from(starts, other.start, other.end, length)
    return starts or out("taken")


def _between(ranges: Iterable[Range], soonest: float, latest: float) -> list[Range]:
    clipped = ((max(first, soonest), min(last, latest)) for first, last in ranges)
    return [(first, last) for first, last in clipped if first <= last]


def _apart_from(ranges: Sequence[Range], start: float, end: float, length: float) -> list[Range]:
    """Return the starts from which work of `length` is over by `start`, or begins at `end` or later."""
    if not ranges or end <= ranges[0][0] or start >= ranges[-1][1] + length:
        return list(ranges)
    return [*_between(ranges, -math.inf, start - length), *_between(ranges, end, math.inf)]


def _choose(
    hours: Hours,
    ranges: Sequence[Range],
    length: float,
    *,
    place: int,
    taken: Iterable[Taken],
    quiet: QuietHours | None,
) -> _Candidate:
    """Return the start for this host: of the quietest, and there of those that no other case proposes, the one of its place."""
    load = {start: quiet.load(start, start + length) if quiet else None for start in _quarters(hours.start, ranges)}
    level = min(map(_level, load.values()))
    quietest = [start for start in load if _level(load[start]) == level]
    free = [start for start in quietest if all(start + length <= one.start or start >= one.end for one in taken)]
    best = free or quietest
    start = best[place % len(best)]
    return _Candidate(level, start, hours, load[start])


def _level(load: float | None) -> int:
    """Return a load in steps that people would call the same; one that is not known is not quiet."""
    return math.ceil(1 / SAME_LOAD) if load is None else int(load / SAME_LOAD)


def _quarters(opening: float, ranges: Iterable[Range]) -> list[float]:
    """Return the whole quarters after `opening` within `ranges`; of one that holds none, its first moment."""
    starts = []
    for first, last in ranges:
        lowest, highest = math.ceil((first - opening) / QUARTER), math.floor((last - opening) / QUARTER)
        starts += [opening + QUARTER * number for number in range(lowest, highest + 1)] or [first]
    return starts


def _window(one: _Candidate, now: float, length: float, crossing: float | None, zone: str) -> MaintenanceWindow:
    start, end = one.start, one.start + length
    reasons = [Reason("hours", one.hours.end - one.hours.start), Reason("notice", start - now)]
    if crossing is not None:
        reasons.append(Reason("margin", crossing - end))
    if one.load is not None:
        reasons.append(Reason("quiet", one.load))
    return MaintenanceWindow(start=start, end=end, zone=zone, reasons=tuple(reasons))
