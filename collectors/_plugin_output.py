"""What a Nagios or Icinga plugin prints, read: performance data, its units and ranges. Pure.

By the Monitoring Plugins Development Guidelines (https://www.monitoring-plugins.org/doc/guidelines.html), sections on
plugin output, threshold and ranges, and performance data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
# 'label'=value[UOM];[warn];[crit];[min];[max], where a quote within a quoted label is doubled.
_ITEM = re.compile(
    rf"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<bare>[^\s='][^\s=]*))="
    rf"(?:(?P<value>{_NUMBER})(?P<unit>[^\s;\d]*)|(?P<unknown>U))(?P<rest>(?:;[^\s;]*)*)(?:\s+|$)"
)
_WORD = re.compile(r"(\S*)\s*")
# Plugins count memory and disks in powers of two, whatever they call them (utils_base.c, check_disk).
_UNITS = {
    "": ("count", 1.0),
    "c": ("total", 1.0),
    "%": ("ratio", 0.01),
    "s": ("seconds", 1.0),
    "ms": ("seconds", 1e-3),
    "us": ("seconds", 1e-6),
    "ns": ("seconds", 1e-9),
    **{prefix + "B": ("bytes", 1024.0**power) for power, prefix in enumerate(["", "K", "M", "G", "T", "P"])},
    **{prefix + "iB": ("bytes", 1024.0**power) for power, prefix in enumerate(["", "K", "M", "G", "T", "P"]) if power},
}


class Range(msgspec.Struct, frozen=True):
    """Where a plugin would warn: outside of low to high, or inside when `inside`. In base units."""

    low: float
    high: float
    inside: bool

    def warns(self, value: float) -> bool:
        """Return whether the plugin would warn at `value`."""
        return (self.low <= value <= self.high) is self.inside


class Performance(msgspec.Struct, frozen=True):
    """One value of a plugin, in base units; None where it says that it could not tell.

    quantity: `count`, `total` (a counter), `ratio`, `seconds` or `bytes`. An unknown unit is a count.
    """

    label: str
    value: float | None
    quantity: str = "count"
    warning: Range | None = None
    critical: Range | None = None
    largest: float | None = None


class Malformed(ValueError):
    """A part of the performance data is not written as the guidelines say."""


def parse_output(output: str) -> tuple[str, list[Performance], list[str]]:
    r"""Given all that a plugin printed, return its first line of text, its values, and what of them is malformed.

    >>> parse_output("DISK OK | /=12MB;80;90;0;100\nmore text | 'swap used'=3%")[0]
    'DISK OK'
    """
    first, _, rest = output.partition("\n")
    text, _, performance = first.partition("|")
    performance += " " + rest.partition("|")[2].replace("\n", " ")
    values: list[Performance] = []
    malformed: list[str] = []
    for item in _items(performance.strip()):
        if isinstance(item, Performance):
            values.append(item)
        else:
            malformed.append(item)
    return text.strip(), values, malformed


def _items(performance: str) -> Iterator[Performance | str]:
    at = 0
    while at < len(performance):
        if found := _ITEM.match(performance, at):
            at = found.end()
            try:
                yield _performance(found)
            except Malformed as error:
                yield str(error)
        elif word := _WORD.match(performance, at):  # go on behind it: one bad item spoils no other
            at = word.end()
            yield word[1]


def _performance(found: re.Match[str]) -> Performance:
    label = found["quoted"].replace("''", "'") if found["quoted"] else found["bare"]
    if found["unknown"]:
        return Performance(label, None)
    quantity, scale = _UNITS.get(found["unit"], ("count", 1.0))
    warning, critical, _, largest = [*found["rest"].split(";")[1:], "", "", "", ""][:4]
    return Performance(
        label=label,
        value=_number(found["value"], scale),
        quantity=quantity,
        warning=parse_range(warning, scale),
        critical=parse_range(critical, scale),
        largest=_number(largest, scale) if largest else None,
    )


def parse_range(text: str, scale: float = 1.0) -> Range | None:
    """Given a range as the guidelines write it, return it; None for an empty one. Raises Malformed.

    >>> parse_range("10:").warns(9), parse_range("~:10").warns(-5), parse_range("@10:20").warns(15), parse_range("10").warns(-1)
    (True, False, True, True)
    """
    inside, ends = text.startswith("@"), text.removeprefix("@")
    if not ends:
        return None
    low, colon, high = ends.rpartition(":")
    lowest = -math.inf if low == "~" else _number(low, scale) if low else 0.0
    return Range(lowest, math.inf if colon and not high else _number(high, scale), inside)


def _number(text: str, scale: float) -> float:
    number = float(text) * scale if re.fullmatch(_NUMBER, text) else math.inf
    if math.isinf(number):  # nothing a plugin measures: 1e309
        raise Malformed(text)
    return number
