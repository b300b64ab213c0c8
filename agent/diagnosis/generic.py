"""For rules without a diagnosis of their own: what the subject points to, and how the host is as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from agent.diagnosis import _units, disk_readonly, service_failed
from agent.diagnosis._diagnosis import DiagnosisFact, Item, detail
from agent.diagnosis._look import Look
from agent.diagnosis._mount import the_mount
from agent.diagnosis._pressure import pressure
from agent.diagnosis.disk_readonly import kernel_trouble
from agent.diagnosis.memory_exhausted import amounts


def subject(look: Look) -> Iterator[Item]:
    """Yield the first facts of a unit or a file system, when it is about one."""
    if "unit" in look.subject:
        yield from service_failed.state(look)
    if "mountpoint" in look.subject:
        yield from disk_readonly.mounted(look)
        usage = the_mount(look).usage()
        yield DiagnosisFact(name="used_bytes", value=float(usage.size - usage.free), unit="bytes")


def host(look: Look) -> Iterator[Item]:
    """Yield since when the host is up, and who waits for what."""
    yield DiagnosisFact(name="boot_timestamp", value=psutil.boot_time(), unit="timestamp")
    memory = psutil.virtual_memory()
    yield DiagnosisFact(name="memory_available_bytes", value=float(memory.available), unit="bytes")
    yield from amounts(look)
    yield from pressure(look, ("cpu", "io"))


def failed_units(look: Look) -> Iterator[Item]:
    """Yield the units that failed."""
    told = _units.show(look, ["*"], ("Id", "ActiveState", "Result"))
    failed = [f"{one.get('Id', '?')}  {one.get('Result', '')}" for one in told if one.get("ActiveState") == "failed"]
    yield DiagnosisFact(name="units_failed", value=float(len(failed)), unit="count")
    if failed:
        yield detail("units-failed.txt", failed)


STEPS = (subject, host, failed_units, kernel_trouble)
