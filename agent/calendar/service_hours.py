"""The service desk's hours of the week: when so much of their time will have passed, or had to begin. Pure.

All arithmetic is on unix seconds; the zone only says when hours begin, like those of `agent.calendar.windows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from agent.configuration.settings import DeskHours

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A calendar that is closed for so long never opens: a configuration's mistake, and no reason to count for ever.
_LONGEST_CLOSED = 400


def never_closed(_day: date) -> bool:
    """Say that no day is a holiday."""
    return False


class ServiceHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which a service level's time counts; round the clock when `weekly` is empty.

    closed: whether nothing begins on that day of the zone's calendar, because it is a holiday.
    """

    weekly: Sequence[DeskHours]
    zone: ZoneInfo
    closed: Callable[[date], bool] = never_closed

    def after(self, moment: float, seconds: float) -> float:
        """Return when `seconds` of service time will have passed since `moment` (unix seconds)."""
        if not self.weekly:
            return moment + seconds
        left = seconds
        for opening, closing in self._stretches(moment, 1):
            begin = max(opening, moment)
            if closing - begin >= left:
                return begin + left
            left -= max(closing - begin, 0.0)
        return moment + seconds  # it never opens: better counted round the clock than never due

    def before(self, moment: float, seconds: float) -> float:
        """Return the moment from which `seconds` of service time lead up to `moment` (unix seconds)."""
        if not self.weekly:
            return moment - seconds
        left = seconds
        for opening, closing in self._stretches(moment, -1):
            end = min(closing, moment)
            if end - opening >= left:
                return end - left
            left -= max(end - opening, 0.0)
        return moment - seconds

    def _stretches(self, moment: float, step: int) -> Iterator[tuple[float, float]]:
        """Yield service time from the day of `moment` on (`step` 1) or back (-1): in that order, and apart from each other."""
        day = datetime.fromtimestamp(moment, self.zone).date()
        without = 0
        while without < _LONGEST_CLOSED:
            hours = self._hours_within(day)
            without = 0 if hours else without + 1
            yield from hours[::step]
            day += timedelta(days=step)

    def _hours_within(self, day: date) -> list[tuple[float, float]]:
        """Return the service time between midnight and midnight, also what began on a day before."""
        midnight, next_midnight = self._at(day, "00:00"), self._at(day + timedelta(days=1), "00:00")
        begun = sorted(hours for ago in range(3) for hours in self._hours_of(day - timedelta(days=ago)))
        within: list[tuple[float, float]] = []
        reached = midnight
        for opening, closing in begun:
            begin, end = max(opening, reached), min(closing, next_midnight)
            if end > begin:
                within.append((begin, end))
                reached = end
        return within

    def _hours_of(self, day: date) -> list[tuple[float, float]]:
        """Return the hours that begin on `day`."""
        if self.closed(day):
            return []
        openings = [
            (self._at(day, weekly.start), weekly) for weekly in self.weekly if _WEEKDAYS[day.weekday()] in weekly.days
        ]
        return [(opening, opening + weekly.duration) for opening, weekly in openings]

    def _at(self, day: date, clock: str) -> float:
        return datetime.combine(day, time.fromisoformat(clock), tzinfo=self.zone).timestamp()
