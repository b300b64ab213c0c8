"""When a random walk with drift first reaches a barrier, where the drift itself is only an estimate. Pure mathematics.

For a known drift this is the inverse Gaussian distribution (Chhikara and Folks, "The Inverse Gaussian Distribution", 1989).
Its mean over a normally distributed drift has a closed form too, by completing the square; that is what stands here. A
walk that has been as steady as a clock is then still not certain to go on like that.
"""

from __future__ import annotations

import math

import msgspec

LONGEST = 730.0  # days; what lies beyond is no forecast
NEVER = 8.0  # standard deviations that nothing is away by chance
SERIES_FROM = 25.0  # standard deviations; the series is good to 1e-5 from there, and erfc runs out of digits at 37
CLOSE = 2e-3  # days, and share of the days: nobody plans by minutes


class Walk(msgspec.Struct, frozen=True):
    """A random walk as estimated from increments: per day, in the unit of what walks.

    drift: mean increment. variance: of increments, as it adds up over many days. doubt: variance of the drift, of which the
    past is only an estimate.
    """

    drift: float
    variance: float
    doubt: float

    def reaches(self, room: float, days: float) -> float:
        """Return the probability (0 to 1) that the walk has risen by `room` at some time within `days`."""
        if room <= 0:
            return 1.0
        if days <= 0:
            return 0.0
        moved = self.drift * days
        spread = math.sqrt((self.variance + self.doubt * days) * days)
        if spread <= 0:
            return 1.0 if moved >= room else 0.0
        below = (room - moved) / spread
        if below > NEVER and moved >= 0:
            return 0.0
        returned = 0.0  # walks that were beyond and came back
        if self.variance > 0:
            beyond = (room + moved + 2.0 * room * self.doubt * days / self.variance) / spread
            returned = _tail(beyond, below)
        return min(1.0, _normal(-below) + returned)

    def days_until(self, room: float, probability: float) -> float | None:
        """Return after how many days the walk has risen by `room` with `probability`; None when not within LONGEST."""
        if room <= 0:
            return 0.0
        if self.reaches(room, LONGEST) < probability:
            return None
        late = min(room / self.drift, LONGEST) if self.drift * LONGEST > room else LONGEST
        while self.reaches(room, late) < probability:
            late = min(2 * late, LONGEST)
        early = late / 2
        while early > CLOSE and self.reaches(room, early) >= probability:
            early, late = early / 2, early
        while late - early > max(CLOSE, CLOSE * late):
            middle = (early + late) / 2
            early, late = (early, middle) if self.reaches(room, middle) >= probability else (middle, late)
        return late


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _tail(beyond: float, below: float) -> float:
    """Return exp((beyond^2 - below^2) / 2) * P(a normal is above `beyond`); the one may be huge where the other is tiny."""
    if beyond < 0:
        return math.exp(min((beyond * beyond - below * below) / 2.0, 0.0)) * _normal(-beyond)
    if beyond < SERIES_FROM:
        scaled = _normal(-beyond) * math.exp(beyond * beyond / 2.0)
    else:
        scaled = (1.0 - 1.0 / (beyond * beyond)) / (beyond * math.sqrt(2.0 * math.pi))
    return math.exp(-below * below / 2.0) * scaled
