#!/usr/bin/python3 -I
"""Writes down what only root can read of this host, for the agent, which is not root: health of disks, pools, deleted files.

Started by foretell-privileged.timer; it takes no arguments, reads no configuration, runs the commands below and no others, each
by its absolute path, and writes one file, `facts.json`, into the folder that systemd made for it (RUNTIME_DIRECTORY). It needs
nothing but Python's own library, so that nothing the agent's user could have changed is run by root. No serial number, no name
of a file and no name of a process is written: what is not written cannot leave the host.

The file: {"format": 1, "at": unix seconds, and for each part "smart", "thin_pools", "zfs_pools", "deleted"
  {"found": what its command tells} or {"missing": the program that is not installed} or {"problem": why it could not be read}}
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

FORMAT = 1
PATIENCE = 30  # seconds for one command; a disk that never answers holds this program up until systemd ends it
MOST_DISKS = 64
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

SMARTCTL = ("/usr/sbin/smartctl", "/sbin/smartctl")
# A sleeping disk is not woken. The JSON is the answer whatever the exit status (smartctl(8): bits of what is wrong with a disk).
SCAN = ("--json=c", "--scan")
HEALTH = ("--json=c", "--info", "--health", "--attributes", "--nocheck=standby")
LVS = ("/usr/sbin/lvs", "/sbin/lvs")
THIN_POOLS = (
    *("--nolocking", "--reportformat", "json", "--units", "b", "--nosuffix", "-S", "segtype=thin-pool"),
    *("-o", "vg_name,lv_name,lv_size,data_percent,lv_metadata_size,metadata_percent"),
)
ZPOOL = ("/usr/sbin/zpool", "/sbin/zpool")
POOLS = ("list", "-Hpo", "name,size,allocated,free,health")

# What of smartctl's answer the agent reads. Not serial numbers, world-wide names, or logs of errors with their addresses.
KEPT = frozenset(
    {
        "ata_smart_attributes",
        "device",
        "endurance_used",
        "model_name",
        "nvme_smart_health_information_log",
        "scsi_grown_defect_list",
        "scsi_percentage_used_endurance_indicator",
        "smart_status",
        "smartctl",
        "temperature",
    }
)
# As smartctl's own scan writes them; anything else is not handed back to it.
DEVICE = re.compile(r"/dev/[A-Za-z0-9/_.:-]+")
KIND = re.compile(r"[a-z0-9,+/]+")

# File systems without a block device that this kernel keeps all the same; any other may wait for a server for ever.
LOCAL = frozenset({"bcachefs", "btrfs", "ramfs", "tmpfs", "zfs"})


Run = Callable[[Sequence[str], Sequence[str]], str]


class MissingError(Exception):
    """A program is not installed; the message names it."""


def command(places: Sequence[str], arguments: Sequence[str]) -> str:
    """Run the first of `places` that exists and return its output. Raise MissingError, or OSError or ValueError when it fails."""
    program = next((place for place in places if os.access(place, os.X_OK)), None)
    if program is None:
        raise MissingError(places[0])
    try:
        ended = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            cwd="/",
            env=ENVIRONMENT,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"{program} gave no answer in {PATIENCE} s") from None
    output = ended.stdout.decode("utf-8", "replace")
    if not output.strip() and ended.returncode:
        errors = ended.stderr.decode("utf-8", "replace").strip()
        raise ValueError(f"{program} ended with status {ended.returncode}: {errors[:300]}")
    return output


def smart(run: Run = command) -> list[dict[str, Any]]:
    """Return what each disk says of its health, in smartctl's own words (its JSON), without what names the very disk."""
    scan = json.loads(run(SMARTCTL, SCAN))
    found = []
    for device in scan.get("devices", [])[:MOST_DISKS]:
        name, kind = str(device.get("name")), str(device.get("type"))
        if not (DEVICE.fullmatch(name) and KIND.fullmatch(kind)) or ".." in name:
            continue
        try:
            answer = json.loads(run(SMARTCTL, (*HEALTH, f"--device={kind}", name)))
        except ValueError as error:
            answer = {"smartctl": {"messages": [{"string": str(error), "severity": "error"}]}}
        answer.setdefault("device", device)
        found.append({key: answer[key] for key in KEPT & answer.keys()})
    return found


