"""A program that has to run does not: what of it is there, whether the kernel ended it, and the unit that would start it."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from agent.diagnosis import _units
from agent.diagnosis._diagnosis import DiagnosisFact, Item
from agent.diagnosis._look import Look
from agent.diagnosis._programs import processes
from agent.diagnosis.memory_exhausted import out_of_memory_records


def running(look: Look) -> Iterator[Item]:
    """Yield how many processes of this name there are, by user."""
    found, unseen = processes(look)
    yield from unseen
    users = [one.user for one in found if one.name == look.subject.get("process")]
    for user in sorted(set(users)):
        yield DiagnosisFact(
            name="processes_running", value=float(users.count(user)), unit="count", labels={"user": user}
        )
    if not users:
        yield DiagnosisFact(name="processes_running", value=0.0, unit="count", whole=not unseen)


def ended_by_kernel(look: Look) -> Iterator[Item]:
    """Yield whether the kernel killed it for want of memory."""
    if psutil.LINUX:
        yield from out_of_memory_records(look, look.subject.get("process", ""))


def unit(look: Look) -> Iterator[Item]:
    """Yield the state and last lines of the service of that name, if there is one."""
    name = f"{look.subject.get('process', '')}.service"
    told = _units.show(look, [name], ("Id", "LoadState"))
    if told and told[0].get("LoadState") != "not-found":
        yield from _units.state(look, name)
        yield from _units.last_lines(look, name)


STEPS = (running, ended_by_kernel, unit)
