"""Errors that file systems counted."""

from collectors import disk_errors
from collectors.contract import FakeHost


def collect(host):
    """Return what one run yields by device and kind."""
    items = disk_errors.PLUGIN.build(disk_errors.DiskErrorsOptions(), host).collect(1.0)
    return {(item.labels["device"], item.labels.get("kind")): getattr(item, "value", None) for item in items}


def test_each_kind_of_error_of_each_device_is_counted(tmp_path):
    """As a 6.1 kernel writes them."""
    host = FakeHost(tmp_path).write("/sys/fs/ext4/vda1/errors_count", "4\n")
    host.write("/sys/fs/ext4/features/lazy_itable_init", "supported\n")
    stats = "write_errs 0\nread_errs 2\nflush_errs 0\ncorruption_errs 1\ngeneration_errs 0\n"
    host.write("/sys/fs/btrfs/id/devinfo/1/error_stats", stats)
    counts = collect(host)
    assert counts["vda1", "ext4"] == 4
    assert counts["id/1", "btrfs read_errs"] == 2
    assert counts["id/1", "btrfs corruption_errs"] == 1
    assert len(counts) == 6


def test_a_device_that_is_gone_has_no_counts(tmp_path):
    """That it is gone is told by the arrays."""
    host = FakeHost(tmp_path).write("/sys/fs/ext4/vda1/errors_count", "0\n")
    host.write("/sys/fs/btrfs/id/devinfo/2/error_stats/x", "").write("/sys/fs/btrfs/id/devinfo/2/missing", "1\n")
    assert collect(host) == {("vda1", "ext4"): 0}
