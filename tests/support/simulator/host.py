"""The host that is watched: what is truly the matter with it, what its collectors tell, and what was measured when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Literal

from agent.collecting import Collection
from agent.configuration.settings import DAY
from collectors import CouldNotCheck, Reading
from simulator.clock import SimulatedClock
from simulator.faults import Faults

Condition = Literal["well", "ill", "gone"]
Collecting = Literal["well", "hung", "fails", "partly"]


class Subject:
    """One thing that can fail. measured: what it looked like when it was read last; None while it was not.

    since, turned: when its condition changed, by the host's clock and in truth. size: of a file system, bytes.
    seen_now: whether it was read in the last round. ill_at: on the steady clock, when it was last read ill, in a cycle whose
    outcome could be written down.
    """

    def __init__(self, rule: str, labels: dict[str, str], family: str, read: Callable[[Subject], float]) -> None:
        self.rule = rule
        self.labels = labels
        self.family = family
        self.condition: Condition = "well"
        self.flaps = False
        self.since = self.turned = 0.0
        self.size = 1e11
        self.measured: Condition | None = None
        self.seen_now = False
        self.ill_at: float | None = None
        self._read = read

    @property
    def value(self) -> float:
        """The main reading's value as it is now."""
        return self._read(self)


class SimulatedHost:
    """A host with ten things that can fail, read by five collectors."""

    def __init__(self, clock: SimulatedClock, chance: Random, faults: Faults) -> None:
        """All is well."""
        self._clock = clock
        self._chance = chance
        self._faults = faults
        self.collecting: dict[str, Collecting] = {}
        self.subjects = [
            *(Subject("disk_readonly", {"mountpoint": mount}, "disk", _flag) for mount in ("/", "/srv", "/home")),
            Subject("tmpfs_full", {"mountpoint": "/run/shm"}, "disk", lambda one: one.size * _share(one)),
            *(
                Subject("service_failed", {"unit": f"{name}.service"}, "services", _flag)
                for name in ("app", "db", "web")
            ),
            Subject("array_degraded", {"array": "md0"}, "arrays", _flag),
            Subject("disk_failing", {"device": "sda"}, "smart", _flag),
            Subject("certificate_expiring", {"target": "host.test:443", "part": "server"}, "certificates", self._end),
        ]

    def collect(self, at: float) -> Collection:
        """Read everything, as well as the collectors can today; `at` is unix seconds by the host's clock."""
        readings: list[Reading] = []
        unchecked: list[CouldNotCheck] = []
        for one in self.subjects:
            one.seen_now = False
        for family in dict.fromkeys(one.family for one in self.subjects):
            state = self.collecting.get(family, "well")
            if state in {"hung", "fails"} and self._faults.strikes(f"collector {state}"):
                unchecked.append(CouldNotCheck("", {"collector": family}, "did not finish in 5 s"))
                continue
            for one in self.subjects:
                if one.family == family:
                    self._look_at(one, at, state, readings, unchecked)
        return Collection(readings=tuple(readings), unchecked=tuple(unchecked))

    def _look_at(
        self, one: Subject, at: float, state: Collecting, readings: list[Reading], unchecked: list[CouldNotCheck]
    ) -> None:
        if one.flaps and one.condition != "gone" and self._faults.strikes("subject flaps", 0.5):
            self.turn(one, "ill" if one.condition == "well" else "well")
        if one.condition == "gone":
            return
        told = list(_readings(one, at))
        if state == "partly" and self._faults.strikes("reading missing", 0.5):
            unchecked.append(CouldNotCheck(told[0].name, dict(one.labels), "not permitted"))
            return
        readings += told
        one.measured, one.seen_now = one.condition, True

    def recorded(self) -> None:
        """What was read last is known to the agent for good."""
        for one in self.subjects:
            if one.seen_now and one.measured == "ill":
                one.ill_at = self._clock.monotonic()

    def turn(self, one: Subject, condition: Condition) -> None:
        """Let it be so from now on."""
        one.condition = condition
        one.since, one.turned = self._clock.now(), self._clock.true

    def subject(self, rule: str, labels: Mapping[str, str]) -> Subject | None:
        """Return what a case with this rule and subject is about; None for a gathering."""
        return next((one for one in self.subjects if one.rule == rule and one.labels == labels), None)

    def _end(self, one: Subject) -> float:
        """Return until when the certificate is valid: renewed, or forgotten a week before its end."""
        return self._clock.true + 400 * DAY if one.condition == "well" else one.turned + 7 * DAY


def _flag(one: Subject) -> float:
    return 0.0 if one.condition == "well" else 1.0


def _share(one: Subject) -> float:
    """Return which share of a file system is free."""
    return 0.5 if one.condition == "well" else 0.001


def _readings(one: Subject, at: float) -> Iterator[Reading]:
    match one.rule:
        case "disk_readonly":
            yield Reading("filesystem_readonly", one.value, "boolean", one.labels | {"fstype": "ext4"}, at)
        case "tmpfs_full":
            labels = one.labels | {"fstype": "tmpfs"}
            yield Reading("filesystem_avail_bytes", one.value, "bytes", labels, at)
            yield Reading("filesystem_size_bytes", one.size, "bytes", labels, at)
        case "service_failed":
            yield Reading("service_failed", one.value, "boolean", one.labels, at)
            yield Reading("service_state_change_timestamp_seconds", one.since, "timestamp", one.labels, at)
        case "array_degraded":
            yield Reading("array_state", one.value, "boolean", one.labels, at)
        case "disk_failing":
            yield Reading("smart_failing", one.value, "boolean", one.labels, at)
        case _:
            yield Reading("certificate_end_timestamp_seconds", one.value, "timestamp", one.labels, at)
