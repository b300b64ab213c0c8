"""Software out of date: what runs, who asks for a reboot, and what an update would change, without changing anything."""

import os

import pytest

from agent.diagnosis import software
from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Unseen
from collectors import CollectorError, Completed
from real_hosts import package_entry

# As apt 2.6 wrote it: an update, a security update, a new package, one from two origins, a removal, and what is configured.
SIMULATED = """\
Remv old-lib [1.0-1]
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst liblzma5 [5.4.1-1] (5.4.1-1+deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst linux-image-6.1.0-40-amd64 (6.1.153-1 Debian-Security:12/oldstable-security [amd64])
Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
"""


@pytest.fixture
def debian(scripted):
    """Return what makes a look at a Debian whose package lists are of the given age in seconds."""

    def make(age=3600.0, answer=SIMULATED):
        look = scripted(answers={software.APT_GET: answer}).write(software.APT_GET, "")
        if age is not None:
            look.write("/var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease", "")
            os.utime(
                look.path("/var/lib/apt/lists") / "deb.debian.org_debian_dists_bookworm_InRelease", (look.at - age,) * 2
            )
        return look

    return make


def facts(found):
    """Return the facts by name."""
    return {item.name: item for item in found if isinstance(item, DiagnosisFact)}


def test_what_an_update_would_change_is_counted_and_listed(debian):
    """Updates, those for security, what comes and what goes."""
    found = list(software.updates(debian()))
    told = facts(found)
    counts = {name: told[name].value for name in told if name != "package_lists_age_seconds"}
    assert counts == {"updates_pending": 3.0, "updates_security": 3.0, "packages_new": 1.0, "packages_removed": 1.0}
    assert all(fact.whole for fact in told.values())
    [listing] = [item for item in found if isinstance(item, Detail)]
    assert listing.text.splitlines()[0] == "base-files  12.4+deb12u11 -> 12.4+deb12u15  Debian:12.15/oldstable [amd64]"
    assert listing.text.splitlines()[-1] == "old-lib  would be removed"


def test_it_is_asked_to_simulate_and_to_write_nothing(debian):
    """No lock, no cache, no log."""
    look = debian()
    list(software.updates(look))
    [asked] = look.asked
    assert asked[:2] == [software.APT_GET, "--simulate"]
    assert {
        "Debug::NoLocking=true",
        "Dir::Cache::pkgcache=",
        "Dir::Cache::srcpkgcache=",
        "Dir::Log::Planner=/dev/null",
    } <= set(asked)


@pytest.mark.parametrize("age", [30 * 86400.0, None])
def test_old_lists_make_every_count_an_at_least(debian, age):
    """What was published since is not in them."""
    found = list(software.updates(debian(age)))
    told = facts(found)
    assert not told["updates_pending"].whole
    assert [item.what for item in found if isinstance(item, Unseen)] == ["updates"]
    assert ("package_lists_age_seconds" in told) is (age is not None)


def test_apt_that_fails_says_why(debian):
    """A broken dependency, an unreadable source."""
    with pytest.raises(CollectorError, match="could not be resolved"):
        list(software.updates(debian(answer=Completed(100, "", "E: The list of sources could not be resolved.\n"))))


def test_elsewhere_than_on_debian_it_says_so(scripted):
    """Other package managers write when they are asked."""
    [unseen] = software.updates(scripted())
    assert (unseen.what, unseen.reason) == ("updates", "not_available")


def test_packages_that_ask_for_the_reboot_are_named(scripted):
    """Once each."""
    look = (
        scripted().write("/run/reboot-required", "").write("/run/reboot-required.pkgs", "linux-image\nlibc6\nlibc6\n")
    )
    found = list(software.reboot(look))
    assert [(item.name, item.value) for item in found if isinstance(item, DiagnosisFact)] == [
        ("reboot_required", 1.0),
        ("reboot_asked_by", "libc6"),
        ("reboot_asked_by", "linux-image"),
    ]


def test_where_nothing_tells_of_reboots_that_is_unseen(scripted):
    """Not "none needed"."""
    [unseen] = software.reboot(scripted())
    assert unseen.reason == "not_available"


def test_system_and_kernels_are_told(scripted):
    """The one that runs, those installed, since when it is up."""
    look = scripted().write("/etc/os-release", 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n')
    look.write("/var/lib/dpkg/info/linux-image-6.1.0-40-amd64.list", "").write("/boot/vmlinuz-6.1.0-40-amd64", "")
    told = facts(software.system(look))
    assert told["kernel_installed"].value == "6.1.0-40-amd64"
    assert told["kernel_running"].value == os.uname().release
    assert told["os_release_info"].labels["name"] == "Debian 12"
    assert {"os_support_end_timestamp_seconds", "boot_timestamp"} <= told.keys()


def test_a_product_is_told_with_whose_build_it_is_and_until_when(scripted):
    """Of the ticket's product alone, with both the supplier's day and, where another mends it, the maker's."""
    look = scripted({"product": "PostgreSQL"}).write("/etc/os-release", "ID=debian\nVERSION_ID=12\nNAME=Debian\n")
    look.write(
        "/var/lib/dpkg/status", package_entry("postgresql-13", "13.22-0+deb12u1") + package_entry("docker-ce", "27.5.1")
    )
    found = list(software.products(look))
    told = facts(found)
    assert told["software_support_end_timestamp_seconds"].labels == {
        "product": "PostgreSQL",
        "release": "13",
        "version": "13.22-0+deb12u1",
        "supplier": "Debian",
        "basis": "distribution",
    }
    assert told["software_upstream_support_end_timestamp_seconds"].labels["release"] == "13"
    [listing] = [item for item in found if isinstance(item, Detail)]
    assert listing.text.splitlines() == [
        "Docker Engine 27.5.1 by Docker (maker): 2025-05-03",
        "PostgreSQL 13.22-0+deb12u1 by Debian (distribution): 2028-06-30",
    ]


def test_services_with_old_libraries_are_named(scripted):
    """By their unit; whose libraries may not be seen is counted."""
    look = scripted().write(
        "/proc/7/maps", "7f-80 r-xp 0 08:01 5      /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n"
    )
    look.write("/proc/7/cgroup", "0::/system.slice/nginx.service\n").write("/proc/7/comm", "nginx\n")
    told = facts(software.libraries(look))
    assert told["service_with_deleted_libraries"].value == "nginx.service"
