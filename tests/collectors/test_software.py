"""Release, end of support, kernels and reboot."""

import os
from datetime import UTC, date, datetime

import pytest

from collectors import Completed, software
from collectors._catalogue import Catalogue, Product, Release
from collectors._kernels import Kernel, is_outdated, parse_dpkg, parse_rpm
from collectors._os_support import Support, combine, from_catalogue, from_distro_info, parse_os_release
from collectors.contract import FakeHost

DEBIAN_CSV = """version,codename,series,created,release,eol,eol-lts,eol-elts
1.1,Buzz,buzz,1993-08-16,1996-06-17,1997-06-05
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30
14,Forky,forky,2025-08-09
"""
UBUNTU_CSV = """version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy
24.04 LTS,Noble Numbat,noble,2023-10-12,2024-04-25,2029-05-31,2029-05-31,2034-04-25,2036-04-29
"""
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n# a comment\n\nID=debian\n'


def collector(host, running="6.1.0-18-amd64"):
    """Return a collector on `host`, which runs the kernel `running`."""
    return software.SoftwareCollector(software.SoftwareOptions(), host, lambda: running)


def values(items):
    """Return what one run yields by name; what could not be checked has its reason as value."""
    return {item.name: getattr(item, "value", None) if hasattr(item, "value") else item.reason for item in items}


def midnight(text):
    """Return the unix seconds of the day `text` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_os_release_is_read_with_its_quotes():
    """Values may be quoted as in a shell."""
    assert parse_os_release(DEBIAN)["PRETTY_NAME"] == "Debian GNU/Linux 12 (bookworm)"


def test_the_day_that_counts_for_debian_is_the_end_of_long_term_support():
    """Debian 12's regular support ended in 2026; nothing has to be done before the free long-term support ends."""
    support = from_distro_info(DEBIAN_CSV, "12")
    assert support == Support(date(2026, 7, 11), date(2028, 6, 30))
    assert support.last_day == date(2028, 6, 30)


def test_paid_extensions_do_not_count():
    """Ubuntu Pro prolongs by years, for those who have it."""
    assert from_distro_info(UBUNTU_CSV, "24.04").last_day == date(2029, 5, 31)


@pytest.mark.parametrize("version", ["14", "99", ""])
def test_a_release_without_dates_is_unknown(version):
    """A release not out yet, or not in the table."""
    assert from_distro_info(DEBIAN_CSV, version).last_day is None


def test_the_catalogue_knows_a_system_by_its_release_file():
    """Release 9.4 is a point release of 9, and 90 is not; CentOS Stream goes before the CentOS of old."""
    rocky = Product("Rocky Linux", "", {"9": Release(date(2032, 5, 31)), "9.1": Release(date(2023, 5, 16))})
    stream = Product("CentOS Stream", "", {"8": Release(date(2024, 5, 31))})
    old = Product("CentOS", "", {"8": Release(date(2021, 12, 31)), "7": Release(date(2024, 6, 30))})
    products = {"rocky-linux": rocky, "centos-stream": stream, "centos": old}
    catalogue = Catalogue(format=1, taken=date(2026, 8, 22), source="", products=products)
    assert from_catalogue(catalogue, "rocky", "9.4").last_day == date(2032, 5, 31)
    assert from_catalogue(catalogue, "rocky", "9.1").last_day == date(2023, 5, 16)
    assert from_catalogue(catalogue, "rocky", "90").last_day is None
    assert from_catalogue(catalogue, "centos", "8").last_day == date(2024, 5, 31)
    assert from_catalogue(catalogue, "centos", "7").last_day == date(2024, 6, 30)
    assert from_catalogue(catalogue, "other", "9").last_day is None


def test_the_first_source_that_knows_a_date_wins():
    """An old distro-info without a long-term date is completed by the next source."""
    old = Support(date(2026, 6, 10))
    assert combine([old, Support(), Support(date(2026, 7, 11), date(2028, 6, 30))]) == Support(
        date(2026, 6, 10), date(2028, 6, 30)
    )


def test_end_of_support_is_told_as_a_date(tmp_path):
    """Both days, at midnight UTC."""
    read = values(collector(FakeHost(tmp_path).write("/etc/os-release", DEBIAN)).collect(1.0))
    assert read["os_support_end_timestamp_seconds"] == midnight("2028-06-30")
    assert read["os_regular_support_end_timestamp_seconds"] == midnight("2026-07-11")


def test_support_end_of_the_system_itself_is_believed_before_the_table(tmp_path):
    """Fedora knows its own end better than a table of last summer."""
    host = FakeHost(tmp_path).write("/etc/os-release", "ID=fedora\nVERSION_ID=43\nSUPPORT_END=2026-12-16\n")
    assert values(collector(host).collect(1.0))["os_support_end_timestamp_seconds"] == midnight("2026-12-16")


def test_a_rolling_release_has_no_end(tmp_path):
    """Without a version there is nothing that could end."""
    read = values(collector(FakeHost(tmp_path).write("/etc/os-release", "ID=arch\n")).collect(1.0))
    assert "os_support_end_timestamp_seconds" not in read
    assert read["os_release_info"] == 1


def test_an_unknown_system_could_not_be_checked(tmp_path):
    """Silence would read as healthy."""
    host = FakeHost(tmp_path).write("/etc/os-release", "ID=homemade\nVERSION_ID=3\nNAME=Homemade\n")
    assert "Homemade" in values(collector(host).collect(1.0))["os_support_end_timestamp_seconds"]


