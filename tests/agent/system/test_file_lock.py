"""Locks on open files, and an agent that can be imported where there is no POSIX."""

import os
import subprocess
import sys

import pytest

from agent.system.file_lock import share, try_to_hold, try_to_share

# Everything is imported once as it is, so that libraries are; then our own modules again where Windows' Python has no such thing.
ON_WINDOWS = """
import ctypes, importlib, os, pkgutil, signal, sys, types

OURS = ("agent", "collectors", "thresholds", "ticketing_clients")

def names():
    for package in map(importlib.import_module, OURS):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith((".contract", ".__main__")):
                yield module.name

def import_all():
    return [importlib.import_module(name).__name__ for name in names()]

before = import_all()
for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
    del sys.modules[name]
for absent in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[absent] = None
for absent in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2"):
    delattr(signal, absent)
for absent in ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "geteuid", "getuid", "killpg", "pread", "statvfs"):
    delattr(os, absent)
os.supports_dir_fd = os.supports_fd = set()
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
ctypes.WinDLL = lambda name, **options: types.SimpleNamespace()
sys.platform = "win32"
print(import_all() == before, len(before))
"""


@pytest.fixture
def two(tmp_path):
    """Return two descriptors of one file, as two processes have them."""
    opened = [os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600) for _ in range(2)]
    yield opened
    for descriptor in opened:
        os.close(descriptor)


def test_many_may_share_and_then_nobody_holds_it_alone(two):
    """Readers beside readers, no writer."""
    share(two[0])
    try_to_share(two[1])
    with pytest.raises(BlockingIOError):
        try_to_hold(two[1])


def test_who_holds_it_alone_keeps_others_from_sharing(two):
    """Until they share it themselves."""
    try_to_hold(two[0])
    with pytest.raises(BlockingIOError):
        try_to_share(two[1])
    share(two[0])
    try_to_share(two[1])


def test_every_module_can_be_imported_where_there_is_no_posix():
    """What only Linux and macOS have is asked for where it is used. Pretended: nothing of ours was run on Windows."""
    ended = subprocess.run([sys.executable, "-c", ON_WINDOWS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    same, count = ended.stdout.split()
    assert same == "True"
    assert int(count) > 200
