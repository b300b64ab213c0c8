"""A container is not well: whether its engine works, whether the kernel ended programs, and what the host is short of."""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis import _units
from agent.diagnosis._diagnosis import DiagnosisFact, Item
from agent.diagnosis._look import Look
from agent.diagnosis.generic import host
from agent.diagnosis.memory_exhausted import killed

ENGINES = ("docker.service", "containerd.service", "podman.service", "podman.socket")


def engines(look: Look) -> Iterator[Item]:
    """Yield the state of each engine that is installed."""
    for unit in _units.show(look, ENGINES, ("Id", "LoadState", "ActiveState", "Result")):
        if unit.get("LoadState") == "loaded":
            labels = {"unit": unit.get("Id", "")}
            yield DiagnosisFact(name="unit_active_state", value=unit.get("ActiveState", ""), unit="text", labels=labels)
            yield DiagnosisFact(name="unit_result", value=unit.get("Result", ""), unit="text", labels=labels)


STEPS = (engines, killed, host)