def thin_pools(run: Run = command) -> list[dict[str, Any]]:
    """Return LVM's thin pools in the words of lvs (its JSON)."""
    return [pool for report in json.loads(run(LVS, THIN_POOLS))["report"] for pool in report["lv"]]


def zfs_pools(run: Run = command) -> list[dict[str, Any]]:
    """Return the pools of ZFS: bytes, and health."""
    pools = []
    for line in run(ZPOOL, POOLS).splitlines():
        name, size, used, free, health = line.split("\t")
        pools.append({"name": name, "size": int(size), "used": int(used), "free": int(free), "health": health})
    return pools


def deleted(proc: Path = Path("/proc")) -> dict[str, int]:
    """Return by device number how many bytes files take that have no name any more, because a process holds them open."""
    files: dict[tuple[str, int, int], int] = {}
    for process in proc.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended since
                for device, status in deleted_of(process):
                    files[device, status.st_dev, status.st_ino] = status.st_blocks * 512
    sums: dict[str, int] = {}
    for (device, _, _), size in files.items():
        sums[device] = sums.get(device, 0) + size
    return sums


def deleted_of(process: Path) -> list[tuple[str, os.stat_result]]:
    """Return the deleted files that one process holds open, each with the device number of its file system."""
    found = []
    mounts: dict[str, tuple[str, str]] = {}
    for link in (process / "fd").iterdir():
        with contextlib.suppress(OSError):  # closed since
            if not str(link.readlink()).endswith(" (deleted)"):  # proc_pid_fd(5)
                continue
            mounts = mounts or mounts_of(process / "mountinfo")
            device, fstype = mounts.get(mount_of(process / "fdinfo" / link.name), ("", ""))
            # Asked is only for files of file systems that answer; memory that programs share has no mount at all.
            if not device or (device.startswith("0:") and fstype not in LOCAL):
                continue
            status = link.stat()
            if not status.st_nlink:
                found.append((device, status))
    return found


def mounts_of(mountinfo: Path) -> dict[str, tuple[str, str]]:
    """Return the mounts of a process: device number and type of file system by the mount's id (proc_pid_mountinfo(5))."""
    lines = mountinfo.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    halves = [line.split(" - ") for line in lines if line]
    return {before.split()[0]: (before.split()[2], after.split()[0]) for before, after in halves}


def mount_of(fdinfo: Path) -> str:
    """Return the id of the mount that an open file is on."""
    lines = fdinfo.read_text("ascii").splitlines()
    return next((line.split()[1] for line in lines if line.startswith("mnt_id:")), "")


PARTS: Mapping[str, Callable[[], Any]] = {
    "smart": smart,
    "thin_pools": thin_pools,
    "zfs_pools": zfs_pools,
    "deleted": deleted,
}


def facts(parts: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what all parts tell; what one of them cannot is said in its place."""
    told: dict[str, Any] = {"format": FORMAT, "at": time.time()}
    for name, part in parts.items():
        try:
            told[name] = {"found": part()}
        except MissingError as error:
            told[name] = {"missing": str(error)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            told[name] = {"problem": f"{type(error).__name__}: {error}"}
    return told


def write(folder: Path, told: Mapping[str, Any]) -> None:
    """Put the facts into `folder` as one whole file or not at all, readable by its group. Raise OSError."""
    new = folder / ".facts.json.new"
    new.unlink(missing_ok=True)  # of a run that was ended
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(told, file)
        os.fchmod(descriptor, 0o640)  # whatever the umask
    new.replace(folder / "facts.json")


def main() -> int:
    """Write the facts of now; return the exit status."""
    folder = os.environ.get("RUNTIME_DIRECTORY")
    if not folder:
        sys.stderr.write("foretell-privileged: started by hand; cure: systemctl start foretell-privileged.service\n")
        return 2
    write(Path(folder), facts(PARTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
