"""Software is out of date: what runs, what is installed, who asks for the reboot, and what an update would change."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator

import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._look import Look
from collectors import CollectorError, Reading
from collectors._kernels import installed_kernels
from collectors._operating_system import operating_system_readings
from collectors._reboot import REBOOT_REQUIRED, reboot_required

APT_GET = "/usr/bin/apt-get"
# Simulated, without a lock, and without the caches and the planner's log that apt writes as root even then (seen with strace).
_DRY_RUN = (
    *(APT_GET, "--simulate", "--quiet=2", "-o", "Debug::NoLocking=true"),
    *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Dir::Log::Planner=/dev/null"),
)
ANSWER_WITHIN = 45.0  # seconds; measured: 4 to 6 on an idle host with 1,100 packages
LISTS = "/var/lib/apt/lists"
STALE_AFTER = 7 * 86400.0  # seconds; older lists say little about what an update would bring today
MOST_NAMED = 5
_INSTALL = re.compile(r"^Inst (?P<name>\S+) (?:\[(?P<old>[^]]*)\] )?\((?P<new>\S+) (?P<origin>[^)]*)\)")
_REMOVE = re.compile(r"^Remv (?P<name>\S+)")


def system(look: Look) -> Iterator[Item]:
    """Yield release, end of support, the kernel that runs and those installed."""
    for item in operating_system_readings(look, look.at):
        if isinstance(item, Reading):
            yield DiagnosisFact(name=item.name, value=item.value, unit=item.unit, labels=item.labels)
        else:
            yield Unseen(what="operating system", reason="failed", hint=item.reason)
    running = platform.release()
    yield DiagnosisFact(name="kernel_running", value=running, unit="text")
    for kernel in installed_kernels(look):
        yield DiagnosisFact(name="kernel_installed", value=kernel.release, unit="text")
    yield DiagnosisFact(name="boot_timestamp", value=psutil.boot_time(), unit="timestamp")


def reboot(look: Look) -> Iterator[Item]:
    """Yield whether a reboot is asked for, and by which packages."""
    asked = reboot_required(look)
    if asked is None:
        yield Unseen(what="reboot", reason="not_available", hint="nothing on this host says whether one is needed")
        return
    yield DiagnosisFact(name="reboot_required", value=float(asked), unit="boolean")
    packages = look.path(f"{REBOOT_REQUIRED}.pkgs")
    if asked and packages.exists():
        names = sorted(set(packages.read_text("utf-8", errors="surrogateescape").split()))
        for name in names[:MOST_NAMED]:
            yield DiagnosisFact(name="reboot_asked_by", value=name, unit="text")
        yield detail("reboot-asked-by.txt", names)


def updates(look: Look) -> Iterator[Item]:
    """Yield what an update would change, from a dry run of apt; elsewhere it is not known without changing something."""
    if not look.path(APT_GET).exists():
        yield Unseen(what="updates", reason="not_available", hint="known on Debian and its derivatives only")
        return
    age = _lists_age(look)
    if age is not None:
        yield DiagnosisFact(name="package_lists_age_seconds", value=age, unit="seconds")
    fresh = age is not None and age < STALE_AFTER
    if not fresh:
        yield Unseen(what="updates", reason="hidden", hint="the package lists are old; apt-get update would renew them")
    answer = look.run([*_DRY_RUN, "dist-upgrade"], timeout=ANSWER_WITHIN)
    if answer.status != 0:
        raise CollectorError(answer.errors.strip() or f"apt-get failed with status {answer.status}")
    changes = [match for line in answer.output.split("\n") if (match := _INSTALL.match(line))]
    removed = [match for line in answer.output.split("\n") if (match := _REMOVE.match(line))]
    security = [match for match in changes if "security" in match["origin"].lower()]
    for name, found in (
        ("updates_pending", [match for match in changes if match["old"]]),
        ("updates_security", security),
        ("packages_new", [match for match in changes if not match["old"]]),
        ("packages_removed", removed),
    ):
        yield DiagnosisFact(name=name, value=float(len(found)), unit="count", whole=fresh and not answer.truncated)
    lines = [f"{match['name']}  {match['old'] or '-'} -> {match['new']}  {match['origin']}" for match in changes]
    if changes or removed:
        yield detail("updates.txt", lines + [f"{match['name']}  would be removed" for match in removed])


def _lists_age(look: Look) -> float | None:
    """Return for how many seconds apt's lists have been as they are; None when there are none."""
    folder = look.path(LISTS)
    times = [path.stat().st_mtime for path in folder.glob("*_*Release")] if folder.is_dir() else []
    return max(0.0, look.at - max(times)) if times else None


STEPS = (system, reboot, updates)
