"""What `/metrics` shows of readings: a family for each name.

Whatever a third party's collector calls things, the page stays well-formed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress, count
from operator import is_not
from typing import NamedTuple

from agent.metric_family import CounterMetricFamily, Family, GaugeMetricFamily
from collectors import Reading


class ReadingFamilies:
    """Makes the families, cycle after cycle. What was not read anew since the last is not looked at again."""

    def __init__(self, prefix: str, meanings: Mapping[str, str], own: Iterable[str]) -> None:
        """`prefix`: before every name. meanings: what each reading says, by its name. own: names of the agent's own families."""
        self._prefix = prefix
        self._meanings = meanings
        self._own = {name.removesuffix("_total") for name in own}
        self._readings: Sequence[Reading] = ()
        self._groups: dict[str, _Group] = {}
        self._group_at: dict[int, _Group] = {}

    def of(self, readings: Sequence[Reading]) -> list[Family]:
        """Return a family for each reading name; none has the name of one of the agent's own."""
        before, self._readings = self._readings, readings
        # Most collectors were not due, and theirs are the very same objects.
        fresh: Iterable[int] = list(compress(count(), map(is_not, readings, before)))
        if len(readings) != len(before) or any(readings[place].name != before[place].name for place in fresh):
            self._lay_out(readings)
            fresh = self._group_at
        for group in {self._group_at[place] for place in fresh}:
            group.read(readings)
        return [group.family for group in self._groups.values()]

    def _lay_out(self, readings: Sequence[Reading]) -> None:
        """Find out anew which reading belongs to which family."""
        before, self._groups = self._groups, {}
        taken = set(self._own)
        for name, places in _by_name(readings).items():
            full = self._prefix + name
            while full.removesuffix("_total") in taken:  # two families of one name would make the whole page unreadable
                full = full.replace(self._prefix, self._prefix + "reading_", 1)
            taken.add(full.removesuffix("_total"))
            meaning = self._meanings.get(readings[places[0]].name) or f"Reading {name} of this host."
            group = before.get(full)
            if group is None or group.family.meaning != meaning:
                group = _Group(full, meaning)
            self._groups[full] = group
            group.places = places
        self._group_at = {place: group for group in self._groups.values() for place in group.places}


class _Group:
    """The readings that are one family. places: where they stand among all."""

    def __init__(self, full: str, meaning: str) -> None:
        kind = CounterMetricFamily if full.endswith("_total") else GaugeMetricFamily
        self.places: list[int] = []
        self.family = Family(full, kind, meaning, (), {})
        self._columns = _columns([])

    def read(self, readings: Sequence[Reading]) -> None:
        """Make the family of what was read now. How labels are shown is worked out anew only when other series are read."""
        group = [readings[place] for place in self.places]
        read = [reading.labels for reading in group]
        if self._columns.read != read:
            self._columns = _columns(read)
        # Of two series that are the same on the page the last counts.
        series = dict(zip(self._columns.texts, [reading.value for reading in group], strict=True))
        self.family = self.family._replace(labels=self._columns.names, series=series)


class _Columns(NamedTuple):
    """How the labels of a family's readings come to the page. texts: those of each reading, as `names` has them in order."""

    read: list[dict[str, str]]
    names: list[str]
    texts: list[tuple[str, ...]]


def _columns(read: list[dict[str, str]]) -> _Columns:
    """Return how these labels are shown; one that a reading lacks is empty on the page."""
    names = {label: _valid_label(label) for labels in read for label in labels}
    shown = sorted(set(names.values()))
    texts = []
    for labels in read:
        by_name = {names[label]: text for label, text in labels.items()}
        texts.append(tuple([by_name.get(name, "") for name in shown]))
    return _Columns(read, shown, texts)


def _by_name(readings: Iterable[Reading]) -> dict[str, list[int]]:
    """Return where the readings stand by their names on the page, which several may share."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for place, reading in enumerate(readings):
        by_name[reading.name].append(place)
    valid: dict[str, list[int]] = {}
    for name, places in by_name.items():
        valid.setdefault(_valid(name), []).extend(places)
    return valid


@lru_cache(maxsize=1024)
def _valid(name: str) -> str:
    """Return `name` as every Prometheus accepts it behind our prefix."""
    return re.sub(r"[^a-zA-Z0-9_]|^(?=[0-9])", "_", name)


@lru_cache(maxsize=1024)
def _valid_label(name: str) -> str:
    """Return `name` as a label: never empty, never one of those with two underscores that Prometheus keeps for itself."""
    return re.sub(r"^_{2,}", "_", _valid(name)) or "_"
