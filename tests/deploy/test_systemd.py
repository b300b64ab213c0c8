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
    unit = configparser.ConfigParser(interpolation=None, delimiters="=")
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


def test_what_only_a_person_can_mend_is_not_tried_again(service):
    """Usage, permission, configuration; another agent on the folder may go away by itself."""
    stays_down = {Exit(int(code)) for code in service["RestartPreventExitStatus"].split()}
    assert stays_down == {Exit.USAGE, Exit.NOT_PERMITTED, Exit.CONFIGURATION}


def test_nothing_in_the_unit_makes_a_reading_false(service):
    """These hide mounts, processes or kernels from the collectors."""
    falsifying = {"PrivateTmp", "PrivateDevices", "ProtectProc", "ProcSubset", "ProtectKernelModules", "DynamicUser"}
    assert falsifying & set(service) == set()
    assert service["ProtectHome"] == "read-only"
