"""What disks are asked to do."""

import pytest

from collectors import CouldNotCheck, NotSupported, disk_io
from collectors._two_looks import TwoLooks
from collectors.contract import FakeHost

BEFORE = (
    "254 0 vda {} 0 800 {} {} 0 800 {} 1 {} {} 0\n254 1 vda1 1 0 8 1 1 0 8 1 0 1 1\n7 0 loop0 1 0 8 1 1 0 8 1 0 1 1\n"
)


def readings(root, before, after, seconds=10.0, disks=("vda",)):
    """Return what is told of a host whose disk counted `before`, and `after` so many seconds later."""
    host = FakeHost(root).write("/proc/diskstats", before)
    for disk in disks:
        host.write(f"/sys/block/{disk}/device/model", "x")
    host.write("/sys/block/loop0/size", "1")
    now = [0.0]

    def wait(_):
        now[0] = seconds
        host.write("/proc/diskstats", after)

    looks = TwoLooks(5.0, wait, lambda: now[0])
    return list(disk_io.DiskIoCollector(disk_io.DiskIoOptions(), host, looks).collect(1.0))


def test_time_for_a_request_use_and_queue(tmp_path):
    """100 reads in 400 ms, 50 writes in 1 s, at least one under way for 2 s of 10 s, 5 s waited in all."""
    items = readings(tmp_path, BEFORE.format(0, 0, 0, 0, 0, 0), BEFORE.format(100, 400, 50, 1000, 2000, 5000))
    assert {item.name: pytest.approx(item.value) for item in items} == {
        "disk_busy_ratio": 0.2,
        "disk_queue_length": 0.5,
        "disk_read_seconds": 0.004,
        "disk_write_seconds": 0.02,
    }
    assert {item.labels["device"] for item in items} == {"vda"}


def test_a_disk_that_did_nothing_took_no_time(tmp_path):
    """It is idle, and nothing is known of how fast it would be."""
    counters = BEFORE.format(1, 1, 1, 1, 1, 1)
    assert {item.name: item.value for item in readings(tmp_path, counters, counters)} == {
        "disk_busy_ratio": 0,
        "disk_queue_length": 0,
    }


def test_counters_that_began_anew_and_disks_that_came_tell_nothing_yet(tmp_path):
    """Their first difference would be nonsense."""
    [anew] = readings(tmp_path / "a", BEFORE.format(9, 9, 9, 9, 9, 9), BEFORE.format(1, 1, 1, 1, 1, 1))
    [come] = readings(tmp_path / "b", "", BEFORE.format(1, 1, 1, 1, 1, 1))
    assert all(isinstance(item, CouldNotCheck) for item in (anew, come))


def test_more_disks_than_are_read_are_said_to_be(tmp_path):
    """A page must not grow without end with the paths of a storage network."""
    names = [f"sd{n}" for n in range(70)]
    text = "".join(f"8 {n} {name} 1 0 8 1 1 0 8 1 0 1 1\n" for n, name in enumerate(names))
    items = readings(tmp_path, text, text, disks=names)
    assert sum(item.name == "disk_queue_length" for item in items) == 64
    [left_out] = [item for item in items if isinstance(item, CouldNotCheck)]
    assert "exclude_devices" in left_out.reason


def test_a_system_without_these_counters_is_not_supported(tmp_path):
    """As macOS."""
    with pytest.raises(NotSupported):
        list(disk_io.PLUGIN.build(disk_io.DiskIoOptions(), FakeHost(tmp_path)).collect(1.0))


def test_a_disk_whose_counters_are_not_understood_is_not_checked(tmp_path):
    """The others are."""
    host = FakeHost(tmp_path).write("/proc/diskstats", BEFORE.format(1, 1, 1, 1, 1, 1) + "254 9 vdb 1 2 three\n")
    for disk in ("vda", "vdb"):
        host.write(f"/sys/block/{disk}/device/model", "x")
    looks = TwoLooks(5.0, lambda _: None)
    items = list(disk_io.DiskIoCollector(disk_io.DiskIoOptions(), host, looks).collect(1.0))
    assert [item.labels["device"] for item in items if isinstance(item, CouldNotCheck)] == ["vdb"]
    assert {item.labels["device"] for item in items} == {"vda", "vdb"}
