"""Makes this process the least important on the host, and bounds what it and its children may take. Only ever tightens."""

from __future__ import annotations

import contextlib
import os
import sys

import psutil

# Address space of each process; journalctl maps many files, apt its cache. Measured: docs/diagnosis.md.
MEMORY = 1 << 30
# Largest file it may write when nothing else is said: what a diagnosis remembers is one.
FILE_SIZE = 4 << 20
# Twice the depth to which directories are walked, and some.
OPEN_FILES = 2200


def be_least_important(seconds: float, *, file_size: int = FILE_SIZE) -> None:
    """Give every other process precedence, and end this one after `seconds` of processor time whatever it does.

    `file_size`: bytes of the largest file it may write.

    Not SCHED_IDLE: on a host whose processors are busy, which is when one looks, it would never come to look.
    """
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        return
    os.nice(19)
    if sys.platform == "linux":
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    _bound(seconds, file_size)
    os.umask(0o077)


def _bound(seconds: float, file_size: int) -> None:
    import resource  # noqa: PLC0415 - there is none on Windows

    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, max(1, int(seconds))),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)  # noqa: PLW2901 - never above what we were given
        with contextlib.suppress(ValueError, OSError):  # macOS knows no limit of address space
            resource.setrlimit(what, (most, most))
