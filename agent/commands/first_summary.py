"""The child that prints what the daemon's first cycle saw: `python -m agent.commands.first_summary ADDRESS`, Snapshot on stdin.

A child, so that the library that draws tables never lives in the daemon.
"""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from agent.status import Snapshot
from agent.terminal import show_first_cycle


def main() -> None:
    """Print the snapshot on standard input (MessagePack: unlike JSON it has NaN)."""
    snapshot = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Snapshot)
    show_first_cycle(Console(), snapshot, sys.argv[1])


if __name__ == "__main__":
    main()
