"""The whole child on a real file system that fills, on a real systemd whose services fail, and without rights. Needs root."""

import os
import subprocess
import sys
import time

import msgspec
import pytest

from agent.diagnosis import Diagnosis, Request
from agent.diagnosis._child import _ARGV
from agent.system.children import ENVIRONMENT
from real_hosts import booted, inside, mounted

PATIENCE = 120.0  # seconds; far more than any of these needs
UNPRIVILEGED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
BAD = r"""
[Service]
ExecStart=/bin/sh -c 'printf "weird \\377 \\033[31m line\\n"; echo cannot open /srv/data >&2; exit 3'
"""
NEEDS = "[Unit]\nRequires=bad.service\nAfter=bad.service\n[Service]\nExecStart=/bin/sleep infinity\n"
STEADY = "[Service]\nExecStart=/bin/sleep infinity\n"

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root on Linux"),
]


@pytest.fixture
def unprivileged():
    """Return what makes a command an ordinary user's; skip where such a user may not even read the agent's files."""
    probe = [*UNPRIVILEGED, sys.executable, "-P", "-c", "import agent.diagnosis"]
    if subprocess.run(probe, capture_output=True, cwd="/", check=False).returncode:
        pytest.skip("an ordinary user may not read this checkout; put it where everybody can")
    return UNPRIVILEGED


def asked(request, *through):
    """Return what the child answers, started by the command `through`."""
    done = subprocess.run(
        [*through, *_ARGV],
        input=msgspec.json.encode(request),
        capture_output=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=Diagnosis)


def facts(diagnosis, name):
    """Return the facts of one name: what they are about, and how much."""
    return {tuple(fact.labels.values()): fact.value for fact in diagnosis.facts if fact.name == name}


def test_a_real_disk_is_seen_whole_and_nothing_beyond_it(tmp_path):
    """Inodes and bytes, each where they are; what is mounted inside is not of it."""
    image, place = tmp_path / "disk.img", tmp_path / "mnt"
    image.touch()
    os.truncate(image, 64 << 20)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-N", "4096", str(image)], check=True)
    with mounted(place, "-o", "loop", str(image)):
        for name, count in (("a", 1000), ("b", 700)):
            (place / "sessions" / name).mkdir(parents=True)
            for number in range(count):
                (place / "sessions" / name / f"{number}").touch()
        (place / "app.log").write_bytes(os.urandom(20 << 20))
        with mounted(place / "inner", "-t", "tmpfs", "none"):
            (place / "inner/other").write_bytes(os.urandom(9 << 20))
            eaten = asked(Request(id="disk_inodes", subject={"mountpoint": str(place)}))
            full = asked(Request(id="disk_space", subject={"mountpoint": str(place)}))
    assert facts(eaten, "path_files") == {(f"{place}/sessions/a",): 1001.0, (f"{place}/sessions/b",): 701.0}
    assert facts(full, "path_bytes") == {(f"{place}/app.log",): 20 << 20}
    assert facts(full, "bytes_seen_ratio")[()] > 0.9
    assert (eaten.whole, full.whole) == (True, True)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """Boot a systemd with a service that fails and one that needs it; yield the command that runs another there."""
    units = {"bad": BAD, "needs": NEEDS, "steady": STEADY}
    with booted(tmp_path_factory.mktemp("nspawn"), units, up="steady") as pid:
        until = time.monotonic() + PATIENCE
        question = [*inside(pid), "/usr/bin/systemctl", "is-failed", "bad"]
        while subprocess.run(question, capture_output=True, check=False).returncode and time.monotonic() < until:
            time.sleep(0.1)
        yield inside(pid)


def test_a_failed_service_tells_its_story(system):
    """How it ended, and its last lines, made harmless."""
    found = asked(Request(id="service_failed", subject={"unit": "bad.service"}), *system)
    assert facts(found, "unit_result") == {("bad.service",): "exit-code"}
    assert facts(found, "exit_status") == {("bad.service",): 3.0}
    [journal] = [detail for detail in found.details if detail.consent == "logs"]
    assert r"weird \xff \x1b[31m line" in journal.text
    assert "cannot open /srv/data" in journal.text
    assert found.whole


def test_the_service_that_another_needs_is_named(system):
    """When it is the one that does not work."""
    found = asked(Request(id="service_failed", subject={"unit": "needs.service"}), *system)
    assert facts(found, "dependency_state") == {("bad.service", "needs.service"): "failed"}
    assert ("bad.service",) not in facts(found, "exit_status")
    assert facts(asked(Request(id="generic"), *system), "units_failed")[()] >= 1


def test_without_rights_the_state_is_told_and_the_journal_is_not(system, unprivileged):
    """And it is said that it is closed."""
    found = asked(Request(id="service_failed", subject={"unit": "bad.service"}), *system, *unprivileged)
    assert facts(found, "unit_result") == {("bad.service",): "exit-code"}
    assert [(one.what, one.reason) for one in found.unseen] == [("journal", "not_permitted")]


def test_what_an_ordinary_user_may_not_see_of_this_machine_is_counted(unprivileged):
    """Nobody is named whom that could exceed."""
    found = asked(Request(id="disk_space", subject={"mountpoint": "/"}, seconds=20.0), *unprivileged)
    counted = {one.what: one.count for one in found.unseen if one.reason == "not_permitted"}
    assert counted["processes"] > 0
    assert not found.whole
    unseen = facts(found, "used_bytes")[()] * (1 - facts(found, "bytes_seen_ratio")[()])
    assert all(amount > 0.999 * unseen for amount in facts(found, "path_bytes").values())
