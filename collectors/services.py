"""Services: units of systemd that failed or are down, its timers, Windows services, processes counted by name.

Which answer means what:
- a unit matched by a pattern in `units` is judged by `failed` alone: an inactive one may be a finished oneshot;
- a unit in `required` has to be active at all times. One that systemd does not know is not active: an uninstalled
  service is as down as a stopped one, and a misspelt name had better be noticed;
- a unit that had failed and that systemd no longer knows was reset, or removed: it has failed no more;
- where there is no systemd, nothing is said about the default pattern (NotSupported), but what was named could not be checked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Container, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec
import psutil

from collectors import _starts, _systemd, _timers
from collectors._plugin import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
)
from collectors._processes import WatchedProcess, process_readings
from collectors._reading import CouldNotCheck, Labels, Reading
from collectors._windows_services import required_windows_services

Item = Reading | CouldNotCheck
EVERY_SERVICE = ["*.service"]
EVERY_TIMER = ["*.timer"]
ANSWER_WITHIN = 8.0  # seconds
# No pattern finds a unit that systemd has forgotten, so what had failed is asked for by name, long enough to be seen to hold.
ASKED_FOR = 86400.0  # seconds since it was last seen failed


class ServicesOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the services collector."""

    units: Annotated[
        list[str], msgspec.Meta(description="systemd units to watch for failure, by name or shell pattern.")
    ] = msgspec.field(default_factory=EVERY_SERVICE.copy)
    required: Annotated[
        list[str],
        msgspec.Meta(description="Units (on Windows: services) that have to be active at all times, by exact name."),
    ] = msgspec.field(default_factory=list)
    timers: Annotated[
        list[str], msgspec.Meta(description="systemd timers to watch, by name or shell pattern; none when empty.")
    ] = msgspec.field(default_factory=EVERY_TIMER.copy)
    processes: Annotated[list[WatchedProcess], msgspec.Meta(description="Programs that have to run.")] = msgspec.field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        """Refuse a pattern where one certain unit is meant, and two counts of one name."""
        for name in self.required:
            if not name or set("*?[") & set(name):
                raise ValueError(f"required: {name!r} is no exact name; patterns belong into units")
        counted = [(process.name, process.user) for process in self.processes]
        if len(set(counted)) < len(counted):
            raise ValueError("processes: the same name and user stand there twice")


class _Said(NamedTuple):
    """What systemd said: timers, units by all their names, and which of them are watched.

    stands: until when, by the monotonic clock, if no service begins or ends. link_changed: when one last did (`last_change`).
    """

    timers: list[_timers.Timer]
    units: dict[str, _systemd.Unit]
    watched: set[str]
    stands: float
    link_changed: int | None


