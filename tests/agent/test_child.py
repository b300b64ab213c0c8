"""How a short-lived child of the daemon begins and ends."""

import subprocess
import sys

WORK = """
import gc
import sys

AT_IMPORT = gc.isenabled()


def main():
    print(AT_IMPORT, gc.isenabled(), gc.get_freeze_count() > 0, sys.stdin.read())
    return 3
"""


def test_it_does_what_the_module_is_for_and_ends_with_its_status(tmp_path):
    """Garbage is looked for in what the work makes, and not in what it had to import."""
    (tmp_path / "work.py").write_text(WORK)
    command = [sys.executable, "-m", "agent.child", "work"]
    env = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, input="job", capture_output=True, text=True, check=False, env=env, timeout=60)
    assert (done.returncode, done.stdout) == (3, "False True True job\n")


def test_one_that_cannot_be_begun_says_why(tmp_path):
    """As any Python does."""
    command = [sys.executable, "-P", "-m", "agent.child", "agent.no_such_work"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert "No module named 'agent.no_such_work'" in done.stderr
