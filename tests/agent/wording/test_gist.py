"""What a collector's readings come to, in a phrase."""

import pytest

from agent.wording.gist import gist
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
        ([reading("port_open", 1.0, target="a:1"), reading("port_open", 0.0, target="b:1")], "2 ports, closed: b:1"),
        ([reading("http_outcome", 0.0, target="u")], "1 address"),
        (
            [reading("nagios_status", float(n % 4), check=f"c{n}") for n in range(8)],
            "8 checks, not ok: c1, c2, c3 and 3 more",
        ),
        (
            [
                reading("certificate_end_timestamp_seconds", days * 86400.0, target=f"t{days}", part="own")
                for days in (9, 5)
            ],
            "2 looked at, first to end t5: 5 days",
        ),
        ([reading("certificate_end_timestamp_seconds", -1.0, target="t")], "1 looked at, first to end t: over"),
        ([reading("exporter_series", 12.0, exporter="node")], "node: 12 series"),
        ([reading("textfile_age_seconds", 7200.0, file="a.prom")], "1 file, a.prom is 2 hours old"),
        (
            [Reading("service_failed", 1.0, "boolean", {"unit": f"{name}.service"}, 0.0) for name in "abcde"],
            "5 units, failed: a.service, b.service, c.service and 2 more",
        ),
        (
            [reading("os_release_info", name="Debian GNU/Linux 12"), reading("kernel_running_info", release="6.1.0-9")],
            "Debian GNU/Linux 12; kernel 6.1.0-9",
        ),
        (
            [
                reading("packages_installed", 1057.0, manager="dpkg"),
                reading("software_support_end_timestamp_seconds", 1_846_540_800.0, "timestamp", product="PHP"),
                reading("software_support_end_timestamp_seconds", 1_777_507_200.0, "timestamp", product="Node.js"),
                reading("software_support_end_timestamp_seconds", float("nan"), "timestamp", product="nginx"),
            ],
            "1,057 packages (dpkg); of the products Node.js leaves support first: 2026-04-30 00:00 UTC",
        ),
        ([reading("packages_installed", 80.0, manager="apk")], "80 packages (apk)"),
        (
            [reading("updates_pending", 12.0), reading("updates_security", 3.0)],
            "12 updates pending, 3 for security",
        ),
        ([reading("updates_pending", 12.0)], "12 updates pending"),
        ([reading("services_with_deleted_libraries", 2.0)], "2 services use replaced libraries"),
        ([reading("fan_speed_ratio"), reading("fan_count")], "fan_speed_ratio, fan_count"),
        ([], "nothing to read"),
    ],
)
def test_readings_come_to_a_phrase(readings, phrase):
    """What a person asks first; and for what nobody foresaw, at least the names."""
    assert gist(readings) == phrase


@pytest.mark.parametrize(
    ("readings", "phrase"),
    [
        (
            [reading("smart_failing", 0, device="sda"), reading("smart_failing", 1, device="sdb")],
            "2 disks, failing: sdb",
        ),
        ([reading("array_state", 1, array="md0")], "1 array, not whole: md0"),
        ([reading("mount_missing", 0, mountpoint="/srv")], "1 mount in fstab"),
        (
            [reading("disk_busy_ratio", 0.1, device="a"), reading("disk_busy_ratio", 0.4, device="b")],
            "busiest disk b: 40 %",
        ),
        ([reading("filesystem_errors_total", 0, device="sda1")], "no errors counted"),
        ([reading("filesystem_errors_total", 2, device="sda1")], "errors on sda1"),
        ([reading("temperature_celsius", 71, chip="coretemp", sensor="Core 0")], "hottest coretemp Core 0: 71 °C"),
        (
            [
                reading("cgroup_memory_limit_bytes", 2e9, "bytes"),
                reading("cgroup_memory_available_bytes", 1e9, "bytes"),
            ],
            "1.0 GB of 2.0 GB available to the container",
        ),
        ([reading("pool_free_bytes", 1e9, pool="vg/thin", part="data")], "least room in vg/thin (data): 1.0 GB"),
        (
            [reading("deleted_files_bytes", 3e9, mountpoint=""), reading("deleted_files_bytes", 1e9, mountpoint="/")],
            "deleted files that are still open take 3.0 GB",
        ),
    ],
)
def test_what_hardware_and_mounts_come_to(readings, phrase):
    """The worst of them, by name."""
    assert gist(readings) == phrase