class ServicesCollector:
    """Reads the state of services. `monotonic` is systemd's clock, replaced in tests."""

    def __init__(
        self, options: ServicesOptions, context: CollectorContext, monotonic: Callable[[], float] | None = None
    ) -> None:
        self._options = options
        self._context = context
        self._monotonic = monotonic or time.monotonic
        self._required = [name if "." in name or psutil.WINDOWS else f"{name}.service" for name in options.required]
        self._changes: dict[str, tuple[float, float]] = {}  # unit: change by the monotonic clock, by the wall clock
        self._failed: dict[str, float] = {}  # unit: when it was last seen failed, by the monotonic clock
        self._shown = _starts.ShownUnits()
        self._timers: dict[str, _timers.Remembered] = {}
        self._triggered: set[str] = set()  # the units that timers start
        self._said: _Said | None = None

    def collect(self, at: float) -> Iterator[Item]:
        """Yield the state of what is watched. Raises NotSupported when nothing was named and there is no systemd."""
        if self._options.processes:
            yield from process_readings(self._context, self._options.processes, at)
        if psutil.WINDOWS:
            yield from required_windows_services(self._required, at)
            if not (self._required or self._options.processes):
                raise NotSupported("Windows keeps no list of failed units; name what has to run in `required`")
        elif self._context.path("/run/systemd/system").is_dir():
            yield from self._systemd_units(at)
        else:
            named = [] if self._options.units == EVERY_SERVICE else self._options.units
            yield from self._unknown(named, "systemd does not run on this host")
            if not (named or self._required or self._options.processes):
                raise NotSupported("systemd does not run on this host")

    def _systemd_units(self, at: float) -> Iterator[Item]:
        try:
            said = self._said = self._what_stands() or self._ask()
        except (CollectorError, ValueError) as error:
            yield from self._unknown(self._options.units, str(error))
            for name in self._options.timers:
                yield CouldNotCheck("timer_waiting", {"unit": name}, str(error))
                yield CouldNotCheck("timer_success_age_seconds", {"unit": name}, str(error))
            return
        timers, units, watched = said.timers, said.units, said.watched
        yield from _timers.timer_readings(timers, units, self._timers, self._monotonic(), at)
        for name in sorted(watched - {timer.name for timer in timers}):
            if name in units and name == units[name].names[0] and (units[name].known or name in self._failed):
                yield from self._unit(units[name], at)
        for name in self._options.units:
            exists = name in self._failed or (name in units and units[name].known)
            if not set("*?[") & set(name) and not exists:
                yield CouldNotCheck("service_failed", {"unit": name}, "systemd has no such unit; check its name")
        for name in self._required:
            up = name in units and units[name].active
            yield Reading("service_active", float(up), "boolean", {"unit": name}, at)

    def _what_stands(self) -> _Said | None:
        """Return what systemd said last, if that is so still."""
        said, self._said = self._said, None
        if said is None or self._monotonic() >= said.stands:
            return None
        return said if said.link_changed == _starts.last_change(self._context.path(_starts.LINKS)) else None

    def _ask(self) -> _Said:
        """Return what systemd says: all units are listed, the telling ones are asked.

        Telling are those at work of which more is not known already (`_starts`), and those that were named or had failed.
        What timers start is asked with them, as it is known from the run before, and not watched for that; only where it is new
        it takes a further question: to start systemctl costs more than all else that we do in a run.
        """
        now = self._monotonic()
        # Read first: what begins or ends meanwhile is asked about again.
        link_changed = _starts.last_change(self._context.path(_starts.LINKS))
        self._failed = {name: seen for name, seen in self._failed.items() if now - seen <= ASKED_FOR}
        listed = _systemd.parse_list(self._answer(_systemd.list_question(self._options.units)))
        exact = [name for name in self._options.units if not set("*?[") & set(name)]
        at_work = [unit for unit in listed if _systemd.is_at_work(unit)]
        starts = _starts.last_starts(at_work, self._context.path(_starts.LINKS))
        still_so = self._shown.still_so(starts, now)
        changed = [unit.names[0] for unit in at_work if unit.names[0] not in still_so]
        telling = dict.fromkeys([*exact, *self._required, *self._failed, *changed])
        names = [*telling, *sorted(self._triggered - telling.keys())]
        answer = self._answer(_systemd.question([*self._options.timers, *names]))
        asked = [*_systemd.parse_units(answer)]
        self._shown.keep(starts, asked, now)
        timers = {timer.name: timer for timer in _timers.parse_timers(answer) if self._is_meant(timer, telling)}
        self._triggered = {timer.triggers for timer in timers.values()} - {""}
        if new := self._triggered.difference(*(unit.names for unit in asked)):
            asked += _systemd.parse_units(self._answer(_systemd.question(sorted(new))))
        units = (
            {unit.names[0]: unit for unit in listed} | still_so | {name: unit for unit in asked for name in unit.names}
        )
        watched = {units[name].names[0] for name in [*telling, *(unit.names[0] for unit in listed)] if name in units}
        self._failed |= {name: now for name in watched if units[name].failed}
        stands = now
        if link_changed and _starts.links_tell_all([units[name] for name in watched], starts):
            stands += self._stands_for(timers.values())
        return _Said([*timers.values()], units, watched, stands, link_changed)

    def _stands_for(self, timers: Collection[_timers.Timer]) -> float:
        """Return for how many seconds what was said stands if no link comes or goes.

        Not at all where a unit has to be active: one on its way down does its work no more, and has its link still.
        """
        if self._required or any(timer.failed for timer in timers):
            return 0.0
        # What a timer starts leaves no link where its own conditions keep it from running.
        return min([_starts.STANDS, *(timer.period for timer in timers if timer.period)])

    def _is_meant(self, timer: _timers.Timer, telling: Container[str]) -> bool:
        """Return whether a timer is watched as one, and was not asked about as a unit only."""
        patterns = self._options.timers
        return timer.name not in telling or any(fnmatchcase(timer.name, pattern) for pattern in patterns)

    def _answer(self, question: list[str]) -> str:
        """Return what systemctl says; nothing where nothing is asked for."""
        if question[-1] == "--":
            return ""
        answer = self._context.run(question, timeout=ANSWER_WITHIN)
        if answer.status != 0 or answer.truncated:
            raise CollectorError(answer.errors.strip() or "systemctl's answer was cut short; narrow `units`")
        return answer.output

    def _unit(self, unit: _systemd.Unit, at: float) -> Iterator[Reading]:
        labels = _labels(unit.names[0])
        yield Reading("service_failed", float(unit.failed), "boolean", labels, at)
        if unit.restarts is not None:
            yield Reading("service_restarts_total", float(unit.restarts), "count", labels, at)
        if unit.changed and (unit.failed or not set(self._required).isdisjoint(unit.names)):
            by_monotonic, _ = self._changes.get(unit.names[0], (None, 0.0))
            if by_monotonic != unit.changed:  # placed once: later steps of the wall clock do not move it
                self._changes[unit.names[0]] = (unit.changed, round(at - self._monotonic() + unit.changed))
            changed = self._changes[unit.names[0]][1]
            yield Reading("service_state_change_timestamp_seconds", changed, "timestamp", labels, at)
            yield Reading("service_state_info", 1.0, "info", {**labels, "state": unit.state}, at)

    def _unknown(self, units: list[str], reason: str) -> Iterator[CouldNotCheck]:
        for name in units:
            yield CouldNotCheck("service_failed", {"unit": name}, reason)
        for name in self._required:
            yield CouldNotCheck("service_active", {"unit": name}, reason)


