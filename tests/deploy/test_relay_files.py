"""The examples for a relay are what the programs themselves accept."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.configuration.config import load

EXAMPLES = Path(__file__).parents[2] / "deploy" / "prometheus"


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed (Debian: prometheus-alertmanager)")
def test_alertmanager_accepts_its_example():
    said = subprocess.run(
        ["amtool", "check-config", EXAMPLES / "alertmanager.yml"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "3 receivers" in said.stdout


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed (Debian: prometheus-alertmanager)")
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=ForetellAlive", "host=web01", "site=berlin"], "silent-hosts"),
        (["alertname=ForetellAlive", "foretell_key=a", "rule=alive"], "foretell"),
        (["alertname=ForetellDiskSpace", "foretell_key=a", "rule=disk_space"], "foretell"),
        (["alertname=ForetellHostsNotReporting", "ticket=yes", "site=berlin"], "foretell"),
        (["alertname=SomebodyElses"], "nobody"),
    ],
)
def test_what_goes_to_the_relay_and_what_does_not(labels, receiver):
    """That an agent lives is no ticket; what a rule called alive finds is one."""
    argv = ["amtool", "config", "routes", "test", "--config.file", EXAMPLES / "alertmanager.yml", *labels]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == receiver


def test_the_relay_accepts_its_example():
    configuration = load(EXAMPLES / "relay.toml", parts={"desks"})
    assert configuration.settings.delivery.desk in configuration.desks
    assert configuration.notes == ()
