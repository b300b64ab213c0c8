"""Runs programs that tell of the host, and none that would tell of the agent's container instead."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from agent.system.children import ChildError, run_child
from collectors import CollectorError, Completed, StillRunning

# They tell of what they are asked about, not of the system they run in. Any other one would tell an agent in a container of its
# container's packages and services, as if they were the host's.
TELL_OF_ARGUMENTS = frozenset({"/bin/stat", "/usr/bin/stat", "/usr/bin/openssl", sys.executable})


def run_program(argv: Sequence[str], *, root: Path, timeout: float) -> Completed:
    """Run `argv` for at most `timeout` seconds. `root`: where the host's file system is to be seen.

    Raises CollectorError when it is missing, did not finish, or would not tell of the host; StillRunning where it could not
    even be ended.
    """
    if root != Path("/") and argv[0] not in TELL_OF_ARGUMENTS:
        raise CollectorError(f"{argv[0]} is not asked: it would tell of the agent's container, not of the host")
    try:
        return run_child(argv, timeout=timeout)
    except ChildError as error:
        raise StillRunning(str(error), error.is_over) if error.is_over else CollectorError(str(error)) from error
