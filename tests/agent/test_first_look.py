"""An unconfigured host under the shipped rules: few tickets, quiet, right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.collecting import Collection
from agent.configuration.config import load
from agent.pipeline import Pipeline
from agent.store import History, Store
from agent.system.host import HostIdentity
from collectors import Reading

HOUR, DAY = 3600.0, 86400.0
INSTALLED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()
DEBIAN_12_ENDS = datetime(2028, 6, 30, tzinfo=UTC).timestamp()


class Host:
    """A host whose readings are written down here, watched by the defaults every ten minutes."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder, now=INSTALLED)
        configuration = load(Path("/dev/null"), parts={"collectors", "rules"})
        history = History(self.store, configuration.settings.history)
        host = HostIdentity(id="h", name="h", os="")
        self.pipeline = Pipeline(configuration, host, self.store, history, self.collect)
        self.readings: list[tuple[str, float, dict[str, str]]] = []

    def collect(self, at: float) -> Collection:
        return Collection(
            readings=tuple(Reading(name, value, "", dict(labels), at) for name, value, labels in self.readings)
        )

    def disk(self, mount: str, fstype: str, *, size: float, avail: float, readonly: bool = False) -> None:
        labels = {"mountpoint": mount, "device": f"/dev/{mount}", "fstype": fstype}
        self.readings += [
            ("filesystem_size_bytes", size, labels),
            ("filesystem_avail_bytes", avail, labels),
            ("filesystem_readonly", float(readonly), labels),
        ]

    def unit(self, name: str, *, failed: bool, since: float) -> None:
        self.readings.append(("service_failed", float(failed), {"unit": name}))
        self.readings.append(("service_state_change_timestamp_seconds", since, {"unit": name}))

    def watch(self, hours: float) -> list[str]:
        """Watch from installation for so long; return what was asked of the desk, as kind, rule and subject."""
        asked = []
        for cycle in range(int(hours * 6) + 1):
            queued = self.pipeline.cycle(INSTALLED + cycle * 600).queued
            asked += [f"{one.kind} {one.facts['rule']} {''.join(one.facts['subject'].values())}" for one in queued]  # type: ignore[attr-defined]
        return asked

    def members(self) -> set[str]:
        """Return the rules that the digest's ticket tells of."""
        [digest] = [case for case in self.pipeline.cases.values() if case.rule == "first_look"]
        return {self.pipeline.cases[key].rule for key in digest.members}


@pytest.fixture
def host(tmp_path: Path):
    host = Host(tmp_path)
    host.disk("/", "ext4", size=100e9, avail=40e9)
    host.readings.append(("os_support_end_timestamp_seconds", DEBIAN_12_ENDS, {"id": "debian", "version": "12"}))
    yield host
    host.store.close()


def test_a_healthy_debian_12_opens_nothing(host):
    """Its regular support is over, its long-term support is not."""
    assert host.watch(30) == []


def test_images_that_are_full_by_nature_open_nothing(host):
    """A snap and a mounted disc are at 100 %, and read-only."""
    host.disk("/snap/core", "squashfs", size=60e6, avail=0, readonly=True)
    host.disk("/media/cdrom", "iso9660", size=700e6, avail=0, readonly=True)
    assert host.watch(30) == []


def test_what_was_wrong_before_goes_into_one_digest_after_a_day(host):
    """A unit that failed last week and a reboot that is due: one ticket that tells of both, and not before."""
    host.unit("backup.service", failed=True, since=INSTALLED - 7 * DAY)
    host.readings.append(("reboot_required", 1.0, {}))
    assert host.watch(30) == ["open first_look "]
    assert host.members() == {"service_failed", "reboot_required"}
    [digest] = [case for case in host.pipeline.cases.values() if case.rule == "first_look"]
    assert digest.opened_at == INSTALLED + DAY


def test_a_disk_that_stands_full_at_installation_is_noted_not_alarmed(host):
    """It may live like that for years; a forecast needs to see growth."""
    host.disk("/archive", "ext4", size=100e9, avail=6e9)
    assert host.watch(30) == []


def test_a_required_service_that_is_down_does_not_wait(host):
    """What fails now is P2 and opens after its `for` time, first look or not."""
    host.readings.append(("service_active", 0.0, {"unit": "nginx.service"}))
    assert host.watch(0.5) == ["open service_down nginx.service"]
