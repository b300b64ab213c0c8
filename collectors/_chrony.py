"""What chronyd says of the clock: the answer of `chronyc -c tracking`, read. Pure.

The columns are those of `chronyc tracking` (chronyc(1)): reference id and name, stratum, reference time, the correction
that is left, last offset, mean offset, frequency, residual, skew, root delay, root dispersion, interval, leap status.
"""

from __future__ import annotations

import msgspec

CHRONYC = "/usr/bin/chronyc"
QUESTION = [CHRONYC, "-n", "-c", "tracking"]
_COLUMNS = 14


class Tracking(msgspec.Struct, frozen=True):
    """ahead: seconds by which the clock is ahead of true time, as chronyd reckons. synchronised: whether it knows."""

    ahead: float
    stratum: int
    synchronised: bool


def parse_tracking(output: str) -> Tracking:
    r"""Given the output of QUESTION, return what it says. Raises ValueError when it is not understood.

    >>> parse_tracking("7F7F0101,,10,1790000000.5,-0.000012,0,0,0,0,0,0,0,64.0,Normal\n").synchronised
    True
    """
    columns = output.strip().split(",")
    if len(columns) < _COLUMNS:
        raise ValueError(f"chronyc said: {output.strip() or 'nothing'}")
    # chronyc counts the other way: its "system time" is what has to be added to the clock.
    return Tracking(-float(columns[4]), int(columns[2]), columns[13] != "Not synchronised")
