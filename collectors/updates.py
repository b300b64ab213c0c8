"""Pending updates: how many, how many of them for security, and from lists of which day.

Asking costs seconds of processor time, so it is asked only when the lists or what is installed have changed. Lists too old to
know of today's updates are no answer: "could not check", and never "no updates".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from collectors._package_managers import PACKAGE_MANAGERS
from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._update_tools import TIMEOUT, UPDATE_TOOLS, Pending, UpdateTool

Item = Reading | CouldNotCheck
DAY = 86400.0


class UpdatesOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the updates collector."""

    stale_after: Annotated[
        Seconds, msgspec.Meta(description="Lists of packages older than this are no answer to what is pending.")
    ] = 7 * DAY


class UpdatesCollector:
    """Asks the host's package manager, and remembers its answer until what it goes by has changed."""

    def __init__(self, options: UpdatesOptions, context: CollectorContext) -> None:
        self._stale_after = options.stale_after
        self._context = context
        self._known: dict[str, tuple[object, Pending]] = {}

    def collect(self, at: float) -> Iterator[Item]:
        """Yield the age of the lists, and what waits."""
        tools = [tool for tool in UPDATE_TOOLS if self._context.path(tool.program).exists()]
        if not tools:
            raise NotSupported("no package manager that can be asked about updates")
        for tool in tools:
            labels = {"manager": tool.manager}
            changed = tool.changed(self._context)
            if changed is None:
                yield CouldNotCheck("updates_pending", labels, f"there are no lists of packages; run {tool.renew}")
                continue
            yield Reading("package_lists_timestamp_seconds", changed, "timestamp", labels, at)
            if at - changed > self._stale_after:
                age = f"{(at - changed) / DAY:.0f} days old"
                yield CouldNotCheck("updates_pending", labels, f"the lists of packages are {age}; run {tool.renew}")
                continue
            yield from self._ask(tool, changed, at)

    def _ask(self, tool: UpdateTool, changed: float, at: float) -> Iterator[Item]:
        labels = {"manager": tool.manager}
        state = changed, self._installed(tool.manager)
        known_state, pending = self._known.get(tool.program, (None, None))
        if pending is None or known_state != state:
            try:
                pending = tool.ask(self._context)
            except (CollectorError, OSError) as error:
                self._known.pop(tool.program, None)
                yield CouldNotCheck("updates_pending", labels, str(error))
                return
            self._known[tool.program] = state, pending
        yield Reading("updates_pending", float(pending.updates), "count", labels, at)
        if pending.security is not None:
            yield Reading("updates_security", float(pending.security), "count", labels, at)

    def _installed(self, manager: str) -> list[int]:
        """Return what changes whenever something is installed or removed."""
        places = (path for one in PACKAGE_MANAGERS if one.name == manager for path in one.present(self._context))
        return [path.stat().st_mtime_ns for path in places]


PLUGIN = CollectorPlugin(
    name="updates",
    summary="Pending updates, and how old the lists are that tell of them.",
    options=UpdatesOptions,
    build=UpdatesCollector,
    readings=(
        DeclaredReading("updates_pending", "count", ("manager",), "Installed packages that a newer one is listed for."),
        DeclaredReading(
            "updates_security",
            "count",
            ("manager",),
            "Updates for security: packages by the archive that they come from (apt), or by advisory (dnf); patches (zypper).",
        ),
        DeclaredReading(
            "package_lists_timestamp_seconds", "timestamp", ("manager",), "When the lists of packages changed last."
        ),
    ),
    interval=3600.0,
    deadline=2 * TIMEOUT + 20,
    unhurried=True,
)
