"""How far a long command has come is shown to whoever watches it, and to nobody else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import recorded_year

FORETELL = Path(sys.executable).with_name("foretell")


@pytest.fixture
def commands(state, tmp_path):
    """Return commands that take their time, by what they say meanwhile."""
    state.mkdir(mode=0o700)
    recorded_year.write_year(state, disks=("/srv",))
    history = tmp_path / "history.csv"
    rows = [f"{1_772_668_800 + 60 * minute},cpu_utilization_ratio,,0.5" for minute in range(5000)]
    history.write_text("\n".join(["timestamp,name,labels,value", *rows]) + "\n")
    return {
        "Reading the history": ("report", "--out", "report.html"),
        "Replaying": ("replay", str(history)),
        "Copying the records": ("backup", "records.tar.gz", "--force"),
    }


def on_a_terminal(argv, folder):
    """Run `foretell` with a terminal to write errors to, and return what came there."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    with subprocess.Popen(
        [FORETELL, *argv], stdout=subprocess.DEVNULL, stderr=theirs, cwd=folder, env=environment
    ) as child:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how Linux tells that nobody writes to a terminal any more
            while piece := os.read(ours, 65_536):
                written += piece
        os.close(ours)
    assert child.returncode in {0, 1}
    return written.decode()


def test_a_terminal_is_shown_how_far_it_is(commands, tmp_path):
    """While it works."""
    for doing, argv in commands.items():
        assert doing in on_a_terminal(argv, tmp_path)


def test_a_file_is_not(commands, tmp_path):
    """A log of a timer has no bars in it."""
    for argv in commands.values():
        done = subprocess.run([FORETELL, *argv], capture_output=True, cwd=tmp_path, check=False, timeout=120)
        assert done.stderr == b""
