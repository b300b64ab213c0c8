"""The systemd unit: valid, and of one mind with the exit codes."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.commands.exits import Exit

UNIT = Path(__file__).parent.parent.parent / "deploy" / "systemd" / "foretell.service"


@pytest.fixture
def service():
    """Return the unit's [Service] section."""
    unit = configparser.ConfigParser(interpolation=None, delimiters="=", strict=False)
    unit.optionxform = str
    unit.read(UNIT)
    return unit["Service"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_understands_every_line(tmp_path):
    """Not a word about our unit, once the program it names is there."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/foretell/bin/foretell", "/bin/true"))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    ).stderr
    assert [line for line in told.splitlines() if UNIT.name in line] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("name", ["foretell-privileged.service", "foretell-privileged.timer"])
def test_systemd_understands_what_root_runs(tmp_path, name):
    """The timer with the service that it starts."""
    for unit in UNIT.parent.glob("foretell-privileged.*"):
        text = unit.read_text().replace("/usr/lib/foretell/foretell-privileged", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    argv = ["systemd-analyze", "verify", "--man=no", tmp_path / name]
    told = subprocess.run(argv, capture_output=True, text=True, check=False).stderr
    assert [line for line in told.splitlines() if "foretell-privileged" in line] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_root_may_do_no_more_than_reading_takes():
    """By systemd's own reckoning 2.5; what is open are the disks and four capabilities."""
    unit = UNIT.parent / "foretell-privileged.service"
    argv = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25", unit]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout.splitlines()[-1]


def test_what_only_a_person_can_mend_is_not_tried_again(service):
    """Usage, permission, configuration; another agent on the folder may go away by itself."""
    stays_down = {Exit(int(code)) for code in service["RestartPreventExitStatus"].split()}
    assert stays_down == {Exit.USAGE, Exit.NOT_PERMITTED, Exit.CONFIGURATION}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_is_as_closed_as_it_is_said_to_be():
    """By systemd's own reckoning at most 1.6, where 10 is open to everything."""
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=16", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout.splitlines()[-1]


def test_nothing_in_the_unit_makes_a_reading_false(service):
    """These hide mounts, processes or kernels from the collectors."""
    falsifying = {"ProtectProc", "ProcSubset", "PrivateUsers", "PrivateNetwork", "DynamicUser"}
    assert falsifying & set(service) == set()
    assert service["ProtectHome"] == "read-only"
