"""Programs of the host, and none of the agent's container in their stead."""

import sys
from pathlib import Path

import pytest

from agent.diagnosis._look import Look
from agent.system.host_programs import run_program
from collectors import CollectorError

APT = "/usr/bin/apt-get"


def test_a_host_seen_from_a_container_is_not_taken_for_the_container(tmp_path):
    """Programs in there would tell of the container's packages and services; a few tell of what they are asked about."""
    with pytest.raises(CollectorError, match=rf"{APT} is not asked: .* the agent's container, not of the host"):
        run_program([APT, "--version"], root=tmp_path, timeout=5)
    with pytest.raises(CollectorError, match=f"{APT} is not asked"):
        Look({}, root=tmp_path).run([APT, "--version"], timeout=5)
    assert run_program([sys.executable, "-c", "print('asked')"], root=tmp_path, timeout=20).output == "asked\n"


def test_on_the_host_itself_every_program_is_run():
    """And what is missing is told by its name."""
    assert run_program(["/bin/sh", "-c", "echo here"], root=Path("/"), timeout=20).output == "here\n"
    with pytest.raises(CollectorError, match="/nonesuch"):
        run_program(["/nonesuch"], root=Path("/"), timeout=5)
