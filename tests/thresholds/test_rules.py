"""The shipped rules: right on a host that nobody configured."""

import tomllib
from importlib import resources

import pytest

from agent.config import load
from agent.plugins import COLLECTORS
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
