"""How long tasks waited for processors, memory and disks: pressure as the kernel keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen
from agent.diagnosis._look import Look
from collectors import Reading
from collectors._pressure import pressure_readings


def pressure(look: Look, resources: Iterable[str] = ("cpu", "memory", "io")) -> Iterator[Item]:
    """Yield the pressure on each resource; none on a kernel that keeps none."""
    for resource in resources:
        for item in pressure_readings(look, resource, f"{resource}_pressure_ratio", look.at):
            if isinstance(item, Reading):
                yield DiagnosisFact(name=item.name, value=item.value, unit=item.unit, labels=item.labels)
            else:
                yield Unseen(what="pressure", reason="failed", hint=item.reason)
