"""Real mounts on this machine, and a real systemd beside its own. Needs root on Linux."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PATIENCE = 30.0  # seconds; far more than a boot needs
CHECKOUT = Path(__file__).parents[2]


@contextlib.contextmanager
def mounted(place: Path, *arguments: str) -> Iterator[Path]:
    """Mount something at `place` for the time of the block."""
    place.mkdir(exist_ok=True)
    subprocess.run(["/bin/mount", *arguments, str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["/bin/umount", str(place)], check=True)


@contextlib.contextmanager
def booted(base: Path, units: Mapping[str, str], *, up: str) -> Iterator[str]:
    """Boot a systemd in a container over this machine's own files, with `units` (text by name) and none of the machine's.

    Yields the pid of its first process as soon as the unit `up` is active. Skips where there is no container to be had.
    """
    nspawn = shutil.which("systemd-nspawn")
    if nspawn is None or not Path("/lib/systemd/systemd").exists():
        pytest.skip("needs systemd and systemd-container")
    with contextlib.ExitStack() as stack:
        layers = stack.enter_context(mounted(base / "layers", "-t", "tmpfs", "x"))
        (layers / "upper").mkdir()
        (layers / "work").mkdir()
        stacked = f"lowerdir=/,upperdir={layers / 'upper'},workdir={layers / 'work'}"
        root = stack.enter_context(mounted(base / "root", "-t", "overlay", "-o", stacked, "overlay"))
        folder = root / "etc/systemd/system"
        wanted = folder / "multi-user.target.wants"
        shutil.rmtree(wanted, ignore_errors=True)
        wanted.mkdir()
        for name, text in units.items():
            (folder / f"{name}.service").write_text(text)
            (wanted / f"{name}.service").symlink_to(folder.relative_to(root) / f"{name}.service")
        argv = [nspawn, "-D", str(root), "-b", "--private-network", "--register=no", "--keep-unit", "--console=pipe"]
        # The checkout may lie where a container has a place of its own, as /tmp.
        argv += ["--link-journal=no", f"--bind-ro={CHECKOUT}"]
        container = subprocess.Popen(
            argv,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(container.wait, 30)
        stack.callback(container.terminate)
        yield _first_process(container.pid, up)


def inside(pid: str) -> list[str]:
    """Return the command that runs another beside the process `pid`, in all its namespaces."""
    return ["/usr/bin/nsenter", "-t", pid, "-a"]


def _first_process(nspawn: int, up: str) -> str:
    children = Path(f"/proc/{nspawn}/task/{nspawn}/children")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        pid = children.read_text(encoding="ascii").strip()
        asked = [*inside(pid), "/usr/bin/systemctl", "is-active", up]
        if pid and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return pid
        time.sleep(0.1)
    pytest.fail(f"systemd did not come up in {PATIENCE:g} s")


def package_entry(name: str, version: str, source: str = "") -> str:
    """Return an installed package as dpkg writes it into its status file."""
    built_from = f"Source: {source}\n" if source else ""
    return f"Package: {name}\nStatus: install ok installed\n{built_from}Version: {version}\n\n"
