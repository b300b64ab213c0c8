"""A host to measure on: 50 file systems, 150 services and 1,500 packages, whatever the machine is like on which that happens.

They are there in namespaces of this program's own and gone with it: file systems on loop devices, a package list with simulated
packages behind the real ones, and, where no systemd runs, a stand-in for systemctl that answers for services which do not exist
(what systemd itself spends on its answers is not seen then).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

INSIDE = "FORETELL_BENCH_INSIDE"
STATUS = Path("/var/lib/dpkg/status")
SYSTEMCTL = Path("/usr/bin/systemctl")
STARTS = Path("/run/systemd/units")  # where it leaves the id of each unit's last start, as a link
SYSTEMD_RUNS = Path("/run/systemd/system")  # there is such a folder where it does (sd_booted(3))
_PACKAGE = """Package: simulated-{number}
Status: install ok installed
Priority: optional
Section: misc
Installed-Size: 120
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Version: 1.{number}-1
Description: simulated package {number}
 There is nothing in it.

"""
_UNIT = """Id={name}
Names={name}
LoadState=loaded
ActiveState=active
SubState=running
NRestarts=0
StateChangeTimestampMonotonic=4242424242
Result=success
ExecMainExitTimestampMonotonic=0
ConditionResult=yes
ConditionTimestampMonotonic=4242424242

"""
_STAND_IN = """#!/bin/sh
case "$*" in
list-units*) exec cat {folder}/listed ;;
*--property=Id,Names*simulated-*) exec cat {folder}/shown ;;
esac
"""


def enter() -> None:
    """Go on in mount and process namespaces of our own: this program begins anew there. Ends it where that is not permitted."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0 or not shutil.which("unshare"):
        sys.exit("foretell: the host is made of mounts, which takes root and unshare (util-linux)")
    argv = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, *sys.argv]
    with tempfile.TemporaryDirectory(prefix="foretell-bench-") as folder:
        ended = subprocess.run(argv, env=os.environ | {INSIDE: folder}, check=False)
    sys.exit(ended.returncode)


class SimulatedHost:
    """Furnishes the host in `folder`, which becomes a file system in memory. Only inside (`enter`)."""

    def __init__(self, folder: Path) -> None:
        if not os.environ.get(INSIDE):
            raise RuntimeError("this would change the real host")
        _run("mount", "-t", "tmpfs", "-o", "size=2G", "tmpfs", str(folder))
        self._folder = folder
        self._image = folder / "image"
        with self._image.open("wb") as image:
            image.truncate(4 * 1024 * 1024)
        _run("mkfs.ext4", "-q", str(self._image))
        self._mounted = 0

    def mounts(self, number: int) -> None:
        """Have `number` file systems of our own, by adding to those that are there."""
        while self._mounted < number:
            self._mounted += 1
            image, place = self._folder / f"image-{self._mounted}", self._folder / f"disk-{self._mounted}"
            _run("cp", "--sparse=always", str(self._image), str(image))
            place.mkdir()
            _run("mount", "-o", "loop", str(image), str(place))

    def packages(self, number: int) -> str:
        """Have at least `number` packages installed, and return how that came about."""
        if not STATUS.exists():
            return "packages as they are"
        text = STATUS.read_text("utf-8").rstrip("\n") + "\n\n"
        real = text.count("\nPackage: ") + text.startswith("Package: ")
        text += "".join(_PACKAGE.format(number=one) for one in range(real, number))
        (self._folder / "status").write_text(text, "utf-8")
        _run("mount", "--bind", str(self._folder / "status"), str(STATUS))
        return f"{max(real, number)} packages, {max(0, number - real)} of them simulated"

    def services(self, number: int) -> str:
        """Have `number` services at work, unless there is a real systemd; return how that came about."""
        if SYSTEMD_RUNS.is_dir() and not (self._folder / "systemctl").exists():
            return "services as this host has them"
        names = [f"simulated-{one}.service" for one in range(number)]
        (self._folder / "listed").write_text(
            "".join(f"{one} loaded active running A service\n" for one in names), "ascii"
        )
        (self._folder / "shown").write_text("".join(_UNIT.format(name=one) for one in names), "ascii")
        if not (self._folder / "systemctl").exists():
            stand_in = self._folder / "systemctl"
            stand_in.write_text(_STAND_IN.format(folder=self._folder), "ascii")
            stand_in.chmod(0o755)
            _run("mount", "--bind", str(stand_in), str(SYSTEMCTL))
            _run("mount", "-t", "tmpfs", "tmpfs", "/run")
            SYSTEMD_RUNS.mkdir(parents=True)
            STARTS.mkdir()
        for one in names:
            start = STARTS / f"invocation:{one}"
            start.unlink(missing_ok=True)
            start.symlink_to(uuid.uuid4().hex)
        return f"{number} services by a stand-in for systemctl"


def folder() -> Path:
    """Return the folder for a SimulatedHost. Only inside; it goes with it."""
    return Path(os.environ[INSIDE])


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
