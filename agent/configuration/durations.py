"""Durations as people write them in the configuration and on the command line: "90s", "15m", "1h30m", "7d", "2w"."""

from __future__ import annotations

import re

_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
# Each unit at most once and from large to small, so that "30m1h" is seen as the slip it is.
_DURATION = re.compile("".join(f"(?:({_NUMBER}){unit})?" for unit in _SECONDS))
_LONGEST = 15  # characters of one number; beyond that a float no longer knows its seconds


def parse_duration(text: str) -> float:
    """Given a duration in words, return seconds. Raises ValueError when it is none.

    >>> parse_duration("1h30m")
    5400.0
    """
    match = _DURATION.fullmatch(text.strip())
    numbers = match.groups() if match else ()
    if not any(numbers) or any(len(number or "") > _LONGEST for number in numbers):
        raise ValueError(f"{text[:40]!r} is not a duration such as '90s', '15m', '1h30m', '7d' or '2w'")
    return float(sum(float(number or 0) * unit for number, unit in zip(numbers, _SECONDS.values(), strict=True)))


def format_duration(seconds: float) -> str:
    """Given seconds (0 or more), return them as `parse_duration` reads them, in days and smaller units, down to microseconds.

    >>> format_duration(90), format_duration(7 * 86400), format_duration(0)
    ('1m30s', '7d', '0s')
    """
    written, rest = "", round(seconds, 6)
    for unit, length in list(_SECONDS.items())[1:-1]:
        count, rest = divmod(rest, length)
        if count:
            written += f"{count:.0f}{unit}"
    left = f"{rest:.6f}".rstrip("0").rstrip(".")
    return written + f"{left}s" if left != "0" or not written else written
