"""The shipped rules: right on a host that nobody configured."""

import tomllib
from importlib import resources

import pytest

from agent.configuration.config import load
from agent.configuration.plugins import COLLECTORS
from collectors import Reading
from thresholds import Judge, Severity

HOUR, DAY = 3600.0, 86400.0
NOW = 1_795_600_800.0  # 2026-11-25
RULES = {rule.id: (rule, threshold) for rule, threshold in load(environ={}, parts={"rules"}).rules}
FILES = sorted(
    (file for file in (resources.files("thresholds") / "rules").iterdir() if file.name.endswith(".toml")),
    key=lambda file: file.name,
)
DECLARED = {reading.name: reading for name in COLLECTORS.built_in() for reading in COLLECTORS.load(name).readings}


def judge(rule, *cycles):
    """Judge cycles of (name, value, labels) an hour apart by one rule; return the last finding's severity."""
    judge = Judge([RULES[rule]])
    findings = []
    for number, readings in enumerate(cycles):
        at = NOW + number * HOUR
        findings, _ = judge.judge(
            [Reading(name, value, "count", dict(labels), at) for name, value, labels in readings], [], at
        )
    return findings[-1].severity if findings else None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_rule_says_why_its_limits_are_what_they_are(file):
    """The comment comes first; the id is the file's name and is written nowhere else."""
    text = file.read_text("utf-8")

    assert text.startswith("# ")
    assert "id" not in tomllib.loads(text)


@pytest.mark.parametrize("rule", [rule for rule, _ in RULES.values()], ids=lambda rule: rule.id)
def test_every_rule_selects_what_a_collector_yields(rule):
    """The readings exist, and so do the labels of the subject and of `where`."""
    names = [name for name in (rule.select.reading, rule.select.of, rule.select.since) if name]

    labels = set(DECLARED[rule.select.reading].labels)
    assert set(names) <= set(DECLARED)
    assert set(rule.select.subject) | set(rule.select.where) <= labels


@pytest.mark.parametrize("rule", ["disk_space", "disk_inodes", "disk_readonly", "tmpfs_full"])
@pytest.mark.parametrize("fstype", ["squashfs", "iso9660", "fuse.squashfuse", "fuse.snapfuse"])
def test_images_open_nothing(rule, fstype):
    """They are full and read-only by nature."""
    labels = {"mountpoint": "/snap/core/1", "device": "/dev/loop0", "fstype": fstype}
    readings = [
        ("filesystem_avail_bytes", 0.0, labels),
        ("filesystem_size_bytes", 1e8, labels),
        ("filesystem_files_free", 0.0, labels),
        ("filesystem_files", 100.0, labels),
        ("filesystem_readonly", 1.0, labels),
    ]

    assert judge(rule, readings, readings) is None


def test_a_release_in_its_long_term_support_opens_nothing():
    """The last free support counts, a year and a half away."""
    readings = [("os_support_end_timestamp_seconds", NOW + 580 * DAY, {"id": "debian", "version": "12"})]

    assert judge("os_support_end", readings) is Severity.HEALTHY


def test_a_release_without_support_is_no_alarm():
    """It is worth a ticket; nothing breaks today."""
    readings = [("os_support_end_timestamp_seconds", NOW - 400 * DAY, {"id": "debian", "version": "10"})]

    assert judge("os_support_end", readings) is Severity.WARNING


def test_a_file_system_found_read_only_is_a_notice_and_one_that_becomes_so_is_critical():
    """The first is most likely meant to be."""
    labels = {"mountpoint": "/srv", "device": "/dev/sdb1", "fstype": "ext4"}
    writable, readonly = [("filesystem_readonly", 0.0, labels)], [("filesystem_readonly", 1.0, labels)]

    assert judge("disk_readonly", readonly, readonly) is Severity.NOTICE
    assert judge("disk_readonly", writable, readonly) is Severity.CRITICAL


