"""Collectors on real mounts and a real systemd, which need root."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collectors import CollectorError, Completed, _starts, disk, services
from collectors._usage import Asker, usage_here
from collectors.contract import HOSTILE
from real_hosts import PATIENCE, booted, inside, mounted

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux"),
]


class RealHost:
    """A context over this machine; `through` is put before each command."""

    def __init__(self, through=()):
        self._through = list(through)

    def path(self, absolute):
        """Return the path as it is."""
        return Path(absolute)

    def run(self, argv, *, timeout):
        """Run the command."""
        try:
            done = subprocess.run(
                [*self._through, *argv],
                capture_output=True,
                text=True,
                errors="surrogateescape",
                timeout=timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CollectorError(str(error)) from error
        return Completed(done.returncode, done.stdout, done.stderr)


def readings_of(place, **options):
    """Return the readings of the mount at `place` by name."""
    from collectors import safe_text  # noqa: PLC0415 - only to find the label again

    items = disk.PLUGIN.build(disk.DiskOptions(**options), RealHost()).collect(1.0)
    return {item.name: item.value for item in items if item.labels["mountpoint"] == safe_text(str(place))}


def test_a_mount_with_a_hostile_name_is_read(tmp_path):
    """Undecodable bytes, newlines and reversed text in the name of a real mount."""
    with mounted(tmp_path / HOSTILE.replace("/", "|"), "-t", "tmpfs", "-o", "size=1m,nr_inodes=64", "x") as place:
        (place / "file").write_bytes(b"x" * 65536)
        read = readings_of(place)
    assert read["filesystem_size_bytes"] == 1 << 20
    assert read["filesystem_avail_bytes"] == (1 << 20) - 65536
    assert (read["filesystem_files"], read["filesystem_files_free"]) == (64, 62)
    assert read["filesystem_readonly"] == 0


def test_a_real_disk_tells_reserved_blocks_and_read_only(tmp_path):
    """ext4 keeps blocks for root; remounted read only, it says so."""
    image = tmp_path / "image"
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-m", "10", str(image)], check=True)
    with mounted(tmp_path / "disk", "-o", "loop", str(image)) as place:
        read = readings_of(place)
        assert read["filesystem_free_bytes"] - read["filesystem_avail_bytes"] >= 0.09 * (16 << 20)
        assert read["filesystem_readonly"] == 0
        subprocess.run(["/bin/mount", "-o", "remount,ro", str(place)], check=True)
        assert readings_of(place)["filesystem_readonly"] == 1


def test_bind_mounts_of_one_disk_are_one_file_system(tmp_path):
    """Seen where its path is shortest."""
    with mounted(tmp_path / "a", "-t", "tmpfs", "x") as place:
        (place / "sub").mkdir()
        with mounted(tmp_path / "longer", "--bind", str(place / "sub")) as bound:
            assert readings_of(bound) == {}
            assert readings_of(place)


def test_a_child_measures_what_this_process_would(tmp_path, monkeypatch):
    """By stat(1), and by an interpreter where there is none."""
    with mounted(tmp_path / HOSTILE.replace("/", "|"), "-t", "tmpfs", "-o", "size=2m,nr_inodes=32", "x") as place:
        here = usage_here(place)
        assert Asker(RealHost(), 10.0).usage(place) == here
        monkeypatch.setattr("sys.platform", "other")
        assert Asker(RealHost(), 10.0).usage(place) == here


# Services that fail each in its own way, some before anything of theirs is run.
FAIL = {
    "exits": "ExecStart=/bin/false",
    "is not there": "ExecStart=/nowhere",
    "lacks its user": "User=nobody-knows-it\nExecStart=/bin/true",
    "lacks its environment": "EnvironmentFile=/nowhere\nExecStart=/bin/true",
    "lacks its folder": "WorkingDirectory=/nowhere\nExecStart=/bin/true",
    "is not ready in time": "Type=notify\nTimeoutStartSec=100ms\nExecStart=/bin/sleep infinity",
    "dies once": "ExecStart=/bin/sleep 0.2\nExecStopPost=/bin/false",
}


@pytest.fixture(scope="module")
def first_process(tmp_path_factory):
    """Boot a systemd with a service that fails, two that run and one that is restarted for ever; yield its first process."""
    steady = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nAlias=alias-of-steady.service\n"
    restless = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=100ms\nExecStart=/bin/false\n"
    lively = "[Service]\nRestart=always\nExecStart=/bin/sleep infinity\n"
    units = {"doomed": "[Service]\nExecStart=/bin/false\n", "steady": steady, "restless": restless, "lively": lively}
    units |= {name.replace(" ", "-"): f"[Service]\n{lines}\n" for name, lines in FAIL.items()}
    with booted(tmp_path_factory.mktemp("nspawn"), units, up="steady") as pid:
        subprocess.run([*inside(pid), "/usr/bin/systemctl", "enable", "steady"], check=True, capture_output=True)
        yield pid


def test_a_real_systemd_tells_failed_active_and_restarts(first_process):
    """A unit that failed, one that runs and is called by its alias, one that is restarted for ever, one that is not there."""
    options = services.ServicesOptions(required=["steady", "alias-of-steady", "doomed", "missing"])
    host = RealHost(inside(first_process))
    host.path = lambda absolute: Path(f"/proc/{first_process}/root{absolute}")
    read = {}
    one = services.PLUGIN.build(options, host)
    for _ in range(50):
        items = list(one.collect(1e9))
        read = {(item.name, item.labels["unit"].removesuffix(".service")): item.value for item in items}
        if read.get(("service_failed", "doomed")) and read.get(("service_restarts_total", "restless"), 0) > 1:
            break
        time.sleep(0.2)
    assert read["service_failed", "doomed"] == 1
    assert read["service_failed", "steady"] == 0
    assert read["service_restarts_total", "restless"] > 1
    active = {unit: value for (name, unit), value in read.items() if name == "service_active"}
    assert active == {"steady": 1, "alias-of-steady": 1, "doomed": 0, "missing": 0}
    assert 0 <= 1e9 - read["service_state_change_timestamp_seconds", "doomed"] < 120


def test_a_real_systemd_gives_each_restart_an_id_of_its_own(first_process):
    """So a restart is noticed in a round that asks about no other service at work."""
    host = RealHost(inside(first_process))
    host.path = lambda absolute: Path(f"/proc/{first_process}/root{absolute}")
    asked = []

    def run(argv, *, timeout):
        asked.append([name for name in argv if name.endswith(".service")])
        return RealHost.run(host, argv, timeout=timeout)

    host.run = run
    one = services.PLUGIN.build(services.ServicesOptions(units=["stead*.service", "livel*.service"], timers=[]), host)

    def restarts():
        asked.clear()
        items = list(one.collect(1e9))
        return {item.labels["unit"]: item.value for item in items if item.name == "service_restarts_total"}

    before = restarts()
    assert sorted(asked[1]) == ["lively.service", "steady.service"]
    assert restarts() == before
    assert len(asked) <= 1  # none where nothing was restarted meanwhile
    kill = [*inside(first_process), "/usr/bin/systemctl", "kill", "--signal=KILL", "lively.service"]
    subprocess.run(kill, check=True, capture_output=True)
    until = time.monotonic() + PATIENCE
    while (after := restarts()) == before and time.monotonic() < until:
        time.sleep(0.1)
    assert after["lively.service"] == before["lively.service"] + 1
    assert "steady.service" not in asked[1]


def systemctl(first_process, *words):
    """Run systemctl in there."""
    return subprocess.run([*inside(first_process), "/usr/bin/systemctl", *words], check=False, capture_output=True)


@pytest.fixture
def at_rest(first_process):
    """Stop what is restarted for ever; yield the folder in which each start leaves its link."""
    systemctl(first_process, "stop", "restless")
    yield Path(f"/proc/{first_process}/root{_starts.LINKS}")
    systemctl(first_process, "start", "restless")


@pytest.mark.parametrize("name", [name.replace(" ", "-") for name in FAIL])
def test_a_real_systemd_changes_the_links_whenever_a_service_fails(first_process, at_rest, name):
    """Even where nothing of it could be run; so nothing has to be asked where they stay."""
    systemctl(first_process, "reset-failed", name)
    before = _starts.last_change(at_rest)
    assert before
    systemctl(first_process, "start", name)
    until = time.monotonic() + PATIENCE
    while systemctl(first_process, "is-failed", name).returncode != 0 and time.monotonic() < until:
        time.sleep(0.05)
    assert systemctl(first_process, "is-failed", name).returncode == 0
    assert _starts.last_change(at_rest) > before


@pytest.mark.usefixtures("at_rest")
def test_a_real_systemd_is_asked_when_a_service_ended_and_else_not(first_process):
    """One that is told to stop leaves as one that dies."""
    host = RealHost(inside(first_process))
    host.path = lambda absolute: Path(f"/proc/{first_process}/root{absolute}")
    asked = []

    def run(argv, *, timeout):
        asked.append(argv)
        return RealHost.run(host, argv, timeout=timeout)

    host.run = run
    one = services.PLUGIN.build(services.ServicesOptions(units=["stead*.service", "livel*.service"], timers=[]), host)

    def questions():
        asked.clear()
        list(one.collect(1e9))
        return len(asked)

    assert [questions(), questions()] == [2, 0]
    for act in ("stop", "start"):
        systemctl(first_process, act, "lively")
        assert questions() > 0
        assert questions() == 0
