"""The state folder: private, and held by one agent at a time."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from agent.store import Store
from agent.system.folder import FolderInUse, FolderUnusable, StateFolder, is_in_use, lock

HOLDER = """
import sys, time
from pathlib import Path
from agent.system.folder import StateFolder
with StateFolder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    """Return where the folder is to be."""
    return tmp_path / "var" / "foretell"


@pytest.fixture
def holder(path):
    """Return another process that holds the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_missing_folder_is_made_for_its_owner_only(path):
    """With its parents, whatever the umask."""
    with StateFolder(path) as folder:
        assert folder.path == path
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_second_agent_is_refused_and_told_who_was_first(path, holder):
    """The first goes on undisturbed."""
    assert is_in_use(path)
    with pytest.raises(FolderInUse, match=rf"{path} is in use by another process \(pid {holder.pid}\)"):
        StateFolder(path)
    assert is_in_use(path)


def test_a_killed_agent_leaves_the_folder_free(path, holder):
    """The lock is the kernel's, and ends with the process."""
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    assert not is_in_use(path)
    with StateFolder(path):
        assert is_in_use(path)
    assert not is_in_use(path)


def test_looking_whether_it_is_in_use_changes_nothing(tmp_path):
    """`foretell status` leaves no trace."""
    assert not is_in_use(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_locks_with_different_names_do_not_meet(path):
    """The courier's lock is not the agent's, nor the records' own."""
    with StateFolder(path) as folder, Store.open(path), lock(folder.path, "courier.lock"):
        with pytest.raises(FolderInUse), lock(folder.path, "courier.lock"):
            pass
        with pytest.raises(FolderInUse):
            StateFolder(path)
    with lock(path, "courier.lock"):
        pass


def test_a_folder_that_others_may_write_is_refused(path):
    """Whoever may write there could exchange the records."""
    path.mkdir(parents=True)
    path.chmod(0o777)
    with pytest.raises(FolderUnusable, match=f"can be written by others.*chmod go-w {path}"):
        StateFolder(path)
    assert list(path.iterdir()) == []


def test_a_file_in_its_place_is_named(path):
    """A typing mistake gets a clear line."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(FolderUnusable, match="is not a folder"):
        StateFolder(path)
    with pytest.raises(FolderUnusable, match="cannot be made"):
        StateFolder(path / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_somebody_who_may_not_use_it_is_told_how_to_mend_it(path):
    """Neither making it nor taking hold of it ends in a traceback."""
    path.mkdir(parents=True, mode=0o755)
    code = """
import os, sys
from pathlib import Path
from agent.system.folder import FolderUnusable, StateFolder
os.seteuid(65534)
for path in (sys.argv[1], sys.argv[1] + "/below"):
    try:
        StateFolder(Path(path))
    except FolderUnusable as error:
        print(error)
"""
    for parent in path.parents:
        if parent.owner() == "root" and stat.S_IMODE(parent.stat().st_mode) == 0o700:
            parent.chmod(0o711)
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    held, made = run.stdout.splitlines()
    assert held.startswith(f"{path}/agent.lock cannot be opened (Permission denied); run as the folder's owner")
    assert made.startswith(f"{path}/below cannot be made (Permission denied)")
    assert f"install -d -m 0700 -o USER {path}/below" in made
