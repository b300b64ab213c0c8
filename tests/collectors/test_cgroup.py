"""The limits of a container."""

import pytest

from collectors import NotSupported, cgroup
from collectors._two_looks import TwoLooks
from collectors.contract import FakeHost

V2 = {
    "cgroup.controllers": "cpu memory\n",
    "cpu.max": "50000 100000\n",
    "cpu.stat": "usage_usec 1000000\nuser_usec 1\nnr_periods 10\nnr_throttled 1\nthrottled_usec 5\n",
    "memory.max": "1000000\n",
    "memory.current": "700000\n",
    "memory.stat": "anon 400000\ninactive_file 200000\n",
    "memory.events": "low 0\noom 2\noom_kill 3\n",
}
V1 = {
    "cpu/cpu.cfs_quota_us": "50000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "cpu/cpu.stat": "nr_periods 10\nnr_throttled 1\nthrottled_time 5\n",
    "cpuacct/cpuacct.usage": "1000000000\n",
    "memory/memory.limit_in_bytes": "1000000\n",
    "memory/memory.usage_in_bytes": "700000\n",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 200000\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
}
LATER = {
    "cpu.stat": "usage_usec 3000000\nnr_periods 50\nnr_throttled 11\n",
    "cpu/cpu.stat": "nr_periods 50\nnr_throttled 11\nthrottled_time 5\n",
    "cpuacct/cpuacct.usage": "3000000000\n",
}


def collect(root, files, later=LATER):
    """Return the readings of a container that had these files, and ten seconds later others."""
    host, now = FakeHost(root), [0.0]

    def lay(changed):
        for name, text in changed.items():
            if name in files:
                host.write(f"/sys/fs/cgroup/{name}", text)

    def wait(_):
        now[0] = 10.0
        lay(later)

    lay(files)
    looks = TwoLooks(5.0, wait, lambda: now[0])
    items = cgroup.CgroupCollector(cgroup.CgroupOptions(), host, looks).collect(1.0)
    return {item.name: pytest.approx(item.value) for item in items}


@pytest.mark.parametrize("files", [V2, V1], ids=["version 2", "version 1"])
def test_use_is_measured_against_the_containers_own_limit(tmp_path, files):
    """2 seconds of a half processor's 5; 10 of 40 periods had to wait; the cache that can be dropped is not in use."""
    assert collect(tmp_path, files) == {
        "cgroup_memory_limit_bytes": 1000000,
        "cgroup_memory_available_bytes": 500000,
        "cgroup_oom_kills_total": 3,
        "cgroup_cpu_limit": 0.5,
        "cgroup_cpu_utilization_ratio": 0.4,
        "cgroup_cpu_throttled_ratio": 0.25,
    }


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cgroup.controllers": "cpu\n"},
        V2 | {"cpu.max": "max 100000\n", "memory.max": "max\n"},
        V1 | {"cpu/cpu.cfs_quota_us": "-1\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"},
    ],
    ids=["no group", "a host", "a container without limits", "one of version 1"],
)
def test_without_a_limit_the_hosts_figures_count(tmp_path, files):
    """There is nothing of a container's to tell."""
    with pytest.raises(NotSupported):
        collect(tmp_path, files)
