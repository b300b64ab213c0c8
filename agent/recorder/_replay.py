"""A recorded host through every collector again, and what they told as a text that people can compare."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.collecting import Collection, CollectionRunner, ConfiguredCollector
from agent.configuration.plugins import COLLECTORS
from agent.recorder._calls import CallAnswers, replaced
from agent.recorder._fixture import Fixture, RecordedHost, lay_out, shown
from collectors import CollectorContext, CollectorPlugin, CouldNotCheck


class _StandingClock:
    """The monotonic clock: it stands still but for what a collector has slept, and sleeping takes no time.

    A collector is known by its thread's name.
    """

    def __init__(self, told: float) -> None:
        self._told = told
        self._slept: dict[str, float] = defaultdict(float)

    def monotonic(self) -> float:
        return self._told + self._slept[threading.current_thread().name]

    def sleep(self, seconds: float) -> None:
        self._slept[threading.current_thread().name] += seconds


def default_plugins() -> list[CollectorPlugin]:
    """Return every built-in collector that looks at a host without being told at what."""
    return [plugin for plugin in map(COLLECTORS.load, COLLECTORS.built_in()) if not plugin.when_configured]


def built(plugin: CollectorPlugin, context: CollectorContext) -> ConfiguredCollector:
    """Return the collector with its defaults."""
    options = plugin.options()
    return ConfiguredCollector(plugin=plugin, options=options, collector=plugin.build(options, context))


@contextlib.contextmanager
def answering(fixture: Fixture, root: Path) -> Iterator[RecordedHost]:
    """Lay the host out below the folder `root`, and have the system's calls answered as they were when it was recorded."""
    default_plugins()  # imported before anything is replaced
    host = lay_out(fixture, root)
    answers = CallAnswers(fixture.calls, lambda path: shown(path, root))
    clock = _StandingClock(fixture.manifest.clock)
    with replaced(answers.answering, {(time, "monotonic"): clock.monotonic, (time, "sleep"): clock.sleep}):
        yield host


def replay(fixture: Fixture, root: Path) -> str:
    """Return, as a text, what every collector tells of a recorded host; `root` is an empty folder for its files."""
    with answering(fixture, root) as host:
        # The time stands still: what is told depends on the record alone.
        collectors = [built(plugin, host) for plugin in default_plugins()]
        collection = CollectionRunner(collectors, lambda: 0.0).collect(fixture.manifest.at)
    return readings_text(collection).replace(str(root), "")


def readings_text(collection: Collection) -> str:
    """Return what was read, collector by collector: readings in the order of their names, then what could not be checked."""
    by_name = {name: outcome for outcome in collection.outcomes for name in outcome.names}
    parts = []
    for outcome in collection.outcomes:
        lines = sorted(
            f"{one.series} {one.value!r} {one.unit}" for one in collection.readings if by_name[one.name] is outcome
        )
        gaps = sorted(f"could not check {_subject(one)}: {one.reason}" for one in outcome.unchecked)
        none = [f"nothing of this kind: {outcome.not_supported}"] if outcome.not_supported else []
        parts.append("\n".join([f"== {outcome.collector}", *lines, *gaps, *none]))
    return "\n\n".join(parts) + "\n"


def _subject(gap: CouldNotCheck) -> str:
    return f"{gap.name}{{{','.join(f'{label}={gap.labels[label]!r}' for label in sorted(gap.labels))}}}"


def names(text: str) -> set[str]:
    """Return the names of the readings in a text of `readings_text`."""
    lines: Iterable[str] = text.splitlines()
    told = (line for line in lines if line and not line.startswith(("==", "could not", "nothing of")))
    return {line.partition("{")[0].partition(" ")[0] for line in told}
