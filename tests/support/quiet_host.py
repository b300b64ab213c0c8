"""A quiet host of 50 disks and 150 services, by hand: what the daemon does there each cycle is counted. Runs as a program, too.

python tests/support/quiet_host.py FOLDER CYCLES     so many cycles with the collectors `cpu` and `memory`, for strace
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.collecting import Collection
from agent.configuration.config import ConfigFile, load
from agent.daemon import make_resident
from agent.resident import Resident
from agent.store import Store
from agent.system.folder import StateFolder
from collectors import Labels, Reading
from only import only

BEGAN = 1_790_000_000.0


class Minutes:
    """A clock that goes on by hand."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.passed = 0.0

    def now(self) -> float:
        """Return unix seconds."""
        return BEGAN + self.passed

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return 1000.0 + self.passed


@contextmanager
def quiet_host(folder: Path, *collectors: str) -> Iterator[tuple[Resident, Minutes]]:
    """Yield a Resident on `folder`, with the shipped rules, and its clock; without `collectors` its readings are ours.

    `runtime` in `folder` stands for the folder in memory that the service has.
    """
    clock = Minutes()
    runtime = folder / "runtime"
    runtime.mkdir()
    # The real host may be anything but quiet: nobody is told of it meanwhile.
    text = '[host]\nid = "quiet"\nname = "quiet"\n[customer]\nzone = "UTC"\n[agent]\nfirst_look = "30d"\n'
    file = ConfigFile("quiet.toml", text + only(*collectors))
    with StateFolder(folder) as state, Store.open(state.path, BEGAN) as store:
        resident = make_resident(load(file, state=folder), state, store, clock, runtime=runtime)
        if not collectors:
            resident.pipeline.collect = lambda at: Collection(readings=tuple(readings(at)))
        try:
            yield resident, clock
        finally:
            resident.stop()


def cycle(resident: Resident, clock: Minutes) -> None:
    """Run the next minute's cycle, after Prometheus has asked."""
    clock.passed += 60.0
    resident.metrics("")
    resident.tick()


def readings(at: float) -> Iterator[Reading]:
    """Yield what collectors would: hundreds of values that stay, a few that move."""
    for number in range(50):
        labels = Labels({"mountpoint": f"/srv/{number}", "device": f"/dev/sd{number}", "fstype": "ext4"})
        written = at - BEGAN if number == 0 else 0.0
        for name, value in (("size", 1e11), ("avail", 6e10 - written), ("free", 6e10 - written)):
            yield Reading(f"filesystem_{name}_bytes", value, "bytes", labels, at)
        yield Reading("filesystem_files", 1e6, "count", labels, at)
        yield Reading("filesystem_files_free", 9e5, "count", labels, at)
        yield Reading("filesystem_readonly", 0.0, "boolean", labels, at)
    for number in range(150):
        labels = Labels({"unit": f"service-{number}.service"})
        yield Reading("service_failed", 0.0, "boolean", labels, at)
        yield Reading("service_restarts_total", 0.0, "count", labels, at)
    yield Reading("cpu_utilization_ratio", 0.1, "ratio", Labels({}), at)
    yield Reading("memory_available_bytes", 4e9 + at % 7, "bytes", Labels({}), at)
    yield Reading("memory_total_bytes", 8e9, "bytes", Labels({}), at)


if __name__ == "__main__":
    with quiet_host(Path(sys.argv[1]), "cpu", "memory") as (agent, time):
        for _ in range(int(sys.argv[2])):
            cycle(agent, time)
            agent.dispatcher.wait(60.0)  # or our clock would run away from it, and it would be ended and started anew
