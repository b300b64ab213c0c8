"""The child that builds one bundle: a Request as JSON on standard input, Built as JSON on standard output.

Standard error tells the name of each source, one a line, before it is read; or at the end why there is no bundle (exit status 3).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from agent.bundle._builder import build
from agent.bundle._encryption import NotEncrypted
from agent.bundle._manifest import Request
from agent.bundle._masking import Unmaskable, make_redactor
from agent.bundle._reading import Reader
from agent.bundle._sources import load_sources
from agent.collecting import HostAccess
from agent.configuration.config import load
from agent.system.children import ChildError, run_child
from agent.system.least_important import be_least_important
from collectors import CollectorError, Completed

REFUSED = 3


def main() -> int:
    """Build it; return the exit status."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    # What it writes is bounded by `largest`; what does not fit into memory is no bundle.
    be_least_important(request.seconds, file_size=2 * request.largest + (1 << 20))
    configuration = load(request.config, parts={"collectors", "desks"})
    access = HostAccess(root=Path(configuration.settings.host.root), state=Path(request.state_dir))
    credentials = Path(request.credentials) if request.credentials else None
    try:
        sources = load_sources(configuration.settings.bundle.sources)
        redactor = make_redactor(configuration, Path(request.state_dir), access, request.names, credentials)
        reader = Reader(request, configuration.collectors, access, _run)
        built = build(request, sources, reader, redactor, _tell)
    except (Unmaskable, NotEncrypted, ValueError, OSError) as error:
        _tell(str(error))
        return REFUSED
    sys.stdout.buffer.write(msgspec.json.encode(built))
    return 0


def _run(argv: tuple[str, ...], *, timeout: float, limit: int) -> Completed:
    try:
        return run_child(argv, timeout=timeout, limit=limit)
    except ChildError as error:
        raise CollectorError(str(error)) from error


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a collector that hangs in a thread keeps nobody waiting
