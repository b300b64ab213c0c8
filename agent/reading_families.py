"""What `/metrics` shows of readings: a family for each name.

Whatever a third party's collector calls things, the page stays well-formed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.metric_family import CounterMetricFamily, Family, GaugeMetricFamily
from collectors import Reading


class ReadingFamilies:
    """Makes the families, cycle after cycle. How labels come to the page is worked out when other series are read than before."""

    def __init__(self, prefix: str, meanings: Mapping[str, str]) -> None:
        """`prefix`: before every name. meanings: what each reading says, by its name."""
        self._prefix = prefix
        self._meanings = meanings
        self._known: dict[str, _Known] = {}

    def of(self, readings: Iterable[Reading], own: Iterable[Family]) -> list[Family]:
        """Return a family for each reading name; none has the name of one of the agent's `own`."""
        before, self._known = self._known, {}
        taken = {family.name.removesuffix("_total") for family in own}
        return [self._family(name, group, taken, before) for name, group in _by_name(readings)]

    def _family(self, name: str, group: Sequence[Reading], taken: set[str], before: Mapping[str, _Known]) -> Family:
        full = self._prefix + name
        while full.removesuffix("_total") in taken:  # two families of one name would make the whole page unreadable
            full = full.replace(self._prefix, self._prefix + "reading_", 1)
        taken.add(full.removesuffix("_total"))
        known = before.get(full)
        if known is not None and known.group == group:  # its collector was not due
            self._known[full] = known
            return known.family
        read = [reading.labels for reading in group]
        columns = _columns(read) if known is None or known.columns.read != read else known.columns
        kind = CounterMetricFamily if full.endswith("_total") else GaugeMetricFamily
        meaning = self._meanings.get(group[0].name) or f"Reading {name} of this host."
        # Of two series that are the same on the page the last counts.
        series = dict(zip(columns.texts, [reading.value for reading in group], strict=True))
        family = Family(full, kind, meaning, columns.names, series)
        self._known[full] = _Known(group, columns, family)
        return family


class _Columns(NamedTuple):
    """How the labels of a family's readings come to the page. texts: those of each reading, as `names` has them in order."""

    read: list[dict[str, str]]
    names: list[str]
    texts: list[tuple[str, ...]]


class _Known(NamedTuple):
    """A family as it was made last, and of which readings."""

    group: Sequence[Reading]
    columns: _Columns
    family: Family


def _columns(read: list[dict[str, str]]) -> _Columns:
    """Return how these labels are shown; one that a reading lacks is empty on the page."""
    names = {label: _valid_label(label) for labels in read for label in labels}
    shown = sorted(set(names.values()))
    texts = []
    for labels in read:
        by_name = {names[label]: text for label, text in labels.items()}
        texts.append(tuple([by_name.get(name, "") for name in shown]))
    return _Columns(read, shown, texts)


def _by_name(readings: Iterable[Reading]) -> Iterator[tuple[str, list[Reading]]]:
    """Yield the readings by their names on the page, which several may share."""
    by_name: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_name[reading.name].append(reading)
    valid: dict[str, list[Reading]] = {}
    for name, group in by_name.items():
        valid.setdefault(_valid(name), []).extend(group)
    yield from valid.items()


@lru_cache(maxsize=1024)
def _valid(name: str) -> str:
    """Return `name` as every Prometheus accepts it behind our prefix."""
    return re.sub(r"[^a-zA-Z0-9_]|^(?=[0-9])", "_", name)


@lru_cache(maxsize=1024)
def _valid_label(name: str) -> str:
    """Return `name` as a label: never empty, never one of those with two underscores that Prometheus keeps for itself."""
    return re.sub(r"^_{2,}", "_", _valid(name)) or "_"
