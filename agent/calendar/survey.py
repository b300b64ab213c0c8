"""Surveys what windows are planned in: the calendar, the host's quiet hours, and what its other cases have taken.

Used by the courier and by commands, once a batch and only when something is planned: the history of eight weeks is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from agent.calendar.calendars import calendar
from agent.calendar.planning import Surroundings
from agent.calendar.quiet_hours import QuietHours, learn
from agent.calendar.windows import Taken
from agent.configuration.settings import DAY, Settings
from agent.following.model import Case
from agent.logs import get_logger
from agent.store import History, Store, StoreUnavailable

#: how far back habits are looked for: long enough for every hour of the week to come often, short enough to follow a change
LOOKED_BACK = 56 * DAY
LOAD = "cpu_utilization_ratio{}"  # the series, as history names it

log = get_logger()


def survey(settings: Settings, host: str, zone: ZoneInfo, now: float, store: Store | None = None) -> Surroundings:
    """Return what is planned in at `now` (unix seconds) for the host with this id; without a `store`, its calendar alone."""
    return Surroundings(
        now=now,
        windows=settings.windows,
        calendar=calendar(settings.windows, zone, now, language=settings.customer.language),
        host=host,
        taken=tuple(_taken(store.cases(), now)) if store else (),
        quiet=_quiet_hours(store, settings, zone, now) if store else None,
    )


def _taken(cases: Iterable[Case], now: float) -> Iterator[Taken]:
    """Yield the windows of `cases` that are not over."""
    for case in cases:
        agreed = case.agreed.window if case.agreed else None
        for window in case.proposed if agreed is None else (agreed,):
            if window.end > now:
                yield Taken(case.key, window.start, window.end, agreed=agreed is not None)


def _quiet_hours(store: Store, settings: Settings, zone: ZoneInfo, now: float) -> QuietHours | None:
    """Return the host's habits; None when its history cannot be read, without which planning still works."""
    try:
        hours = History(store, settings.history).hourly(LOAD, since=now - LOOKED_BACK, until=now)
    except StoreUnavailable as error:
        log.warning("the host's quiet hours are not known", trouble=str(error))
        return None
    return learn(((hour.at, hour.mean) for hour in hours), zone)
