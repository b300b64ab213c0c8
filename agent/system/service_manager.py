"""What the service manager is told: that the agent is ready, lives, reads its configuration anew, or stops; and what it gives us.

systemd's protocol (sd_notify(3)): one datagram to the socket named by NOTIFY_SOCKET. Elsewhere nobody is told.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from agent.logs import get_logger

PATIENCE = 1.0  # seconds

log = get_logger()


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell the service manager `states`, each `NAME=value` as sd_notify(3) has them. Nobody listens: nothing happens.

    One that does not take it within a second is not waited for: the agent's work is not the manager's hostage.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(PATIENCE)
            channel.sendto("\n".join(states).encode(), "\0" + address[1:] if address[0] == "@" else address)
    except OSError as error:
        log.warning("the service manager could not be told", states=states, detail=str(error))


def notify_reloading() -> None:
    """Tell that the configuration is being read anew; `READY=1` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def heartbeat(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return how often, in seconds, the service manager wants to hear that we live, twice in its limit; None: it does not."""
    limit = environ.get("WATCHDOG_USEC", "")
    if not limit.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(limit) / 1e6 / 2


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder in memory that it made for us (systemd's RuntimeDirectory=); None: it made none.

    >>> runtime_folder({"RUNTIME_DIRECTORY": "/run/foretell"})
    PosixPath('/run/foretell')
    """
    first, _, _ = environ.get("RUNTIME_DIRECTORY", "").partition(":")
    return Path(first) if first else None