@lru_cache(maxsize=512)
def _labels(unit: str) -> Labels:
    return Labels({"unit": unit})


PLUGIN = CollectorPlugin(
    name="services",
    summary="Units that failed or restart, services that are down, programs that do not run.",
    options=ServicesOptions,
    build=ServicesCollector,
    readings=(
        DeclaredReading("service_failed", "boolean", ("unit",), "systemd gave the unit up as failed."),
        DeclaredReading("service_active", "boolean", ("unit",), "A required unit does its work."),
        DeclaredReading(
            "service_restarts_total", "count", ("unit",), "Automatic restarts since it was last started by hand."
        ),
        DeclaredReading(
            "service_state_change_timestamp_seconds",
            "timestamp",
            ("unit",),
            "Last change of state of a failed or required unit.",
        ),
        DeclaredReading("service_state_info", "info", ("unit", "state"), "systemd's own word for how such a unit is."),
        DeclaredReading("timer_waiting", "boolean", ("unit",), "An enabled timer is active: it waits for its time."),
        DeclaredReading(
            "timer_success_age_seconds",
            "seconds",
            ("unit",),
            "Time since what the timer starts last went well; since the timer was started, or first seen, before.",
        ),
        DeclaredReading("timer_period_seconds", "seconds", ("unit",), "Time from the timer's last time to its next."),
        DeclaredReading("processes_running", "count", ("process", "user"), "Living processes of a watched program."),
        DeclaredReading("process_missing", "boolean", ("process", "user"), "Fewer of them run than have to."),
    ),
    interval=180.0,  # two systemctl and systemd spend 30 ms on it; every minute that would cost more than all else here
)