def test_a_unit_that_failed_long_ago_is_milder_than_one_that_fails_now():
    """The first belongs into the first look."""
    labels = {"unit": "db.service"}
    old = [("service_failed", 1.0, labels), ("service_state_change_timestamp_seconds", NOW - 3 * DAY, labels)]
    new = [("service_failed", 1.0, labels), ("service_state_change_timestamp_seconds", NOW - 60, labels)]

    assert judge("service_failed", old) is Severity.WARNING
    assert judge("service_failed", new) is Severity.CRITICAL


def test_a_kernel_that_waits_for_a_reboot_opens_nothing_by_itself():
    """The pending reboot does, and only as a warning."""
    assert judge("kernel_outdated", [("kernel_outdated", 1.0, {})]) is Severity.NOTICE
    assert judge("reboot_required", [("reboot_required", 1.0, {})]) is Severity.WARNING


@pytest.mark.parametrize(
    ("rule", "reading", "bad"),
    [("service_down", "service_active", 0.0), ("process_missing", "process_missing", 1.0)],
)
def test_what_somebody_said_has_to_run_is_critical_when_it_does_not(rule, reading, bad):
    """However long it has been so."""
    labels = {"unit": "db.service", "process": "db", "user": ""}

    assert judge(rule, [(reading, bad, labels)]) is Severity.CRITICAL
    assert judge(rule, [(reading, 1.0 - bad, labels)]) is Severity.HEALTHY


def test_memory_is_a_hint_about_capacity():
    """No critical limit, and a gap before it clears."""
    memory = [[("memory_available_bytes", share * 1e9, {}), ("memory_total_bytes", 1e9, {})] for share in (0.04, 0.09)]

    assert judge("memory_exhausted", *memory) is Severity.WARNING


def test_a_busy_processor_is_a_hint_about_capacity_when_that_is_new():
    """Full at an hour at which it was at rest; not for what comes every day, and not before anything is known."""
    idle, full = [("cpu_utilization_ratio", 0.1, {})], [("cpu_utilization_ratio", 0.99, {})]
    every_day = ([idle] * 20 + [full] * 4) * 4

    assert judge("cpu_saturated", *[idle] * 48, full) is Severity.WARNING
    assert judge("cpu_saturated", *[idle] * 48, full, full, idle) is Severity.HEALTHY
    assert judge("cpu_saturated", *every_day) is Severity.HEALTHY
    assert judge("cpu_saturated", full) is None


def test_a_service_that_is_restarted_again_and_again_is_a_warning():
    """Once an hour is none, a restart by hand begins the count anew."""
    judge = Judge([RULES["service_restarting"]])
    seen = []
    for minute in range(60):
        count = 0 if minute < 20 else minute - 19
        reading = Reading("service_restarts_total", float(count), "count", {"unit": "a.service"}, NOW + 60 * minute)
        findings, _ = judge.judge([reading], [], reading.at)
        seen += [finding.severity for finding in findings]

    assert seen[0] is Severity.HEALTHY
    assert seen[-30:] == [Severity.WARNING] * 30


def test_a_full_tmpfs_is_told_without_a_forecast():
    """Its past says nothing about its future."""
    labels = {"mountpoint": "/run", "device": "tmpfs", "fstype": "tmpfs"}
    readings = [("filesystem_avail_bytes", 1e6, labels), ("filesystem_size_bytes", 1e8, labels)]

    assert judge("tmpfs_full", readings) is Severity.WARNING
    assert judge("disk_space", readings) is None