@pytest.mark.parametrize(
    ("release", "flavour"),
    [
        ("6.1.0-18-amd64", "amd64"),
        ("6.1.0-18-cloud-amd64", "cloud-amd64"),
        ("6.1.0-18-686-pae", "686-pae"),
        ("6.1.0-0.deb11.17-amd64", "amd64"),
        ("6.12.43+deb13-cloud-amd64", "cloud-amd64"),
        ("5.15.0-105-generic", "generic"),
    ],
)
def test_the_flavour_of_a_kernel_is_what_follows_its_version(release, flavour):
    """Names of Debian and Ubuntu kernels."""
    assert parse_dpkg([f"linux-image-{release}.list"], [f"vmlinuz-{release}"]) == [Kernel(release, flavour)]


def test_a_kernel_is_installed_when_dpkg_and_boot_agree():
    """A removed package keeps its list, a kernel built by hand has none, a meta-package has no image."""
    lists = ["linux-image-6.1.0-17-amd64.list", "linux-image-unsigned-6.1.0-18-amd64.list", "linux-image-amd64.list"]
    images = ["vmlinuz-6.1.0-18-amd64", "vmlinuz-6.9.0-custom"]
    assert [kernel.release for kernel in parse_dpkg(lists, images)] == ["6.1.0-18-amd64"]


@pytest.mark.parametrize(
    ("running", "newest", "outdated"),
    [
        ("6.1.0-9-amd64", "6.1.0-18-amd64", True),
        ("6.1.0-18-amd64", "6.1.0-9-amd64", False),
        ("6.1.0-40-amd64", "6.12.43+deb13-amd64", True),
        ("6.1.0-9-amd64", "6.1.0-18-cloud-amd64", False),
    ],
)
def test_a_kernel_is_outdated_by_a_newer_one_of_its_flavour(running, newest, outdated):
    """Numbers compare as numbers, and a cloud kernel does not replace a full one."""
    names = [running, newest]
    installed = parse_dpkg([f"linux-image-{name}.list" for name in names], [f"vmlinuz-{name}" for name in names])
    assert is_outdated(running, installed) is outdated


def test_a_kernel_without_a_package_says_nothing():
    """In a container or a microVM the kernel is not the system's own."""
    assert is_outdated("6.18.44-fc", [Kernel("6.1.0-18-amd64", "amd64")]) is None


def test_rpm_kernels_compare_as_rpm_does():
    """A number is newer than a word: 362.8.1.el9 follows 362.el9."""
    output = "kernel-core 5.14.0 362.el9 x86_64\nkernel-core 5.14.0 362.8.1.el9_3 x86_64\nkernel-rt-core 5.14.0 570.el9 x86_64\n"
    installed = parse_rpm(output)
    assert is_outdated("5.14.0-362.el9.x86_64", installed) is True
    assert is_outdated("5.14.0-362.8.1.el9_3.x86_64", installed) is False


def test_suse_leaves_the_rebuild_number_out():
    """Uname says 6.4.0-150600.23.47-default where rpm says 150600.23.47.2."""
    installed = parse_rpm("kernel-default 6.4.0 150600.23.47.2 x86_64\nkernel-default 6.4.0 150600.23.50.1 x86_64\n")
    assert is_outdated("6.4.0-150600.23.47-default", installed) is True
    assert is_outdated("6.4.0-150600.23.50-default", installed) is False


def test_rpm_says_that_nothing_provides_a_kernel():
    """Its sentence is not a kernel."""
    assert parse_rpm("no package provides kernel\n") == []


def test_a_missing_note_proves_nothing_without_its_writer(tmp_path):
    """Debian has no hook by default: no reading, rather than `no reboot needed`."""
    host = FakeHost(tmp_path).write("/etc/os-release", DEBIAN)
    assert "reboot_required" not in values(collector(host).collect(1.0))
    host.write("/etc/kernel/postinst.d/unattended-upgrades", "#!/bin/sh\n")
    assert values(collector(host).collect(1.0))["reboot_required"] == 0
    host.write("/run/reboot-required", "*** System restart required ***\n")
    assert values(collector(host).collect(1.0))["reboot_required"] == 1


def test_dnf_is_asked_where_it_can_tell(tmp_path):
    """needs-restarting -r exits 1 when a reboot is needed."""
    host = FakeHost(tmp_path, {"/usr/bin/needs-restarting": Completed(1, "Reboot is required", "")})
    host.write("/etc/os-release", DEBIAN).write("/usr/bin/needs-restarting", "")
    assert values(collector(host).collect(1.0))["reboot_required"] == 1


def test_rpm_is_asked_again_only_when_a_source_changed(tmp_path):
    """A question to the package database costs a child; an unchanged one costs a look at its files."""
    host = FakeHost(tmp_path, {"/usr/bin/rpm": Completed(0, "kernel-core 5.14.0 362.el9 x86_64\n", "")})
    host.write("/usr/bin/rpm", "").write("/etc/os-release", "ID=rocky\nVERSION_ID=9.4\n").write(
        "/var/lib/rpm/rpmdb.sqlite", ""
    )
    one = collector(host, "5.14.0-362.el9.x86_64")
    first, second = list(one.collect(1.0)), list(one.collect(2.0))
    assert [item.name for item in second] == [item.name for item in first]
    assert {item.at for item in second} == {2.0}
    assert len(host.asked) == 1
    os.utime(host.path("/var/lib/rpm/rpmdb.sqlite"), (1, 1))
    list(one.collect(3.0))
    assert len(host.asked) == 2
