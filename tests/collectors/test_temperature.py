"""Sensors of temperature."""

from collectors import temperature
from collectors.contract import FakeHost


def collect(host):
    """Return the readings of one run by name and labels."""
    items = temperature.PLUGIN.build(temperature.TemperatureOptions(), host).collect(1.0)
    return {(item.name, *item.labels.values()): round(item.value, 6) for item in items}


def sensor(host, number, name, celsius, **more):
    """Add a chip with one sensor."""
    folder = f"/sys/class/hwmon/hwmon{number}"
    host.write(f"{folder}/name", name + "\n").write(f"{folder}/temp1_input", f"{celsius * 1000:.0f}\n")
    for key, value in more.items():
        host.write(f"{folder}/temp1_{key}", f"{value}\n")
    return host


def test_the_limit_is_the_sensors_own(tmp_path):
    """What is hot for a disk is cool for a processor."""
    host = sensor(FakeHost(tmp_path), 0, "coretemp", 71, crit=100000, label="Package id 0")
    sensor(host, 1, "nvme", 44, crit=84850)
    assert collect(host) == {
        ("temperature_celsius", "coretemp", "Package id 0"): 71,
        ("temperature_left_celsius", "coretemp", "Package id 0"): 29,
        ("temperature_celsius", "nvme", "temp1"): 44,
        ("temperature_left_celsius", "nvme", "temp1"): 40.85,
    }


def test_what_is_not_connected_and_limits_nobody_set_are_left_out(tmp_path):
    """Boards report 127 and -128 degrees, and limits of 0."""
    host = sensor(sensor(FakeHost(tmp_path), 0, "nct6775", 127), 1, "drivetemp", 30, crit=0)
    assert collect(host) == {("temperature_celsius", "drivetemp", "temp1"): 30}


def test_two_of_one_name_are_two(tmp_path):
    """Two disks have sensors of the same name."""
    host = sensor(sensor(FakeHost(tmp_path), 0, "drivetemp", 30), 1, "drivetemp", 31)
    assert sorted(collect(host).values()) == [30, 31]


def test_how_often_the_heat_slowed_a_processor(tmp_path):
    """All processors of a package count the same event."""
    for cpu, count in ((0, 3), (1, 3), (2, 5)):
        path = f"/sys/devices/system/cpu/cpu{cpu}/thermal_throttle/package_throttle_count"
        host = FakeHost(tmp_path).write(path, f"{count}\n")
    assert collect(host) == {("cpu_thermal_throttles_total", "package"): 5}
