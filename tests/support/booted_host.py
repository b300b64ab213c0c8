"""A Debian host of our own: a debootstrapped root, booted with its own systemd in a container without a network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

#: kept from run to run: making it fetches 90 MB
BASE = Path("/var/cache/foretell-tests/bookworm")
INCLUDED = "systemd,systemd-sysv,dbus,python3,ca-certificates,openssh-client,procps"
PATIENCE = 60.0


def missing() -> str:
    """Return why no host can be booted here; empty when one can."""
    if os.geteuid() != 0:
        return "needs root to boot a container"
    absent = [name for name in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(name)]
    return f"needs {', '.join(absent)} (apt-get install debootstrap systemd-container)" if absent else ""


def base() -> Path:
    """Return the root that hosts are copied from, made if it is not there yet."""
    if not BASE.exists():
        fresh = BASE.with_name(f"{BASE.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        argv = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", str(fresh)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        fresh.rename(BASE)
    return BASE


class BootedHost:
    """A running host; everything is done on it as root would."""

    def __init__(self, folder: Path) -> None:
        """Copy the base root into `folder` and boot it."""
        self.root = folder / "host"
        subprocess.run(["cp", "-a", str(base()), str(self.root)], check=True)
        (self.root / "etc/machine-id").write_text("uninitialized\n")
        argv = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit"]
        self._console = (folder / "console").open("wb")
        self._container = subprocess.Popen(
            [*argv, "--console=pipe", "--private-network"],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        until(lambda: bool(self._leader()))
        until(lambda: self.run("systemctl", "is-system-running", check=False).strip() in {"running", "degraded"})

    def run(self, *argv: str, check: bool = True, patience: float = PATIENCE) -> str:
        """Return what a command on the host says. Raises AssertionError with all of it when it fails, if `check`."""
        inside = ["nsenter", "--target", self._leader(), "--all", "--", "/usr/bin/env", "-i", *ENVIRONMENT, *argv]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=patience)
        assert done.returncode == 0 or not check, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        """Write a file on the host; one that is there keeps its owner and mode."""
        file = self.root / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        """Return a file of the host."""
        return (self.root / path.removeprefix("/")).read_text()

    def install(self, package: Path) -> None:
        """Install a package as an unattended administrator does."""
        shutil.copy(package, self.root / "root")
        self.run("DEBIAN_FRONTEND=noninteractive", "dpkg", "-i", f"/root/{package.name}")

    def property(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def stop(self) -> None:
        """Power it off, and leave nothing running."""
        self._container.send_signal(signal.SIGTERM)
        try:
            self._container.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()
        self._console.close()
        shutil.rmtree(self.root)

    def _leader(self) -> str:
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        assert self._container.poll() is None, "the container ended; its console says why"
        return children.read_text().split(" ", 1)[0]


ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "COLUMNS=200")


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)
