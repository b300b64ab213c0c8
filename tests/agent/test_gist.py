"""What a collector's readings come to, in a phrase."""

import pytest

from agent.gist import gist
from collectors import Reading


def reading(name, value=1.0, unit="count", /, **labels):
    """Return a reading of now."""
    return Reading(name, value, unit, labels, 0.0)


def disk(mountpoint, left, size):
    """Return a file system's two readings."""
    return [
        reading("filesystem_avail_bytes", left, "bytes", mountpoint=mountpoint),
        reading("filesystem_size_bytes", size, "bytes", mountpoint=mountpoint),
    ]


@pytest.mark.parametrize(
    ("readings", "phrase"),
    [
        (
            [*disk("/", 5e10, 1e11), *disk("/srv", 1e9, 1e10)],
            "2 file systems, least room on /srv: 1.0 GB of 10.0 GB left (10 %)",
        ),
        (disk("/", 5e10, 1e11), "1 file system, least room on /: 50.0 GB of 100.0 GB left (50 %)"),
        (disk("/proc", 0, 0), "filesystem_avail_bytes, filesystem_size_bytes"),
        ([reading("cpu_utilization_ratio", 0.125, "ratio")], "12.5 % busy"),
        ([reading("memory_available_bytes", 3e9, "bytes")], "3.0 GB available"),
        (
            [reading("memory_available_bytes", 3e9, "bytes"), reading("memory_total_bytes", 8e9, "bytes")],
            "3.0 GB of 8.0 GB available",
        ),
        ([reading("service_failed", 0.0, "boolean", unit_name="a")], "1 units, none failed"),
        (
            [Reading("service_failed", 1.0, "boolean", {"unit": f"{name}.service"}, 0.0) for name in "abcde"],
            "5 units, failed: a.service, b.service, c.service and 2 more",
        ),
        (
            [reading("os_release_info", name="Debian GNU/Linux 12"), reading("kernel_running_info", release="6.1.0-9")],
            "Debian GNU/Linux 12; kernel 6.1.0-9",
        ),
        ([reading("fan_speed_ratio"), reading("fan_count")], "fan_speed_ratio, fan_count"),
        ([], "nothing to read"),
    ],
)
def test_readings_come_to_a_phrase(readings, phrase):
    """What a person asks first; and for what nobody foresaw, at least the names."""
    assert gist(readings) == phrase
