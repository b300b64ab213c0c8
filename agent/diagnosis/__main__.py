"""The child that makes one diagnosis: a Request as JSON on standard input, a Diagnosis as JSON on standard output."""

from __future__ import annotations

import os
import sys

import msgspec

from agent.diagnosis._diagnosis import Request
from agent.diagnosis._runner import run
from agent.system.least_important import be_least_important


def main() -> None:
    """Make it and leave at once, even if a step hangs."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    be_least_important(request.seconds)
    sys.stdout.buffer.write(msgspec.json.encode(run(request)))
    sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
