"""Services of Windows, through psutil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psutil

from collectors._reading import CouldNotCheck, Reading


def required_windows_services(names: Iterable[str], at: float) -> Iterator[Reading | CouldNotCheck]:
    """Yield for each service whether it runs; one that is not installed does not."""
    for name in names:
        try:
            status = vars(psutil)["win_service_get"](name).status()  # psutil has it on Windows only, and so its types
            running = status in {"running", "continue_pending"}
        except psutil.NoSuchProcess:
            running = False
        except psutil.Error as error:
            yield CouldNotCheck("service_active", {"unit": name}, str(error))
            continue
        yield Reading("service_active", float(running), "boolean", {"unit": name}, at)
