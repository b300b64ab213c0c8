"""The pictures of docs/judging.md: small histories that are made here, judged and drawn by the project itself.

    tools/make_pictures.py FOLDER

`make docs` draws them. Given a FOLDER the histories are left there as NAME.csv, and `foretell replay NAME.csv --explain KEY`
draws the same. What opens no ticket is drawn as well, as the series alone. A history that is not judged as it is meant to be ends
the run.
"""

from __future__ import annotations

import csv
import math
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.chart import Chart, Point, draw
from agent.configuration.config import Configuration, load
from agent.replay.chart import explain
from agent.replay.recording import RecordingFile
from agent.replay.replay import Replay

START = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(minutes=30)
SIZE = 100e9
DISK = "device=/dev/vdb1;fstype=ext4;mountpoint=/srv"
Shape = Callable[[float], float]  # from days passed to the share in use


class Story(NamedTuple):
    """One picture. shape: of the days; path: what the ticket has to be opened by, "" when none may be."""

    name: str
    days: int
    shape: Shape
    path: str
    load: bool = False
    title: str = ""


def _saw(days: float) -> float:
    """Return a tooth of six days four times; then the clean-up stops."""
    return 0.45 + 0.045 * (days % 6 if days < 24 else days - 18)  # noqa: PLR2004 - after four teeth


def _from(days: float, begin: float, height: float) -> float:
    return height if days > begin else 0.0


def _night(days: float, height: float) -> float:
    return height if 2 <= days * 24 % 24 < 4 else 0.0  # noqa: PLR2004 - from two to four o'clock


STORIES = (
    Story("trend", 31, lambda days: 0.42 + 0.02 * days, "trend"),
    Story("change", 30, lambda days: 0.5 + 0.002 * days + 0.06 * max(days - 20, 0), "change"),
    Story("teeth", 32, _saw, "trend"),
    Story("rise", 16, lambda days: 0.5 + 0.002 * days + 1.2 * max(days - 14.4, 0), "rise"),
    Story("floor", 16, lambda days: 0.6 + 0.002 * days + _from(days, 11.6, 0.34), "floor"),
    Story("steady", 30, lambda _: 0.92, "", title="At 92 % for as long as anybody knows: no ticket"),
    Story("one-jump", 30, lambda days: 0.4 + _from(days, 12.4, 0.35), "", title="One large file: no ticket"),
    Story("nightly-dump", 30, lambda days: 0.55 + _night(days, 0.25), "", title="A dump every night: no ticket"),
    Story(
        "new-load",
        16,
        lambda days: 0.25 + 0.1 * math.sin(days * math.tau) + _night(days, 0.75) + _from(days, 13.5, 0.7),
        "unusual",
        load=True,
    ),
    Story(
        "nightly-load",
        16,
        lambda days: 0.25 + 0.1 * math.sin(days * math.tau) + _night(days, 0.75),
        "",
        load=True,
        title="Fully busy every night: no ticket",
    ),
)


def rows(story: Story) -> Iterator[tuple[str, str, str, float]]:
    """Yield timestamp, name, labels and value, in the order of time."""
    noise = random.Random(story.name)  # noqa: S311 - the same noise every time, nothing secret
    for number in range(int(story.days / (STEP / timedelta(days=1)))):
        moment = START + number * STEP
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        share = min(max(story.shape(number * STEP / timedelta(days=1)) + noise.gauss(0, 0.001), 0.0), 1.0)
        if story.load:
            yield stamp, "cpu_utilization_ratio", "", round(share, 3)
        else:
            yield stamp, "filesystem_avail_bytes", DISK, round(SIZE * (1 - share))
            yield stamp, "filesystem_size_bytes", DISK, SIZE


def picture(story: Story, folder: Path, configuration: Configuration) -> str:
    """Return the drawing of `story`, judged by `configuration`. Raises ValueError when it is not judged as it is told."""
    path = folder / f"{story.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "name", "labels", "value"])
        writer.writerows(rows(story))
    units = {one.name: one.unit for collector in configuration.collectors for one in collector.plugin.readings}
    recording = RecordingFile(path, units)
    replay = Replay(configuration)
    replay.feed(recording.readings())
    tickets = replay.outcome().tickets
    if story.path:
        for ticket in tickets:
            if story.path in {ticket.evidence.get("path"), ticket.evidence.get("reason")}:
                return explain(ticket, recording.readings(), configuration)
        raise ValueError(f"{story.name}: no ticket by {story.path}, but {[one.evidence for one in tickets]}")
    if tickets:
        raise ValueError(f"{story.name}: no ticket was to be opened, but one was: {tickets[0].evidence}")
    name = "cpu_utilization_ratio" if story.load else "filesystem_avail_bytes"
    drawn = [series.reading(value, at) for series, value, at in recording.readings()]
    points = [Point(one.at, one.value) for one in drawn if one.name == name]
    limit = 0.9 if story.load else 0.0
    return draw(Chart(title=story.title, points=points, unit=units[name], limit=limit))


def pictures(histories: Path | None = None) -> dict[str, str]:
    """Return the drawings by their names; the histories are left in the folder `histories`, if one is named."""
    configuration = msgspec.structs.replace(load(Path("/dev/null"), parts={"collectors", "rules"}), zone="UTC")
    with tempfile.TemporaryDirectory() as temporary:
        folder = histories or Path(temporary)
        return {story.name: picture(story, folder, configuration) + "\n" for story in STORIES}


def main() -> int:
    """Leave the histories in a folder, to be replayed by hand."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():  # noqa: PLR2004 - the program and its one argument
        sys.exit("make_pictures: name a folder for the histories: tools/make_pictures.py FOLDER")
    pictures(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
