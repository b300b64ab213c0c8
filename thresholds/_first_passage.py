"""When a random walk with drift first reaches a barrier, where the drift itself is only an estimate. Pure mathematics.

For a known drift this is the inverse Gaussian distribution (Chhikara and Folks, "The Inverse Gaussian Distribution", 1989).
Its mean over a normally distributed drift has a closed form too, by completing the square; that is what stands here. A
walk that has been as steady as a clock is then still not certain to go on like that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import msgspec

LONGEST = 730.0  # days; what lies beyond is no forecast
NEVER = 8.0  # standard deviations that nothing is away by chance
SERIES_FROM = 25.0  # standard deviations; the series is good to 1e-5 from there, and erfc runs out of digits at 37
CLOSE = 2e-3  # days, and share of the days: nobody plans by minutes
SECOND = 1 / 86400  # days; later by so much nothing is too early by its last digits
BEYOND = 0.45  # of what is close
FARTHER = 8.0  # times as far the next look is

_Chance = tuple[float, float]  # days, and the probability that it is reached within them


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

    def days_until(self, room: float, probabilities: Sequence[float]) -> list[float | None]:
        """Return after how many days it has risen by `room` with each of the `probabilities`, which ascend.

        They are at most what is CLOSE too late; None when it is not within LONGEST.
        """
        if room <= 0:
            return [0.0] * len(probabilities)
        longest, latest = self.reaches(room, LONGEST), 0.0
        days: list[float | None] = []
        for probability in probabilities:
            if longest >= probability:
                latest = max(latest, self._day(room, probability))
            days.append(latest if longest >= probability else None)
        return days

    def _day(self, room: float, probability: float) -> float:
        """Return the day of a probability that is reached within LONGEST."""
        # Mostly the closed form is close already; what it leaves out makes it earlier.
        late, high = min(self._beyond_by(room, probability) + SECOND, LONGEST), 1.0
        step = CLOSE * max(1.0, late)
        early, low = late - step, 0.0
        while early > 0 and (low := self.reaches(room, early)) >= probability:
            late, high, step = early, low, FARTHER * step
            early = late - step
        return self._between(room, probability, (early, low) if early > 0 else (0.0, 0.0), (late, high))

    def _beyond_by(self, room: float, probability: float) -> float:
        """Return after how many days it is beyond `room` with `probability`, whether it was before or not."""
        z = _quantile(probability)
        square = self.drift * self.drift - z * z * self.doubt
        linear = 2.0 * self.drift * room + z * z * self.variance
        root = math.sqrt(max(linear * linear - 4.0 * square * room * room, 0.0))
        if z > 0:
            return (linear + root) / (2.0 * square) if square > 0 and self.drift > 0 else math.inf
        return 2.0 * room * room / (linear + root) if linear + root > 0 else math.inf

    def _between(self, room: float, probability: float, early: _Chance, late: _Chance) -> float:
        """Return the date between two, by straight lines, or by halves where these do no better."""
        width = math.inf
        while late[0] - early[0] > (close := CLOSE * max(1.0, late[0])):
            middle = (early[0] + late[0]) / 2
            if late[0] - early[0] <= width / 2:
                crossing = early[0] + (late[0] - early[0]) * (probability - early[1]) / (late[1] - early[1])
                # A little beyond it, so that the farther end comes closer too.
                middle = crossing + (BEYOND if crossing < middle else -BEYOND) * close
            width = late[0] - early[0]
            there = middle, self.reaches(room, middle)
            early, late = (early, there) if there[1] >= probability else (there, late)
        return late[0]


@cache
def _quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


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
