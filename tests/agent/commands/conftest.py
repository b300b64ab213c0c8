"""The command line as people meet it: in this process where that is enough, as a process of its own where it is not."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from agent.cli import main
from agent.store import Store
from only import BREACHED, only

FORETELL = Path(sys.executable).with_name("foretell")


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """What it wrote, as JSON."""
        return msgspec.json.decode(self.out)


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """No configuration or state of the host, and nothing of this terminal."""
    monkeypatch.setattr("agent.configuration.config.DEFAULT_PATH", tmp_path / "no.toml")
    for name in ("FORETELL_CONFIG", "FORETELL_LISTEN", "FORETELL_TRACEBACK", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def foretell(monkeypatch, capsys):
    """Return a function that runs a command in this process."""
    monkeypatch.setattr("agent.logs.configure", lambda *_, **__: None)  # it is for a whole process
    monkeypatch.setattr("agent.commands.run.REPLACES_ITSELF", False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["foretell", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Ended(int(end.value.code or 0), written.out, written.err)

    return run


@pytest.fixture
def process():
    """Return a function that runs a command as a process of its own; `unprivileged`: permissions count for it, root or not."""

    def run(*arguments, unprivileged=False, **environment):
        drop = "-dac_override,-dac_read_search"
        prefix = (
            ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if unprivileged and not os.geteuid() else []
        )
        if prefix and not shutil.which("setpriv"):
            pytest.skip("needs setpriv to do without root's rights")
        ended = subprocess.run(
            [*prefix, FORETELL, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def state(tmp_path):
    """The state folder that commands find without being told."""
    return tmp_path / "state"


@pytest.fixture
def store(state):
    """The records of an agent that has run in it."""
    state.mkdir(0o700)
    with Store.open(state) as store:
        yield store


@pytest.fixture
def config(tmp_path):
    """A configuration under which every host has one problem."""
    path = tmp_path / "foretell.toml"
    path.write_text(BREACHED + only("memory"))
    return path
