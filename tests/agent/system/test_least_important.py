"""A process that gives everybody else precedence, and is bounded in all that it takes."""

import os
import sys

import psutil
import pytest

from agent.system.children import run_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's ways")


def told_by(code):
    """Return what a child says that made itself unimportant first."""
    code = f"from agent.system.least_important import be_least_important\nbe_least_important(60)\n{code}"
    done = run_child([sys.executable, "-P", "-c", code], timeout=60)
    assert done.status == 0, done.errors
    return done.output.split()


def test_everybody_else_goes_first():
    """On the processors, at the disks."""
    code = (
        "import os, psutil; print(os.nice(0), *map(int, (psutil.Process().ionice().ioclass, os.sched_getscheduler(0))))"
    )
    assert told_by(code) == ["19", str(int(psutil.IOPRIO_CLASS_IDLE)), str(os.SCHED_BATCH)]


def test_what_it_can_take_is_bounded():
    """Memory, time, files it holds and writes, and so for what it starts."""
    code = """
import resource as r, subprocess, sys
show = 'import resource as r; print(*[r.getrlimit(w)[1] for w in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)])'
print(subprocess.run([sys.executable, '-I', '-S', '-c', show], capture_output=True, text=True).stdout)
try: bytearray(2 << 30)
except MemoryError: print('refused')
"""
    assert told_by(code) == [str(1 << 30), "60", str(4 << 20), "0", "refused"]
