"""A collector as configuration has it run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from collectors import Collector, CollectorError, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._two_looks import LooksAhead


class ConfiguredCollector(msgspec.Struct, frozen=True, kw_only=True):
    """A collector that runs: its plugin, the options it was given, and what was built of them."""

    plugin: CollectorPlugin
    options: CollectorOptions
    collector: Collector

    @property
    def name(self) -> str:
        """Its configured name."""
        return self.plugin.name

    @property
    def readings(self) -> tuple[DeclaredReading, ...]:
        """Every reading it may yield; names may be shell patterns where its options leave them open."""
        return (*self.plugin.readings, *self.plugin.declares(self.options))

    @property
    def interval(self) -> float:
        """Seconds between two runs; 0 is every cycle."""
        return self.plugin.interval if self.options.interval is None else self.options.interval

    @property
    def deadline(self) -> float:
        """Longest time of one run, seconds."""
        return self.plugin.deadline if self.options.deadline is None else self.options.deadline

    @property
    def looks_twice(self) -> bool:
        """Whether its first run has to wait for a second look."""
        return isinstance(self.collector, LooksAhead)


def look_ahead(collectors: Iterable[ConfiguredCollector]) -> None:
    """Have those that look twice take their first look now, well before the first round, which then waits less or not at all.

    What goes wrong then does so again in their first run, which tells.
    """
    for one in collectors:
        if isinstance(one.collector, LooksAhead):
            with suppress(NotSupported, CollectorError, OSError):
                one.collector.look_ahead()
