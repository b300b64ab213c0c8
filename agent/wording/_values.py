"""Numbers and times in pieces, for templates to put into words. Nothing here is a word of any language."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from agent.configuration.settings import DAY, HOUR, MINUTE
from thresholds import Forecast

_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_MONTH = 365.25 / 12 * DAY
SpanUnit = Literal["minute", "hour", "day", "week", "month"]
# up to so many seconds, people say it in units of so many seconds
_SPANS: tuple[tuple[float, float, SpanUnit], ...] = (
    (2 * HOUR, MINUTE, "minute"),
    (2 * DAY, HOUR, "hour"),
    (15 * DAY, DAY, "day"),
    (63 * DAY, 7 * DAY, "week"),
    (float("inf"), _MONTH, "month"),
)


class Span(NamedTuple):
    """A time span as people say it."""

    number: int
    unit: SpanUnit


#: seconds from now beyond which a date says nothing, and beyond which calendars end
FARTHEST = 36_500 * DAY


def reachable(forecast: Forecast | None, now: float) -> Forecast | None:
    """Return `forecast` as calendars can show it: a slow drift may be told to end in ten thousand years."""
    if forecast is None:
        return None
    farthest, latest = now + FARTHEST, forecast.latest
    return Forecast(
        earliest=min(forecast.earliest, farthest),
        expected=min(forecast.expected, farthest),
        latest=None if latest is None or latest > farthest else latest,
    )


def span(seconds: float) -> Span:
    """Return a time span rounded to one unit, at least one of it; the sign is left out.

    >>> span(90 * 60), span(36 * 3600), span(10 * 86400)
    (Span(number=90, unit='minute'), Span(number=36, unit='hour'), Span(number=10, unit='day'))
    """
    seconds = abs(seconds)
    if round(seconds) == HOUR:
        return Span(1, "hour")
    size, unit = next((size, unit) for most, size, unit in _SPANS if seconds < most)
    return Span(max(round(seconds / size), 1), unit)


def local(moment: float, zone: ZoneInfo) -> datetime:
    """Return unix seconds as wall time in `zone`, to the nearest minute."""
    return datetime.fromtimestamp(round(moment / MINUTE) * MINUTE, zone)


def offset(moment: datetime) -> str:
    """Return an aware datetime's offset as people write it.

    >>> offset(datetime.fromisoformat("2026-11-26T22:00+01:00"))
    'UTC+01:00'
    """
    return f"UTC{moment.strftime('%z')[:3]}:{moment.strftime('%z')[3:5]}"


def size(amount: float) -> str:
    """Return bytes in the decimal unit that people read best.

    >>> size(456.07e9), size(512)
    ('456.1 GB', '512 B')
    """
    return " ".join(sized(amount))


def sized(amount: float) -> tuple[str, str]:
    """Return bytes as a number and its decimal unit."""
    for factor, unit in _SIZES:
        if abs(amount) >= 0.9995 * factor:
            return f"{amount / factor:.1f}", unit
    return f"{amount:.0f}", "B"


def percent(ratio: float) -> str:
    """Return a ratio (0 to 1) in percent; never rounded up to all of it.

    >>> percent(0.912), percent(0.9999), percent(1.0), percent(0.5)
    ('91.2 %', '99.9 %', '100 %', '50 %')
    """
    return f"{percentage(ratio)} %"


def percentage(ratio: float) -> str:
    """Return a ratio (0 to 1) as the number of percent that it is; never rounded up to all of it."""
    shown = ratio if ratio >= 1 else min(ratio, 0.999)
    return f"{shown * 100:.1f}".removesuffix(".0")


def number(amount: float) -> str:
    """Return a plain number, with commas between thousands and without a needless fraction.

    >>> number(1234567.0), number(3.25), number(2.0)
    ('1,234,567', '3.25', '2')
    """
    return f"{amount:,.2f}".rstrip("0").rstrip(".")
