"""Arrays of disks."""

import pytest

from collectors import NotSupported, arrays
from collectors.contract import FakeHost


def collect(host):
    """Return the readings by name and array."""
    items = arrays.PLUGIN.build(arrays.ArraysOptions(), host).collect(1.0)
    return {(item.name, item.labels["array"]): item.value for item in items}


@pytest.mark.parametrize(
    ("state", "degraded", "told"),
    [
        ("clean", "0", 0),
        ("active", "1", 1),
        ("clear", None, 0),
        ("inactive", None, 2),
        ("broken", None, 2),
        ("clean", None, 0),  # a stripe has nothing that could be degraded
    ],
)
def test_a_linux_array(tmp_path, state, degraded, told):
    """Whole, without one of its disks, not started, gone."""
    host = FakeHost(tmp_path).write("/sys/block/md0/md/array_state", f"{state}\n")
    if degraded:
        host.write("/sys/block/md0/md/degraded", f"{degraded}\n")
    assert collect(host)["array_state", "md0"] == told


@pytest.mark.parametrize(("action", "told"), [("recover\n", 1), ("idle\n", 0), ("check\n", 0)])
def test_a_check_is_no_rebuilding(tmp_path, action, told):
    """Debian checks every array once a month."""
    host = FakeHost(tmp_path).write("/sys/block/md0/md/array_state", "active\n")
    host.write("/sys/block/md0/md/sync_action", action)
    assert collect(host)["array_rebuilding", "md0"] == told


@pytest.mark.parametrize(("state", "told"), [("ONLINE", 0), ("DEGRADED", 1), ("SUSPENDED", 2), ("FAULTED", 2)])
def test_a_pool_of_zfs(tmp_path, state, told):
    """The states of zpoolconcepts(7) that a pool as a whole has."""
    assert (
        collect(FakeHost(tmp_path).write("/proc/spl/kstat/zfs/tank/state", f"{state}\n"))["array_state", "tank"] == told
    )


def test_btrfs_on_several_devices_is_an_array(tmp_path):
    """On a single one it is not; the label is what people call it."""
    host = (
        FakeHost(tmp_path)
        .write("/sys/fs/btrfs/id-1/devinfo/1/missing", "0\n")
        .write("/sys/fs/btrfs/id-1/label", "data\n")
    )
    with pytest.raises(NotSupported):
        collect(host)
    assert collect(host.write("/sys/fs/btrfs/id-1/devinfo/2/missing", "1\n"))["array_state", "data"] == 1
