"""What was measured until now, from the history on disk, as points to draw. Read by the page's child, never by the daemon."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from agent.chart import Point, thinned
from agent.configuration.settings import DAY, HOUR, HistorySettings
from agent.store import History, Store, StoreUnavailable

IN_DETAIL = 2 * DAY  # before that, an hour is one point
ENOUGH_POINTS = 240  # for a drawing as wide as a page's column


class Past:
    """The history in a state folder; an empty one where there is no folder, or it cannot be read."""

    def __init__(self, folder: str) -> None:
        """Given the state folder, or an empty text. To be closed."""
        self._opened = ExitStack()
        self._history: History | None = None
        self.trouble = ""
        if folder:
            try:
                store = self._opened.enter_context(Store.open(Path(folder)))
                self._history = History(store, HistorySettings())
            except StoreUnavailable as error:
                self.trouble = str(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def series(self) -> list[str]:
        """Return the names of all series there are, as `Reading.series` gives them."""
        try:
            return self._history.series() if self._history else []
        except StoreUnavailable as error:
            self.trouble = str(error)
            return []

    def points(self, series: str, since: float, until: float) -> list[Point]:
        """Return what `series` (as `Reading.series` names it) was from `since` to `until` (unix seconds)."""
        if self._history is None:
            return []
        turn = (until - IN_DETAIL) // HOUR * HOUR
        try:
            hours = self._history.hourly(series, since, turn)
            fine = list(self._history.read(series, turn, until))
        except StoreUnavailable as error:
            self.trouble = str(error)
            return []
        points = [Point(hour.at + HOUR / 2, hour.mean) for hour in hours if hour.count]
        return list(thinned(points + [Point(at, value) for at, value in fine], ENOUGH_POINTS))
