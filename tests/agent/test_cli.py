"""The command line as a whole: quick, and never a traceback at a person."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli import main
from agent.commands import COMMANDS, status

# What only a command needs, and its help does not.
HEAVY = {"rich", "structlog", "sqlite3", "requests", "jinja2", "psutil", "agent.configuration.config"}


@pytest.fixture
def foretell(monkeypatch, capsys, tmp_path):
    """Return a function that runs a command; it gives status, output and errors."""
    monkeypatch.setattr("agent.logs.configure", lambda *_, **__: None)
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["foretell", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return run


def test_help_names_every_command_and_every_exit_status(foretell):
    """In the order in which they are needed, none cut off."""
    code, out, _ = foretell("--help")
    assert code == 0
    places = [out.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert not any(line.endswith("...") for line in out.splitlines()[1:])
    assert all(f" {number} " in out for number in (0, 1, 2, 3, 69, 70, 75, 77, 78))
    assert max(map(len, out.splitlines())) <= 90


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_is_not_cut_off(foretell, name):
    """Its own first sentence is longer than the line in the list."""
    code, out, _ = foretell(name, "-h")
    assert code == 0
    assert out.startswith(f"Usage: foretell {name} [OPTIONS]")
    assert not any(line.endswith("...") for line in out.splitlines()[1:])


def test_help_imports_little():
    """It answers before a person has let go of the key."""
    code = (
        "import sys, agent.cli\nsys.argv = ['foretell', '--help']\n"
        f"try: agent.cli.main()\nexcept SystemExit: sys.stderr.write(' '.join({HEAVY!r} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_the_version_is_told(foretell):
    """Name and number."""
    assert foretell("--version")[:2] == (0, "foretell, version 0.1.0\n")


@pytest.mark.parametrize(
    ("typed", "said"), [("stauts", "Did you mean `status`?"), ("zzz", "Commands: init, check, run,")]
)
def test_a_mistyped_command_is_answered_with_the_nearest(foretell, typed, said):
    """Or with all there are."""
    code, _, err = foretell(typed)
    assert code == 2
    assert f"No such command '{typed}'. {said}" in err


def break_down(*_, **__):
    """Do what nobody foresaw."""
    raise RuntimeError("a\nb")


def test_what_nobody_foresaw_is_one_line(foretell, monkeypatch):
    """With its place, and how to find out more; its status is that of no finding."""
    monkeypatch.setattr(status, "read_summary", break_down)
    code, out, err = foretell("status")
    assert (code, out) == (70, "")
    assert err.startswith("foretell: nobody foresaw this: RuntimeError: a b (test_cli.py, line ")
    assert err.endswith("; run it again with FORETELL_TRACEBACK=1 and report what it prints\n")
    assert err.count("\n") == 1


def test_the_traceback_is_there_for_who_asks(foretell, monkeypatch):
    """A report needs it."""
    monkeypatch.setattr(status, "read_summary", break_down)
    monkeypatch.setenv("FORETELL_TRACEBACK", "1")
    code, _, err = foretell("status")
    assert code == 70
    assert err.startswith("Traceback (most recent call last):")
    assert "in break_down" in err


def test_ctrl_c_is_no_mistake(foretell, monkeypatch):
    """A word, and the shell's own status for it."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "read_summary", interrupted)
    code, _, err = foretell("status")
    assert code == 130
    assert err.strip() == "Stopped."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output_is_told(tmp_path):
    """It is the shell's redirection, and no traceback."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [Path(sys.executable).with_name("foretell"), "plugins", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert ended.returncode == 70
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
