"""Room in pools of storage."""

import pytest

from collectors import CouldNotCheck, NotSupported, pools
from collectors.contract import FakeHost
from privileged_facts import write_facts

AT = 1_790_000_000.0
GB = 10**9
# In the words of `lvs --reportformat json --units b --nosuffix`.
THIN = {
    "vg_name": "vg",
    "lv_name": "pool",
    "lv_size": "1000000000",
    "data_percent": "35.20",
    "lv_metadata_size": "4194304",
    "metadata_percent": "50.00",
}


def collect(host):
    """Return size and room by pool and part; None where it could not be checked."""
    items = list(pools.PLUGIN.build(pools.PoolsOptions(), host).collect(AT))
    return {
        (item.name, item.labels.get("pool"), item.labels.get("part")): None
        if isinstance(item, CouldNotCheck)
        else pytest.approx(item.value)
        for item in items
    }


def btrfs(host, *, metadata, used, copies=2, devices=(10 * GB,), data=6 * GB):
    """Lay out a btrfs as the kernel tells it; bytes."""
    folder = "/sys/fs/btrfs/5e1d"
    for number, size in enumerate(devices):
        host.write(f"{folder}/devices/sd{number}/size", f"{size // 512}\n")
    host.write(f"{folder}/label", "data\n").write(f"{folder}/allocation/global_rsv_size", "1\n")
    host.write(f"{folder}/allocation/data/disk_total", f"{data}\n")
    host.write(f"{folder}/allocation/metadata/total_bytes", f"{metadata}\n")
    host.write(f"{folder}/allocation/metadata/disk_total", f"{metadata * copies}\n")
    return host.write(f"{folder}/allocation/metadata/bytes_used", f"{used}\n")


def test_both_parts_of_a_thin_pool_are_told(tmp_path):
    """Whichever is full first stops every volume in it; an inactive pool fills nowhere."""
    idle = THIN | {"lv_name": "idle", "data_percent": "", "metadata_percent": ""}
    assert collect(write_facts(FakeHost(tmp_path), AT, thin_pools=[THIN, idle], zfs_pools=[])) == {
        ("pool_size_bytes", "vg/pool", "data"): 1e9,
        ("pool_free_bytes", "vg/pool", "data"): 0.648e9,
        ("pool_size_bytes", "vg/pool", "metadata"): 4194304,
        ("pool_free_bytes", "vg/pool", "metadata"): 2097152,
    }


def test_a_pool_of_zfs(tmp_path):
    """As zpool tells it."""
    pool = {"name": "tank", "size": 10 * GB, "used": 4 * GB, "free": 6 * GB, "health": "ONLINE"}
    read = collect(write_facts(FakeHost(tmp_path), AT, thin_pools=[], zfs_pools=[pool]))
    assert read["pool_free_bytes", "tank", "data"] == 6 * GB


def test_btrfs_can_put_metadata_where_nothing_is_allocated_yet(tmp_path):
    """Of 10 GB, 6 are data and 2 are 1 GB of metadata kept twice: the other 2 hold 1 GB more of it."""
    read = collect(btrfs(FakeHost(tmp_path), metadata=GB, used=GB // 2))
    assert read["pool_size_bytes", "data", "metadata"] == pytest.approx(2 * GB)
    assert read["pool_free_bytes", "data", "metadata"] == pytest.approx(1.5 * GB)


def test_btrfs_that_has_allocated_everything(tmp_path):
    """Only what is left inside the metadata counts."""
    read = collect(btrfs(FakeHost(tmp_path), metadata=GB, used=GB, devices=(8 * GB,)))
    assert read["pool_free_bytes", "data", "metadata"] == 0


def test_what_root_could_not_read_is_said(tmp_path):
    """Each for itself."""
    read = collect(write_facts(FakeHost(tmp_path), AT, thin_pools="lvs gave no answer", zfs_pools=[]))
    assert read == {("pool_free_bytes", None, None): None}


def test_a_host_without_pools(tmp_path):
    """Most have none."""
    with pytest.raises(NotSupported):
        collect(write_facts(FakeHost(tmp_path), AT, thin_pools=[], zfs_pools=[]))
