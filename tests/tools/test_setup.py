"""Setting up `.venv`: when it is done anew, and what is said when the machine lacks something."""

import ast
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent.parent / "tools"


@pytest.fixture
def environment(tmp_path):
    """Return tools/environment.py as it is in a checkout of its own."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").write_text("one==1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "model.py").write_text("x = 1\n")
    source = shutil.copy(TOOLS / "environment.py", tmp_path / "tools")
    spec = importlib.util.spec_from_file_location("environment", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_changed_lock_is_noticed(environment):
    """The same state has the same digest, another lock another."""
    before = environment.fingerprint(as_wheel=False)
    assert environment.fingerprint(as_wheel=False) == before
    (environment.ROOT / "requirements" / "run.txt").write_text("one==2\n")
    assert environment.fingerprint(as_wheel=False) != before


@pytest.mark.parametrize("as_wheel", [True, False])
def test_changed_code_is_noticed_where_it_was_built(environment, as_wheel):
    """A wheel is built again, an editable install follows by itself."""
    before = environment.fingerprint(as_wheel=as_wheel)
    (environment.ROOT / "agent" / "model.py").write_text("x = 2\n")
    assert (environment.fingerprint(as_wheel=as_wheel) != before) is as_wheel


@pytest.mark.parametrize(
    ("made", "wanted", "enough"),
    [
        ("run", "run", True),
        ("dev", "dev", True),
        ("dev", "run", True),
        ("run", "dev", False),
        ("supply", "dev", True),
        ("dev", "supply", False),
        ("a word of another version", "run", False),
    ],
)
def test_what_was_made_for_work_is_enough_to_run(environment, tmp_path, made, wanted, enough):
    """`supply` holds all of `dev`, and that all of `run`, not the other way round."""
    stamp = tmp_path / "stamp"
    stamp.write_text(f"{made} abc\n")
    assert environment.satisfied(stamp, wanted, "abc") is enough
    assert not environment.satisfied(stamp, wanted, "another state")


def test_a_python_without_venv_is_told_what_to_install(environment, monkeypatch):
    """Debian keeps ensurepip in a package of its own."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(environment.Missing, match=r"no ensurepip module; cure: apt-get install python3\.\d+-venv"):
        environment.make_venv()


def test_an_index_that_cannot_be_reached_is_one_line_with_a_cure(environment, monkeypatch, capfd):
    """Pip's errors, without its warnings, and then ours."""
    told = "WARNING: Retrying\nERROR: No matching distribution found for one==1\n"
    monkeypatch.setattr(environment, "VENV", environment.ROOT)
    fake = environment.ROOT / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nprintf '%s' '{told}' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(environment.Missing, match=r"cure: .*PIP_INDEX_URL"):
        environment.pip("-r", "requirements/run.txt")
    assert capfd.readouterr().err == "ERROR: No matching distribution found for one==1\n"


def test_an_old_python_is_told_so_in_one_line(tmp_path):
    """The entry must be readable by every Python, so it is run with its version pretended."""
    pretend = "import sys; sys.version_info = (3, 9, 18); exec(compile(open(sys.argv[1]).read(), 'setup.py', 'exec'))"
    ended = subprocess.run(
        [sys.executable, "-c", pretend, str(TOOLS / "setup.py"), "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer" in ended.stderr
    assert "cure:" in ended.stderr


def test_the_entry_uses_no_syntax_that_an_old_python_cannot_read():
    """Python 3.6 is what the oldest supported systems call python3."""
    ast.parse((TOOLS / "setup.py").read_text("utf-8"), feature_version=(3, 6))
