"""Pressure stall information: the share of time in which tasks waited for a resource (Linux 4.20, `/proc/pressure`)."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from collectors._kernel_files import kernel_text
from collectors._plugin import HostView
from collectors._reading import CouldNotCheck, Reading

_WINDOWS = {"avg60": "60s", "avg300": "300s"}  # avg10 says too little at one reading a minute


def parse_pressure(text: str) -> dict[tuple[str, str], float]:
    """Given a pressure file, return its averages as ratios (0 to 1) by (scope, window).

    >>> parse_pressure("some avg10=0.00 avg60=1.50 avg300=0.25 total=9")
    {('some', '60s'): 0.015, ('some', '300s'): 0.0025}
    """
    ratios = {}
    for line in text.splitlines():
        scope, *averages = line.split()
        for average in averages:
            key, _, percent = average.partition("=")
            if key in _WINDOWS:
                ratios[scope, _WINDOWS[key]] = float(percent) / 100
    return ratios


def pressure_readings(context: HostView, resource: str, name: str, at: float) -> Iterator[Reading | CouldNotCheck]:
    """Yield the pressure on `resource` (cpu, memory, io) as readings called `name`; none on a kernel that keeps none."""
    try:
        ratios = parse_pressure(kernel_text(context.path(f"/proc/pressure/{resource}")))
    except FileNotFoundError:
        return  # not built in
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return  # built in, and switched off at boot (psi=0)
        yield CouldNotCheck(name, {}, str(error))
    except ValueError as error:
        yield CouldNotCheck(name, {}, f"the kernel's pressure file is not understood: {error}")
    else:
        for (scope, window), ratio in ratios.items():
            if (resource, scope) != ("cpu", "full"):  # always 0 for a whole host: somebody runs
                yield Reading(name, ratio, "ratio", {"scope": scope, "window": window}, at)
