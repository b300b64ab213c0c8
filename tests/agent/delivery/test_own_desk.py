"""When a look shows nothing new: by the files of a desk, and in a whole agent with real couriers at the embedded one."""

from __future__ import annotations

import os

import pytest

from agent.configuration.config import ConfigFile, load
from agent.configuration.settings import HOUR, MINUTE
from agent.daemon import make_resident
from agent.delivery.courier_process import CourierProcess
from agent.delivery.job import Job
from agent.delivery.sight import sight
from agent.following.model import Case
from agent.store import Store
from agent.system.folder import StateFolder
from only import BREACHED, only
from quiet_host import BEGAN, Minutes
from thresholds import Severity
from ticketing_clients.local import LocalDesk

CASE = Case(
    key="a" * 64,
    rule="disk_space",
    subject={},
    state="open",
    severity=Severity.WARNING,
    first_seen=BEGAN,
    last_seen=BEGAN,
    changed_at=BEGAN,
)


@pytest.fixture
def begun(monkeypatch) -> list[Job]:
    """Return the jobs of the couriers that are begun from here on; they do them."""
    jobs: list[Job] = []
    start = CourierProcess.start

    def started(courier: CourierProcess, job: Job) -> None:
        jobs.append(job)
        start(courier, job)

    monkeypatch.setattr(CourierProcess, "start", started)
    return jobs


def test_of_a_desk_without_files_nothing_can_be_told(tmp_path):
    """It is somewhere else."""
    assert sight(CASE, tmp_path, ()) is None


def test_each_change_of_a_file_is_another_sight(tmp_path):
    """That it is made, grows, is written to again in the same size, and goes."""
    file, seen = tmp_path / "desk", [sight(CASE, tmp_path, ["desk"])]
    for content, at in ((b"a", 1), (b"ab", 1), (b"cd", 2)):
        file.write_bytes(content)
        os.utime(file, ns=(at, at))
        seen.append(sight(CASE, tmp_path, ["desk"]))
        assert sight(CASE, tmp_path, ["desk"]) == seen[-1]
    assert len(set(seen)) == len(seen) == 4
    file.unlink()
    assert sight(CASE, tmp_path, ["desk"]) == seen[0]


def test_a_folder_that_cannot_be_asked_is_no_missing_file(tmp_path):
    """Or what people do would never be seen, and nobody would say why."""
    (tmp_path / "desk").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        sight(CASE, tmp_path / "desk", ["desk"])


def test_a_whole_agent_looks_at_its_own_desk_after_somebody_did_something_there(tmp_path, begun):
    """Also after it said something there itself, as that a promise was missed. Of the act its case hears."""
    clock = Minutes()
    file = ConfigFile(str(tmp_path / "foretell.toml"), BREACHED + only("memory"))
    with StateFolder(tmp_path) as folder, Store.open(tmp_path, now=BEGAN) as store:
        resident = make_resident(load(file, state=tmp_path), folder, store, clock)

        def looks(hours: int) -> int:
            begun.clear()
            for _ in range(hours * 2):
                clock.passed += HOUR / 2
                resident.tick()
                resident.dispatcher.wait(60)
            return sum(job.poll for job in begun)

        for _ in range(3):
            clock.passed += MINUTE
            resident.tick()
            resident.dispatcher.wait(60)
        assert 1 <= looks(24) <= 3
        assert looks(12) == 0
        [ticket] = LocalDesk(tmp_path, "local", clock.now()).tickets()
        LocalDesk(tmp_path, "local", clock.now()).record_act(ticket.ref, "acknowledge", by="ann")
        assert looks(4) == 2  # the second because its case is in another state by what the first one saw
        [case] = resident.pipeline.cases.values()
        assert (case.state, case.handler) == ("acknowledged", "ann")
        resident.stop()
