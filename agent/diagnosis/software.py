"""Software is out of date: what is installed and until when supported, who asks for the reboot, what an update would change."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._look import Look
from collectors import CouldNotCheck, Reading, packages
from collectors._apt import APT_GET, lists_changed, simulate
from collectors._kernels import installed_kernels
from collectors._operating_system import operating_system_readings
from collectors._reboot import REBOOT_REQUIRED, reboot_required
from collectors.libraries import services_with_deleted_libraries

ANSWER_WITHIN = 45.0  # seconds
STALE_AFTER = 7 * 86400.0  # seconds; older lists say little about what an update would bring today
MOST_NAMED = 5


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
    listed = lists_changed(look)
    age = None if listed is None else max(0.0, look.at - listed)
    if age is not None:
        yield DiagnosisFact(name="package_lists_age_seconds", value=age, unit="seconds")
    fresh = age is not None and age < STALE_AFTER
    if not fresh:
        yield Unseen(what="updates", reason="hidden", hint="the package lists are old; apt-get update would renew them")
    changes, whole = simulate(look, ANSWER_WITHIN)
    for name, found in (
        ("updates_pending", [one for one in changes if one.old and one.new]),
        ("updates_security", [one for one in changes if one.security]),
        ("packages_new", [one for one in changes if one.new and not one.old]),
        ("packages_removed", [one for one in changes if not one.new]),
    ):
        yield DiagnosisFact(name=name, value=float(len(found)), unit="count", whole=fresh and whole)
    coming = [f"{one.name}  {one.old or '-'} -> {one.new}  {one.origin}" for one in changes if one.new]
    if changes:
        yield detail("updates.txt", coming + [f"{one.name}  would be removed" for one in changes if not one.new])


def products(look: Look) -> Iterator[Item]:
    """Yield until when the ticket's product (or each) is supported, and by whom."""
    lines = []
    for item in packages.PackagesCollector(packages.PackagesOptions(), look).collect(look.at):
        about = item.labels.get("product")
        if about is None:
            continue
        ours = about == look.subject.get("product", about)
        if isinstance(item, CouldNotCheck):
            yield from [Unseen(what=about, reason="hidden", hint=item.reason)] * ours
            continue
        if ours and not math.isnan(item.value):
            yield DiagnosisFact(name=item.name, value=item.value, unit=item.unit, labels=item.labels)
        if "supplier" in item.labels:
            lines.append(_line(item))
    if lines:
        yield detail("products.txt", lines)


def _line(item: Reading) -> str:
    day = "no end announced" if math.isnan(item.value) else f"{datetime.fromtimestamp(item.value, UTC):%Y-%m-%d}"
    return "{product} {version} by {supplier} ({basis}): ".format(**item.labels) + day


def libraries(look: Look) -> Iterator[Item]:
    """Yield which services use libraries that an update has replaced."""
    services, unseen = services_with_deleted_libraries(look)
    if unseen:
        hint = f"the libraries of {unseen} processes may be seen by root only"
        yield Unseen(what="libraries", reason="not_permitted", hint=hint)
    for name in sorted(services)[:MOST_NAMED]:
        yield DiagnosisFact(name="service_with_deleted_libraries", value=name, unit="text")
    if services:
        yield detail("old-libraries.txt", sorted(services))


STEPS = (system, products, reboot, libraries, updates)
