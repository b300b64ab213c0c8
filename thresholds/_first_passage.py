"""When a random walk with drift first reaches a barrier: the inverse Gaussian distribution. Pure mathematics.

Chhikara and Folks, "The Inverse Gaussian Distribution", 1989. The variance grows with the horizon by what is not known of
the drift, which is only an estimate.
"""

from __future__ import annotations

import math

import msgspec

LONGEST = 730.0  # days; what lies beyond is no forecast
CLOSE = 1e-3  # days, and share of the days: nobody plans by minutes


class Walk(msgspec.Struct, frozen=True):
    """A random walk as estimated from increments: per day, in the unit of what walks.

    drift: mean increment. variance: of increments, as it adds up over many days. doubt: variance of the estimated drift as
    a share of `variance`. jitter: variance of what comes and goes from day to day and does not add up.
    """

    drift: float
    variance: float
    doubt: float
    jitter: float = 0.0

    def reaches(self, room: float, days: float) -> float:
        """Return the probability (0 to 1) that the walk has risen by `room` at some time within `days`."""
        if room <= 0:
            return 1.0
        if days <= 0:
            return 0.0
        walked = self._walks(room, days)
        shake = math.sqrt(self.jitter * min(days, 1.0))
        if shake <= 0:
            return walked
        left = max(room - max(self.drift, 0.0) * days, 0.0)
        shaken = 2.0 * _normal(-left / shake)
        return 1.0 - (1.0 - walked) * (1.0 - shaken)

    def _walks(self, room: float, days: float) -> float:
        variance = self.variance * (1.0 + days * self.doubt)
        spread = math.sqrt(variance * days)
        if spread <= 0:
            return 1.0 if self.drift * days >= room else 0.0
        end = _normal((self.drift * days - room) / spread)
        # Walks that were beyond and came back; the factor can be huge where the tail is tiny, so both as logarithms.
        returned = 2.0 * self.drift * room / variance + _log_normal(-(room + self.drift * days) / spread)
        return min(1.0, end + math.exp(min(returned, 0.0)))

    def days_until(self, room: float, probability: float) -> float | None:
        """Return after how many days the walk has risen by `room` with `probability`; None when not within LONGEST."""
        if room <= 0:
            return 0.0
        if self.reaches(room, LONGEST) < probability:
            return None
        early, late = 0.0, LONGEST
        while late - early > max(CLOSE, CLOSE * late):
            middle = (early + late) / 2
            early, late = (early, middle) if self.reaches(room, middle) >= probability else (middle, late)
        return late


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def _log_normal(z: float) -> float:
    if z > -30.0:  # noqa: PLR2004 - erfc is exact to here, the series behind it good to 1e-3 from there
        return math.log(_normal(z))
    return -0.5 * z * z - math.log(-z * math.sqrt(2.0 * math.pi))