@pytest.mark.parametrize(
    ("rule", "reading", "labels", "verdicts"),
    [
        ("port_closed", "port_open", {"target": "a:1"}, {1.0: "HEALTHY", 0.0: "CRITICAL"}),
        ("dns_failing", "dns_resolved", {"name": "a"}, {1.0: "HEALTHY", 0.0: "CRITICAL"}),
        ("http_failing", "http_outcome", {"target": "u"}, {0.0: "HEALTHY", 3.0: "CRITICAL", 7.0: "CRITICAL"}),
        (
            "certificate_untrusted",
            "certificate_trouble",
            {"target": "a:1"},
            {0.0: "HEALTHY", 2.0: "WARNING", 6.0: "HEALTHY"},
        ),
        ("container_down", "container_running", {"container": "db"}, {1.0: "HEALTHY", 0.0: "CRITICAL"}),
        ("nagios_problem", "nagios_status", {"check": "c"}, {0.0: "HEALTHY", 1.0: "WARNING", 2.0: "CRITICAL"}),
        ("clock_wrong", "ntp_deviation_seconds", {"source": "s"}, {0.02: "HEALTHY", 1.5: "WARNING", 300.0: "CRITICAL"}),
        ("clock_free", "ntp_synchronized", {"source": "s"}, {1.0: "HEALTHY", 0.0: "NOTICE"}),
    ],
)
def test_what_was_named_is_judged_at_first_sight(rule, reading, labels, verdicts):
    """Each value has the severity that the rule's own file gives reasons for."""
    assert {value: judge(rule, [(reading, value, labels)]).name for value in verdicts} == verdicts


def test_a_check_that_does_not_know_is_not_judged():
    """3 is the plugin's own word for it: neither healthy nor a ticket."""
    assert judge("nagios_problem", [("nagios_status", 3.0, {"check": "c"})]) is None


def test_a_certificate_has_three_steps_and_an_end():
    """A month is a line, a fortnight a ticket, three days an emergency, and over is over."""
    labels = {"target": "a:1", "part": "own"}
    name = "certificate_end_timestamp_seconds"
    found = [judge("certificate_expiring", [(name, NOW + days * DAY, labels)]) for days in (40, 29, 13, 2, -1)]
    assert [severity.name for severity in found] == ["HEALTHY", "NOTICE", "WARNING", "CRITICAL", "CRITICAL"]


def test_a_timed_job_is_late_after_three_of_its_periods():
    """And on time again when it has gone well."""
    labels = {"unit": "backup.timer"}
    cycles = [
        [("timer_success_age_seconds", age * DAY, labels), ("timer_period_seconds", DAY, labels)]
        for age in (2.9, 3.1, 0.1)
    ]
    assert judge("timer_late", cycles[0]) is Severity.HEALTHY
    assert judge("timer_late", *cycles[:2]) is Severity.WARNING
    assert judge("timer_late", *cycles) is Severity.HEALTHY


def test_a_timer_found_off_is_a_notice_and_one_that_is_stopped_a_warning():
    """The first has been lived with."""
    off, on = ([("timer_waiting", value, {"unit": "backup.timer"})] for value in (0.0, 1.0))
    assert judge("timer_stopped", off, off) is Severity.NOTICE
    assert judge("timer_stopped", on, off) is Severity.WARNING


def test_a_container_that_was_unhealthy_when_we_came_is_milder():
    """It goes into the first look."""
    sick, well = ([("container_unhealthy", value, {"container": "db", "engine": "/s"})] for value in (1.0, 0.0))
    assert judge("container_unhealthy", sick) is Severity.WARNING
    assert judge("container_unhealthy", well, sick) is Severity.CRITICAL


