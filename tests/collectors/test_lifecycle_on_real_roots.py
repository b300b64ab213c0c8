"""Which tickets real Debian systems get about their software: those that are due by Debian's own dates, and no other."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.collecting import HostAccess
from agent.configuration.config import load
from collectors import CouldNotCheck, Reading, packages, software
from real_hosts import package_entry
from thresholds import Judge, Severity

# On this day Debian 11's free support is over, 12 is in its long-term support, 13 in its regular one.
NOW = datetime(2026, 11, 29, tzinfo=UTC).timestamp()
MIRROR = "http://deb.debian.org/debian"
# Products whose makers have ended what one of these releases has: Debian mends them all the same.
SERVERS = ("php-cli", "nginx-light", "redis-server", "nodejs", "openssl")
RULES = [(rule, threshold) for rule, threshold in load(environ={}, parts={"rules"}).rules if rule.type == "lifecycle"]


def looked_at(root):
    """Return what the collectors of software say of the system below `root`."""
    access = HostAccess(root=Path(root), state=Path(root) / "nothing")
    return [
        item
        for plugin in (software.PLUGIN, packages.PLUGIN)
        for item in plugin.build(plugin.options(), access).collect(NOW)
    ]


def tickets(items):
    """Return rule, subject and day of every finding that opens a ticket."""
    readings = [item for item in items if isinstance(item, Reading)]
    unchecked = [item for item in items if isinstance(item, CouldNotCheck)]
    findings, _ = Judge(RULES).judge(readings, unchecked, NOW)
    return [
        (one.rule, one.subject.get("product", ""), f"{datetime.fromtimestamp(one.evidence['value'], UTC):%Y-%m-%d}")
        for one in findings
        if one.severity >= Severity.WARNING
    ]


def ended_upstream(items):
    """Return the products whose maker's support was over by NOW while their distributor's is not."""
    name = "software_upstream_support_end_timestamp_seconds"
    return {item.labels["product"] for item in items if item.name == name and item.value < NOW}


@pytest.fixture
def debian(tmp_path):
    """Return what installs a Debian release with servers below a folder; it skips loudly where that is not to be had."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and debootstrap")

    def make(release):
        command = ["debootstrap", "--variant=minbase", f"--include=debian-security-support,{','.join(SERVERS)}"]
        done = subprocess.run(
            [*command, release, str(tmp_path / release), MIRROR], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 and "Failed getting release" in done.stdout + done.stderr:
            pytest.skip(f"needs {MIRROR}")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return tmp_path / release

    yield make
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.collect
@pytest.mark.parametrize(
    ("release", "due"),
    [("bullseye", [("os_support_end", "", "2026-08-31")]), ("trixie", [])],
)
def test_a_real_debian_gets_the_tickets_that_are_due(debian, release, due):
    """Debian 11's long-term support ended on 2026-08-31, by Debian's own table; none of its packages is a matter by itself."""
    items = looked_at(debian(release))

    assert tickets(items) == due
    assert ended_upstream(items), "nothing here tells Debian's dates from the makers'"
    assert next(item.value for item in items if item.name == "packages_installed") > 100
    assert not [item for item in items if isinstance(item, CouldNotCheck)]


@pytest.mark.skipif(
    'VERSION_ID="12"' not in Path("/etc/os-release").read_text("utf-8") if Path("/etc/os-release").exists() else True,
    reason="needs Debian 12",
)
def test_this_debian_12_gets_tickets_for_foreign_builds_only():
    """In its long-term support it is supported; whatever is due here was built by its maker, or given up by Debian."""
    items = looked_at("/")

    assert "os_support_end" not in {rule for rule, _, _ in tickets(items)}
    foreign = {item.labels["product"] for item in items if item.labels.get("basis") in {"maker", "withdrawn"}}
    assert {product for _, product, _ in tickets(items)} <= foreign


FOREIGN = {
    # Written from the documented formats of each package manager, with the versions that these releases had.
    "ubuntu": (
        'ID=ubuntu\nVERSION_ID="22.04"\nNAME=Ubuntu\n',
        "/var/lib/dpkg/status",
        package_entry("php8.1-fpm", "8.1.2-1ubuntu2.22") + package_entry("nodejs", "18.20.8-1nodesource1"),
        [("software_support_end", "Node.js", "2025-04-30")],
    ),
    "alpine": (
        "ID=alpine\nVERSION_ID=3.20.3\nNAME=Alpine\n",
        "/lib/apk/db/installed",
        "P:postgresql13\nV:13.18-r0\n\nP:nginx\nV:1.26.3-r0\n\n",
        [("os_support_end", "", "2026-04-01")],
    ),
    "alpine without a ticket": (
        "ID=alpine\nVERSION_ID=3.23.0\nNAME=Alpine\n",
        "/lib/apk/db/installed",
        "P:nginx\nV:1.28.0-r0\n\n",
        [],
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_systems_get_the_tickets_that_are_due(tmp_path, name):
    """Ubuntu 22.04 is supported until 2027, Alpine 3.20 is not; PHP and PostgreSQL there are the distributions'."""
    release, place, text, due = FOREIGN[name]
    for absolute, content in (("/etc/os-release", release), (place, text)):
        path = tmp_path / absolute.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    assert tickets(looked_at(tmp_path)) == due


@pytest.mark.parametrize(
    ("release", "listed", "due"),
    [
        (
            'ID=rocky\nVERSION_ID="9.4"\nNAME="Rocky Linux"\n',
            "postgresql-server\t0:13.20-1.el9_5\npostgresql13-server\t0:13.20-1PGDG.rhel9\ndocker-ce\t3:29.0.1-1.el9\n",
            [("software_support_end", "PostgreSQL", "2025-11-13")],
        ),
        (
            "ID=fedora\nVERSION_ID=43\nSUPPORT_END=2026-12-09\nNAME=Fedora\n",
            "nodejs\t1:22.11.0-1.fc43\n",
            [("os_support_end", "", "2026-12-09")],
        ),
    ],
)
def test_rpm_systems_get_the_tickets_that_are_due(tmp_path, monkeypatch, release, listed, due):
    """Rocky mends its PostgreSQL 13, PostgreSQL no longer; Fedora says itself when it ends."""
    from collectors import Completed  # noqa: PLC0415 - what the stand-in for rpm answers

    monkeypatch.setattr(HostAccess, "run", lambda *_, **__: Completed(0, listed, ""))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(release)
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm/rpmdb.sqlite").write_text("")

    assert tickets(looked_at(tmp_path)) == due
