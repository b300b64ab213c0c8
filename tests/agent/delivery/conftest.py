"""The couriers that are begun."""

from __future__ import annotations

import pytest

from agent.delivery.courier_process import CourierProcess
from agent.delivery.job import Job


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