@pytest.mark.parametrize(
    ("rule", "labels", "name", "bad", "severity"),
    [
        ("disk_failing", {"device": "sda", "model": "m"}, "smart_failing", 1, Severity.CRITICAL),
        (
            "disk_unreadable",
            {"device": "sda", "model": "m", "kind": "pending"},
            "smart_bad_sectors",
            1,
            Severity.WARNING,
        ),
        ("disk_worn", {"device": "nvme0", "model": "m"}, "smart_wear_ratio", 0.9, Severity.WARNING),
        ("array_degraded", {"array": "md0", "kind": "md"}, "array_state", 1, Severity.CRITICAL),
        ("filesystem_errors", {"device": "sda1", "kind": "ext4"}, "filesystem_errors_total", 1, Severity.WARNING),
        (
            "mount_missing",
            {"mountpoint": "/srv", "fstype": "xfs", "nofail": "no"},
            "mount_missing",
            1,
            Severity.CRITICAL,
        ),
        ("swap_missing", {"device": "/swap"}, "swap_missing", 1, Severity.WARNING),
        ("container_throttled", {}, "cgroup_cpu_throttled_ratio", 0.25, Severity.WARNING),
        ("cpu_stolen", {"mode": "steal"}, "cpu_mode_ratio", 0.1, Severity.WARNING),
    ],
)
def test_what_brings_hosts_down_is_told(rule, labels, name, bad, severity):
    """From its limit on; without anything of it, it is healthy."""
    assert judge(rule, [(name, 0.0, labels)]) is Severity.HEALTHY
    assert judge(rule, [(name, float(bad), labels)]) is severity


def test_heat_is_judged_by_what_is_left_to_the_sensors_own_limit():
    """Six degrees are enough, four are not, and not before ten is it well again."""
    labels = {"chip": "coretemp", "sensor": "Core 0"}
    one, two, three = ([("temperature_left_celsius", left, labels)] for left in (6.0, 4.0, 9.0))
    assert judge("overheating", one) is Severity.HEALTHY
    assert judge("overheating", one, two, three) is Severity.WARNING


def test_a_disk_that_may_be_away_is_missed_only_if_it_was_there():
    """A disk for backups that is plugged in at times has `nofail`."""
    labels = {"mountpoint": "/backup", "fstype": "ext4", "nofail": "yes"}
    there, away = ([("mount_missing", value, labels)] for value in (0.0, 1.0))
    assert judge("mount_gone", away, away) is Severity.NOTICE
    assert judge("mount_gone", there, away) is Severity.WARNING
    assert judge("mount_missing", there, away) is None


def test_sectors_that_were_given_up_long_ago_open_nothing_and_more_of_them_do():
    """Some disks have had a few for years."""
    labels = {"device": "sda", "model": "m", "kind": "reallocated"}
    few, more = ([("smart_bad_sectors", count, labels)] for count in (16.0, 24.0))
    assert judge("disk_losing_sectors", *[few] * 30) is Severity.HEALTHY
    assert judge("disk_losing_sectors", *[few] * 30, more) is Severity.WARNING


def test_a_killed_program_is_told_and_old_kills_are_not():
    """The kernel counts since boot."""
    before, after = ([("oom_kills_total", count, {})] for count in (3.0, 4.0))
    assert judge("programs_killed", *[before] * 3) is Severity.HEALTHY
    assert judge("programs_killed", *[before] * 3, after) is Severity.WARNING


def test_a_silent_mount_is_told_and_one_that_was_unmounted_is_not_missed():
    """People mount and unmount them."""
    labels = {"mountpoint": "/mnt", "device": "nas:/x", "fstype": "nfs4"}
    assert judge("mount_hung", [("mount_answers", 0.0, labels)]) is Severity.CRITICAL
    assert judge("mount_hung", [("mount_answers", 1.0, labels)], []) is None


def test_a_thin_pool_that_fills_up_gets_a_date_and_one_of_zfs_is_its_file_systems_matter():
    """Ten per cent a day of what was promised to several volumes."""

    def days(kind):
        labels = {"pool": "vg/pool", "part": "data", "kind": kind}
        return [
            [("pool_free_bytes", 1e12 * (1 - hour / 240), labels), ("pool_size_bytes", 1e12, labels)]
            for hour in range(216)
        ]

    assert judge("pool_filling", *days("lvm thin")) >= Severity.WARNING
    assert judge("pool_filling", *days("zfs")) is None
