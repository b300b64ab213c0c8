"""Pending updates: asked when something changed, and never answered from old lists."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collecting import HostAccess
from collectors import CollectorError, Completed, NotSupported, updates
from collectors._apt import Change, lists_changed, parse_simulation, simulate
from collectors._update_tools import Pending, parse_dnf, parse_rows, parse_zypper
from collectors.contract import FakeHost

DAY = 86400.0
NOW = 1_795_910_400.0  # 2026-11-29
APT = "/usr/bin/apt-get"
LIST = "/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease"
SIMULATED = """\
Remv old-lib [1.0-1]
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst liblzma5 [5.4.1-1] (5.4.1-1+deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst linux-image-6.1.0-40-amd64 (6.1.153-1 Debian-Security:12/oldstable-security [amd64])
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
"""
# As `dnf check-update` prints it, from its documentation and source.
DNF = """\

bash.x86_64                     5.2.26-3.fc40                  updates
python3-libs.x86_64             3.12.4-1.fc40                  updates
Security: kernel-core-6.9.4-200.fc40.x86_64 is an installed security update
Obsoleting Packages
new-name.noarch                 1.0-1.fc40                     updates
    old-name.noarch             0.9-1.fc40                     @updates
"""


def debian(root, age=3600.0, answer=SIMULATED):
    """Return a Debian whose lists are of this age, in seconds before NOW."""
    host = FakeHost(root, {APT: Completed(0, answer, "")}).write(APT, "").write("/var/lib/dpkg/status", "")
    host.write(LIST, "")
    os.utime(host.path(LIST), (NOW - age, NOW - age))
    return host


def values(items):
    """Return values by name; of what could not be checked the reason."""
    return {item.name: getattr(item, "value", None) if hasattr(item, "value") else item.reason for item in items}


def build(host, **options):
    """Return the collector on `host`."""
    return updates.PLUGIN.build(updates.UpdatesOptions(**options), host)


def test_what_apt_would_do_is_told_by_package():
    """What is configured only is no change; a removal has no new version."""
    assert [(one.name, bool(one.old), bool(one.new), one.security) for one in parse_simulation(SIMULATED)] == [
        ("old-lib", False, False, False),
        ("base-files", True, True, False),
        ("liblzma5", True, True, True),
        ("linux-image-6.1.0-40-amd64", False, True, True),
    ]


def test_pending_updates_are_counted_with_the_age_of_the_lists(tmp_path):
    """A new kernel is an update for security, and no update of an installed package."""
    assert values(build(debian(tmp_path)).collect(NOW)) == {
        "package_lists_timestamp_seconds": NOW - 3600.0,
        "updates_pending": 2.0,
        "updates_security": 2.0,
    }


def test_old_lists_are_no_answer(tmp_path):
    """They do not know of today's updates: not asked, and said with the cure."""
    host = debian(tmp_path, age=40 * DAY)

    read = values(build(host).collect(NOW))

    assert read["updates_pending"] == "the lists of packages are 40 days old; run apt-get update"
    assert host.asked == []
    assert values(build(host, stale_after=60 * DAY).collect(NOW))["updates_pending"] == 2.0


def test_no_lists_are_no_answer_either(tmp_path):
    """An image without lists has nothing to compare with."""
    host = FakeHost(tmp_path).write(APT, "").write("/var/lib/dpkg/status", "")

    assert "no lists" in values(build(host).collect(NOW))["updates_pending"]


def test_a_failed_update_does_not_make_lists_young(tmp_path):
    """It writes into the folder and leaves the lists; Ubuntu's stamp is written after success."""
    host = debian(tmp_path, age=40 * DAY).write("/var/lib/apt/lists/partial/x", "")
    assert lists_changed(host) == NOW - 40 * DAY

    host.write("/var/lib/apt/periodic/update-success-stamp", "")

    assert lists_changed(host) > NOW - 40 * DAY


def test_it_is_asked_again_only_when_something_changed(tmp_path):
    """The lists, or what is installed."""
    host = debian(tmp_path)
    collector = build(host)

    list(collector.collect(NOW))
    list(collector.collect(NOW + 3600))
    assert len(host.asked) == 1
    os.utime(host.path(LIST), (NOW, NOW))
    list(collector.collect(NOW + 7200))
    os.utime(host.path("/var/lib/dpkg/status"), (1, 1))
    list(collector.collect(NOW + 10800))
    assert len(host.asked) == 3


def test_a_failed_question_is_told_and_asked_again(tmp_path):
    """Another apt holds what it needs for a moment."""
    host = debian(tmp_path)
    collector = build(host)
    host.answers[APT] = Completed(100, "", "E: Could not get lock")
    assert values(collector.collect(NOW))["updates_pending"] == "E: Could not get lock"

    host.answers[APT] = Completed(0, "", "")

    assert values(collector.collect(NOW))["updates_pending"] == 0


def test_dnf_lists_a_package_a_line():
    """What it says about security in between, and what is obsolete, are no updates."""
    assert parse_dnf(DNF) == 2


def test_dnf_is_asked_offline_for_all_and_for_security(tmp_path):
    """From the documentation: status 100 says that there are updates, -C that nothing is fetched."""
    host = FakeHost(tmp_path, {"/usr/bin/dnf": Completed(100, DNF, "")}).write("/usr/bin/dnf", "")
    file = host.write("/var/cache/dnf/updates-1/repodata/repomd.xml", "").path(
        "/var/cache/dnf/updates-1/repodata/repomd.xml"
    )
    os.utime(file, (NOW, NOW))

    assert values(build(host).collect(NOW))["updates_security"] == 2.0
    assert [argv[1:] for argv in host.asked] == [
        ["-q", "-C", "check-update"],
        ["-q", "-C", "check-update", "--security"],
    ]


@pytest.mark.parametrize(
    ("output", "pending"),
    [
        ("5 patches needed (3 security patches)\n", Pending(5, 3)),
        ("1 patch needed (1 security patch)\n", Pending(1, 1)),
        ("0 patches needed (0 security patches)\n", Pending(0, 0)),
    ],
)
def test_zypper_counts_patches(output, pending):
    """From its documentation."""
    assert parse_zypper(f"Loading repository data...\nReading installed packages...\n{output}") == pending


def test_zypper_without_a_number_is_no_answer():
    """Not zero."""
    with pytest.raises(CollectorError, match="no number"):
        parse_zypper("Warning: No repositories defined.\n")


def test_apk_and_pacman_list_an_update_a_line():
    """From their documentation: a heading, and packages that somebody decided to leave alone, are no updates."""
    assert parse_rows("Installed:                Available:\nmusl-1.2.4-r2      < 1.2.5-r0\n", "<") == 1
    assert parse_rows("linux 6.9.1 -> 6.9.3\nbash 5.2 -> 5.3 [ignored]\n", "->") == 1


@given(text=st.text())
def test_no_answer_breaks_a_parser(text):
    """Whatever a program says: at most one update a line."""
    most = len(text.splitlines())
    assert len(list(parse_simulation(text))) <= text.count("\n") + 1
    assert all(isinstance(one, Change) for one in parse_simulation(text))
    assert parse_dnf(text) <= most
    assert parse_rows(text, "<") <= most


def test_a_host_without_a_package_manager_is_not_asked(tmp_path):
    """There is nothing of this kind."""
    with pytest.raises(NotSupported):
        list(build(FakeHost(tmp_path)).collect(NOW))


@pytest.mark.skipif(not Path(APT).exists(), reason="needs apt")
def test_the_real_apt_is_understood():
    """It simulates and writes nothing: every line that would install or remove is counted."""
    changes, whole = simulate(HostAccess(), 300.0)

    assert whole
    assert all(one.name for one in changes)
