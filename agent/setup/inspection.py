"""Looks at this host for `foretell init`: what runs on it and is started with it, who can reach it, what is mounted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from agent.collecting import HostAccess
from agent.setup.proposals import Seen, locale_of, units_of
from agent.system.children import ChildError, run_child
from collectors import CollectorError
from collectors._file_systems import KEEP_NOTHING, NOT_OURS, LeftOut, real_file_systems
from collectors._mounts import host_mounts
from collectors._systemd import SYSTEMCTL

_PATIENCE = 10.0  # seconds
_LISTED = ("--plain", "--no-legend", "--no-pager", "--full", "--type=service")
_RUNNING = (SYSTEMCTL, "list-units", "--state=running", *_LISTED)
_ENABLED = (SYSTEMCTL, "list-unit-files", "--state=enabled,enabled-runtime", *_LISTED)


def inspect(root: Path = Path("/")) -> Seen:
    """Return what is seen on this host; what may not be seen is simply not proposed."""
    return Seen(
        running=_units(_RUNNING),
        enabled=_units(_ENABLED),
        programs=frozenset(process.info["name"] for process in psutil.process_iter(["name"]) if process.info["name"]),
        ports=frozenset(_open_ports()),
        mounts=_mounts(),
        locale=locale_of(*(_text(root / name) for name in ("etc/locale.conf", "etc/default/locale"))),
    )


def _units(question: tuple[str, ...]) -> frozenset[str]:
    """Return what systemd lists; nothing where it does not run."""
    try:
        answer = run_child(question, timeout=_PATIENCE)
    except ChildError:
        return frozenset()
    return units_of(answer.output) if answer.status == 0 else frozenset()


def _open_ports() -> Iterator[int]:
    """Yield the TCP ports on which something listens for more than this host itself."""
    with suppress(psutil.AccessDenied):  # macOS shows them to root only
        for one in psutil.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr:
                address, port = one.laddr
                if not ipaddress.ip_address(str(address).partition("%")[0]).is_loopback:
                    yield int(port)


def _mounts() -> tuple[str, ...]:
    """Return where the file systems are that the disk collector watches by itself."""
    access = HostAccess()
    left_out = LeftOut(frozenset(KEEP_NOTHING), tuple(NOT_OURS))
    try:
        mounts, _ = host_mounts(access)
    except (CollectorError, OSError):
        return ()
    return tuple(mount.mountpoint for mount, _ in real_file_systems(mounts, left_out, access))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
