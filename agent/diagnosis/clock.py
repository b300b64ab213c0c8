"""The clock is wrong, or nobody holds it: what the time services say of themselves and of their sources."""

from __future__ import annotations

import time
from collections.abc import Iterator

from agent.diagnosis import _units
from agent.diagnosis._diagnosis import DiagnosisFact, Item, detail
from agent.diagnosis._look import Look
from collectors import safe_text
from collectors._chrony import CHRONYC

ANSWER_WITHIN = 10.0  # seconds
SERVICES = (
    "chrony.service",
    "chronyd.service",
    "ntp.service",
    "ntpd.service",
    "ntpsec.service",
    "systemd-timesyncd.service",
)


def services(look: Look) -> Iterator[Item]:
    """Yield which time services there are, and whether they work. Two that do fight over the clock."""
    for unit in _units.show(look, SERVICES, ("Id", "LoadState", "ActiveState")):
        if unit.get("LoadState") == "loaded":
            labels = {"unit": unit.get("Id", "")}
            yield DiagnosisFact(name="unit_active_state", value=unit.get("ActiveState", ""), unit="text", labels=labels)


def chrony(look: Look) -> Iterator[Item]:
    """Yield chronyd's sources and how well it follows them."""
    if not look.path("/run/chrony").is_dir():
        return
    for question in ("tracking", "sources"):
        answer = look.run([CHRONYC, "-n", question], timeout=ANSWER_WITHIN)
        lines = (answer.output or answer.errors).splitlines()
        yield detail(f"chrony-{question}.txt", [safe_text(line) for line in lines])


def system_clock(look: Look) -> Iterator[Item]:
    """Yield how evenly the clock has gone while we looked: a step in these seconds is somebody who sets it."""
    wall, even = time.time(), time.monotonic()
    look.wait(min(2.0, look.left / 2))
    yield DiagnosisFact(
        name="clock_stepped", value=abs((time.time() - wall) - (time.monotonic() - even)), unit="seconds"
    )


STEPS = (services, chrony, system_clock)
