"""Memory, swap, pressure and kills."""

from types import SimpleNamespace

import pytest

from collectors import memory
from collectors.contract import FakeHost


def collect(root):
    """Return the readings of one run on the host under `root`."""
    return {
        (item.name, *item.labels.values()): item.value
        for item in memory.PLUGIN.build(memory.MemoryOptions(), FakeHost(root)).collect(1.0)
    }


def test_memory_and_swap_are_what_programs_can_get(tmp_path, monkeypatch):
    """Available, not merely free."""
    monkeypatch.setattr(
        "psutil.virtual_memory", lambda: SimpleNamespace(available=3 << 30, total=8 << 30, free=1 << 30)
    )
    monkeypatch.setattr("psutil.swap_memory", lambda: SimpleNamespace(used=1 << 20, total=2 << 30))
    FakeHost(tmp_path).write("/proc/vmstat", "nr_free_pages 1\n")
    assert collect(tmp_path) == {
        ("memory_available_bytes",): 3 << 30,
        ("memory_total_bytes",): 8 << 30,
        ("swap_used_bytes",): 1 << 20,
        ("swap_total_bytes",): 2 << 30,
    }


MEMINFO = """MemTotal:        8388608 kB
MemFree:          524288 kB
MemAvailable:    {} kB
SwapTotal:       2097152 kB
SwapFree:        1048576 kB
HugePages_Total:       3
"""


def test_linux_itself_tells_what_programs_can_get(tmp_path):
    """In one file, which is read once."""
    FakeHost(tmp_path).write("/proc/vmstat", "pgfault 9\n").write("/proc/meminfo", MEMINFO.format(3 << 20))
    assert collect(tmp_path) == {
        ("memory_available_bytes",): 3 << 30,
        ("memory_total_bytes",): 8 << 30,
        ("swap_used_bytes",): 1 << 30,
        ("swap_total_bytes",): 2 << 30,
    }


@pytest.mark.parametrize("distorted", [0, 9 << 20])
def test_where_linux_tells_nonsense_of_that_it_is_reckoned(tmp_path, monkeypatch, distorted):
    """Some kernels say that nothing is left, and some containers that more is than there is; psutil knows them."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1 << 30, total=8 << 30))
    FakeHost(tmp_path).write("/proc/vmstat", "pgfault 9\n").write("/proc/meminfo", MEMINFO.format(distorted))
    assert collect(tmp_path)["memory_available_bytes",] == 1 << 30


def test_kills_are_counted_by_the_kernel(tmp_path):
    """The count stands among others that begin alike."""
    FakeHost(tmp_path).write("/proc/vmstat", "pgfault 9\noom_kill 3\noom_kill_other 7\n")
    assert collect(tmp_path)["oom_kills_total",] == 3


def test_an_old_kernel_counts_no_kills(tmp_path):
    """Before 4.13 nothing is known, which is not 0."""
    FakeHost(tmp_path).write("/proc/vmstat", "pgfault 9\n")
    assert ("oom_kills_total",) not in collect(tmp_path)


def test_pressure_tells_some_and_full(tmp_path):
    """`full` means that nobody could work for want of memory."""
    text = "some avg10=0 avg60=40.00 avg300=10.00 total=9\nfull avg10=0 avg60=20.00 avg300=5.00 total=9\n"
    FakeHost(tmp_path).write("/proc/vmstat", "oom_kill 1\n").write("/proc/pressure/memory", text)
    read = collect(tmp_path)
    assert read["memory_pressure_ratio", "full", "60s"] == 0.2
    assert read["memory_pressure_ratio", "some", "300s"] == 0.1
    assert read["oom_kills_total",] == 1


def test_what_was_swapped_is_counted_in_both_directions(tmp_path):
    """Out alone is tidying up; in and out together is want of memory."""
    FakeHost(tmp_path).write("/proc/vmstat", "pswpin 5\npswpout 7\n")
    read = collect(tmp_path)
    assert (read["swapped_pages_total", "in"], read["swapped_pages_total", "out"]) == (5, 7)
