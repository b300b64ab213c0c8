"""Started where nothing is as usual: no environment, no folder to be in, no network, no systemd, no `/proc`.

What an installed agent meets of it (modules and programs of others in PATH, PYTHONPATH and the folder it starts in, odd
languages and zones) is in `tests/deploy/test_install.py`; few descriptors and little memory are in `test_running_agent.py`.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from only import BREACHED, only
from running_agent import FORETELL, RunningAgent

pytestmark = pytest.mark.faults

#: mounts over what a plain container does not have: no systemd, no D-Bus, no journal
CONTAINER = "mount -t tmpfs x /run && mount -t tmpfs x /var/log && "
SILENCE = "mount -t tmpfs x /proc && "


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the agent under a program, with an environment; it is ended with the test."""
    config = tmp_path / "foretell.toml"
    config.write_text(BREACHED + only("memory"))
    started: list[RunningAgent] = []

    def start(*prefix: str, environment: dict[str, str]) -> RunningAgent:
        options = ["--state-dir", tmp_path / "state"]
        started.append(RunningAgent(tmp_path, config, environment, prefix=prefix, options=options))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PATH": "", "HOME": "", "LANG": "", "TZ": ""},
        {"PATH": "/nonexistent", "HOME": "/nonexistent", "LANG": "C", "LC_ALL": "C", "TZ": "Pacific/Chatham"},
        {"LANG": "zh_CN.GB18030", "TZ": ":/no/such/zone", "TMPDIR": "/nonexistent", "PYTHONIOENCODING": "latin-1"},
    ],
    ids=["none at all", "empty", "C, and no home", "another alphabet, no zone, nowhere for temporary files"],
)
def test_the_ticket_is_opened_whatever_the_environment(start, environment):
    """By the courier too, which is a child of it."""
    running = start(environment=environment)
    running.shows("Opened at local")
    assert running.stop() == 0


def test_it_may_be_started_in_a_folder_that_is_gone(start, tmp_path):
    """Or that its user may not read: it looks for nothing there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    running = start("sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh", environment=dict(os.environ))
    running.shows("Opened at local")
    assert running.stop() == 0


@pytest.mark.parametrize("loopback", ["up", "down"])
def test_without_a_network_it_works(start, loopback):
    """No address but loopback's, and not even that."""
    link = f'ip link set lo {loopback} && exec "$@"'
    running = start("unshare", "--net", "sh", "-c", link, "sh", environment=dict(os.environ))
    running.shows("Opened at local")
    assert running.stop() == 0


def test_in_a_plain_container_the_ticket_is_opened(start):
    """No service manager, no bus, no journal; it is the first process, whom only signals reach that it has asked for."""
    inside = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        "sh",
        "-c",
        CONTAINER + 'exec "$@"',
        "sh",
    ]
    running = start(*inside, environment=dict(os.environ))
    running.shows("Opened at local")
    [first] = [one for one in running.family() if one.ppid() == running.process.pid]
    first.terminate()
    assert running.process.wait(20) == 0


@pytest.mark.parametrize("hidden", [CONTAINER, CONTAINER + SILENCE], ids=["no systemd", "no /proc either"])
def test_a_check_tells_what_it_could_not_see(tmp_path, hidden):
    """Every collector that the host has, where hardly anything can be read: no traceback, no healthy reading by default."""
    config = tmp_path / "foretell.toml"
    config.write_text('[customer]\nzone = "UTC"\n')
    argv = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        hidden + 'exec "$@"',
        "sh",
        FORETELL,
        "check",
        "--json",
        "--config",
        config,
    ]
    done = subprocess.run(
        [*argv, "--state-dir", tmp_path / "state"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout)
    assert done.returncode in {1, 3}, done.stderr
    named = {one["name"] for one in told["readings"]}
    assert not any(name.startswith("service_") for name in named), "there is nothing that could know of services"
    if SILENCE in hidden:
        assert {one.get("collector") for one in told["unknown"]} >= {"cpu", "disk", "libraries", "memory"}
