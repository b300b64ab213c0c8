"""The time line of what is coming: where on it each case may happen, and when there is time for the work. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.chart import round_times
from agent.configuration.settings import DAY
from agent.web.view import CaseView

SHORTEST, LONGEST = 2 * DAY, 92 * DAY
MARGIN = 0.04  # of the whole, after the last thing on it
MOST_TICKS = 12
ROOM_FOR_LABELS = (
    0.07,
    0.96,
)  # shares of the length between which days are named: it begins with the word for the present


class Stretch(NamedTuple):
    """From where to where on the line, both in percent of its length."""

    begin: float
    length: float


class Bar(NamedTuple):
    """One case on the line. band: when it may happen; expected: when most likely, if that is on the line."""

    case: CaseView
    band: Stretch | None
    expected: float | None
    windows: tuple[Stretch, ...]


class Tick(NamedTuple):
    """A day on the line, at so many percent of its length, and whether there is room to name it."""

    at: float
    share: float
    labelled: bool


class TimeLine:
    """The cases of which something is still to come, the next one first, on one line from now on."""

    def __init__(self, cases: Sequence[CaseView], now: float, zone: str) -> None:
        """Given the cases that are told, now in unix seconds, and the IANA zone whose midnights are marked."""
        coming = [case for case in cases if _times(case, now)]
        farthest = max((at for case in coming for at in _times(case, now)), default=now)
        span = min(max((farthest - now) * (1 + MARGIN), SHORTEST), LONGEST)
        self._now, self._span = now, span
        self.bars = [self._bar(case) for case in sorted(coming, key=lambda case: min(_times(case, now)))]
        self.ticks = [self._tick(at) for at in round_times(now, now + span, zone, MOST_TICKS)]

    def _share(self, at: float) -> float:
        return min(max((at - self._now) / self._span, 0.0), 1.0) * 100

    def _stretch(self, begin: float, end: float) -> Stretch:
        start = self._share(begin)
        return Stretch(start, max(self._share(end) - start, 0.8))

    def _bar(self, case: CaseView) -> Bar:
        forecast, end = case.forecast, self._now + self._span
        windows = tuple(
            self._stretch(one.start, one.end) for one in case.windows if self._now < one.end and one.start < end
        )
        if forecast is None or forecast.earliest >= end:
            return Bar(case, None, None, windows)
        expected = self._share(forecast.expected) if forecast.expected < end else None
        return Bar(
            case,
            self._stretch(forecast.earliest, end if forecast.latest is None else forecast.latest),
            expected,
            windows,
        )

    def _tick(self, at: float) -> Tick:
        first, last = ROOM_FOR_LABELS
        share = self._share(at)
        return Tick(at, share, labelled=first < share / 100 < last)


def _times(case: CaseView, now: float) -> list[float]:
    """Return the times of `case` that are still to come; what may happen at any moment is to come now."""
    times = [at for window in case.windows for at in (window.start, window.end) if window.end > now]
    if case.forecast is not None:
        latest = case.forecast.expected if case.forecast.latest is None else case.forecast.latest
        times += [max(at, now) for at in (case.forecast.earliest, case.forecast.expected, latest)]
    return times
