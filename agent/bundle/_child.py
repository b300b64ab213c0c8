"""Starts the child that builds a bundle: least important on the host, bounded in time and memory."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from agent.bundle._manifest import Built, Request
from agent.system.children import ChildError, run_child

# What its start and end may take on a host with little time for it. Seconds.
PATIENCE = 15.0
LARGEST_ANSWER = 4 << 20
# -P: the folder it starts in brings no modules. -B: it writes none.
_ARGV = (sys.executable, "-E", "-P", "-B", "-m", "agent.bundle")


class NotBuilt(Exception):
    """There is no bundle; the message says why and, where there is one, the cure."""


def build_in_child(request: Request, progress: Callable[[str], None] = lambda _: None) -> Built:
    """Have the bundle built. `progress` hears the name of each source when its turn comes. Raises NotBuilt."""

    def hear(chunk: bytes) -> None:
        for line in chunk.decode("utf-8", "replace").splitlines():
            progress(line)

    try:
        done = run_child(
            _ARGV,
            timeout=request.seconds + PATIENCE,
            limit=LARGEST_ANSWER,
            reads=msgspec.json.encode(request),
            hears=hear,
        )
        if done.status == 0:
            return msgspec.json.decode(done.output.encode("utf-8", "surrogateescape"), type=Built)
    except (ChildError, ValueError, RecursionError) as error:
        raise NotBuilt(str(error)) from error
    raise NotBuilt(done.errors.strip().rpartition("\n")[2] or f"its child ended with status {done.status}")
