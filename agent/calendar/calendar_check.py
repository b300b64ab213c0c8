"""Finds what is wrong with the configured calendar: rules, zones, dates, countries, and hours that never come.

A child of the daemon too (`agent.startup`): a ConfigFile as JSON on standard input, what is wrong as JSON on standard output.
So the daemon does not start with a calendar by which nothing could ever be proposed, and carries none of the libraries that
expand it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import holidays
import msgspec

from agent.calendar.calendars import calendar, parse_rule, rule_of
from agent.calendar.windows import Limits, propose
from agent.configuration.config import ConfigFile, Configuration, load
from agent.configuration.decode import ConfigError, ConfigErrors, nearest
from agent.configuration.settings import (
    DAY,
    AgreedWindow,
    Freeze,
    PublicHolidays,
    RuledWindow,
    WeeklyWindow,
    WindowSettings,
)
from agent.system.host import is_zone

#: hours that do not come within so long never come, as far as a problem of today is concerned
LOOKED_AHEAD = 5 * 366 * DAY

Problem = tuple[str, str, str]


def require_calendar(configuration: Configuration, now: float) -> None:
    """Raise ConfigErrors with everything that is wrong with the calendar at `now` (unix seconds)."""
    file = str(configuration.source or "built-in defaults")
    found = problems(configuration.settings.windows, ZoneInfo(configuration.zone), now)
    if found:
        raise ConfigErrors([ConfigError(file, key, problem, cure) for key, problem, cure in found])


def problems(settings: WindowSettings, zone: ZoneInfo, now: float) -> list[Problem]:
    """Return key, problem and cure of each mistake; that it never opens only when every entry is right by itself."""
    found: list[Problem] = []
    for number, weekly in enumerate(settings.weekly or []):
        found += _of_window(weekly, f"windows.weekly[{number}]", zone, now)
    for number, ruled in enumerate(settings.rules):
        found += _of_window(ruled, f"windows.rules[{number}]", zone, now)
    for number, freeze in enumerate(settings.freezes):
        found += _of_freeze(freeze, f"windows.freezes[{number}]")
    found += _of_holidays(settings.holidays)
    return found or list(_of_whole(settings, zone, now))


def _of_window(agreed: WeeklyWindow | RuledWindow, key: str, zone: ZoneInfo, now: float) -> Iterator[Problem]:
    wrong = [*_dates(agreed, key, ("valid_from", "valid_until")), *_zone(agreed.zone, key)]
    yield from wrong
    if agreed.cutoff >= agreed.duration:
        yield (
            f"{key}.cutoff",
            "is as long as the hours: nothing could begin in them",
            "make it shorter than the duration",
        )
    if agreed.valid_from and agreed.valid_until and agreed.valid_from > agreed.valid_until:
        yield f"{key}.valid_until", "is before valid_from", "exchange them"
    if isinstance(agreed, RuledWindow):
        slips = [*_dates(agreed, key, ("start",)), *_rule(agreed.rule, f"{key}.rule")]
        yield from slips
        if not slips and not wrong and next(iter(rule_of(agreed, zone, now)), None) is None:
            yield f"{key}.rule", "is on no day at all", "write a rule that comes, as FREQ=MONTHLY;BYDAY=2SA"


def _of_freeze(freeze: Freeze, key: str) -> Iterator[Problem]:
    wrong = list(_dates(freeze, key, ("start", "end")))
    yield from [*wrong, *_zone(freeze.zone, key)]
    if freeze.rule is not None:
        yield from _rule(freeze.rule, f"{key}.rule")
    elif not wrong and not _is_after(freeze):
        yield f"{key}.end", "is not after its start", "exchange them"


def _is_after(freeze: Freeze) -> bool:
    """Return whether a freeze ends after it begins; a date is the whole day, so the same day will do."""
    end = freeze.end or ""
    return end > freeze.start if "T" in end else end >= freeze.start[:10]


def _of_holidays(whose: PublicHolidays) -> Iterator[Problem]:
    if not whose.country:
        if whose.subdivision:
            yield "windows.holidays.subdivision", "is of no country", 'write country as well, for example "DE"'
        return
    known = holidays.list_supported_countries(include_aliases=True)
    parts = known.get(whose.country.upper())
    if parts is None:
        cure = nearest(whose.country.upper(), known, "write its two letters of ISO 3166; or list its days as freezes")
        yield "windows.holidays.country", "its public holidays are not known here", cure
    elif whose.subdivision and whose.subdivision not in parts:
        yield (
            "windows.holidays.subdivision",
            "is no part of this country that has its own",
            nearest(whose.subdivision, parts),
        )


def _of_whole(settings: WindowSettings, zone: ZoneInfo, now: float) -> Iterator[Problem]:
    """See that work of a moment finds a time."""
    until = now + LOOKED_AHEAD
    ahead = calendar(settings, zone, now, until=until)
    proposal = propose(now, ahead, Limits(soonest=now, length=1.0), options=1)
    if proposal.none_fits and not ahead.hours:
        yield "windows", "no agreed hours come within the next five years", "add hours to weekly or rules that come"
    elif proposal.none_fits:
        yield (
            "windows",
            "freezes and holidays leave nothing of the agreed hours, for five years",
            "shorten what closes them",
        )


def _rule(text: str, key: str) -> Iterator[Problem]:
    try:
        parse_rule(text, datetime(2026, 1, 1))  # noqa: DTZ001 - wall time
    except ValueError as error:
        yield key, str(error), 'write one as RFC 5545 has them, for example "FREQ=MONTHLY;BYDAY=2SA"'


def _dates(entry: AgreedWindow | Freeze, key: str, names: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        text = getattr(entry, name)
        try:
            date.fromisoformat((text or "2026-01-01")[:10])
        except ValueError:
            yield f"{key}.{name}", "is a day that no calendar has", "write one that there is"


def _zone(zone: str | None, key: str) -> Iterator[Problem]:
    if zone is not None and not is_zone(zone):
        yield f"{key}.zone", "is no IANA time zone", nearest(zone, available_timezones(), "Europe/Berlin")


def main() -> None:
    """Check the calendar of the file on standard input."""
    file = msgspec.json.decode(sys.stdin.buffer.read(), type=ConfigFile)
    wrong: tuple[ConfigError, ...] = ()
    try:
        require_calendar(load(file, parts=()), time.time())
    except ConfigErrors as error:
        wrong = error.errors
    sys.stdout.buffer.write(msgspec.json.encode(wrong))


if __name__ == "__main__":
    main()
