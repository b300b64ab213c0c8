"""What a healthy host shows: how room, processor and memory have been lately, for who looks before there is a problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from agent.chart import Chart
from agent.configuration.settings import DAY, HOUR
from agent.web.past import Past
from agent.wording.spoken import About, Spoken

LATELY = 7 * DAY
FRESH = HOUR  # older than that, a series is of something that is not there any more; the history is written every 15 minutes
MOST = 6
_MOUNT = re.compile(r'^filesystem_avail_bytes\{.*mountpoint="([^"]*)"')
_WHOLE: Mapping[str, tuple[About, str]] = {
    "cpu_utilization_ratio{}": ("processor", "ratio"),
    "memory_available_bytes{}": ("memory", "bytes"),
}


def glance(past: Past, drawn: Iterable[str], spoken: Spoken, zone: str) -> tuple[Chart, ...]:
    """Return drawings of what everybody asks about first; not again of the series that are `drawn` already."""
    known = set(drawn)
    found = []
    for series, title, unit in _series(past, spoken):
        points = [] if series in known else past.points(series, spoken.now - LATELY, spoken.now)
        if len(points) > 1 and points[-1].at > spoken.now - FRESH:
            found.append(Chart(title=title, points=points, unit=unit, zone=zone))
        if len(found) == MOST:
            break
    return tuple(found)


def _series(past: Past, spoken: Spoken) -> Iterator[tuple[str, str, str]]:
    """Yield name, title and unit of each series that is worth a glance: processor, memory, then file systems by their place."""
    names = past.series()
    for series, (about, unit) in _WHOLE.items():
        if series in names:
            yield series, spoken.glance(about), unit
    mounts = sorted((match[1], match.string) for match in map(_MOUNT.match, names) if match)
    yield from ((series, spoken.glance("room", mount), "bytes") for mount, series in mounts)
