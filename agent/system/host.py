"""Who this host is: a lasting id that gives nothing away, the name people know it by, what it is made of, its time zone."""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.configuration.settings import HostSettings
from collectors import safe_text

# Ours alone, so that no other program's hash of the same machine id is equal. It must never change: every key depends on it.
APPLICATION = uuid.UUID("5c1d9e0b-7f43-4a86-b1c2-2e6a94d0f357")
GENERATED_ID = "host-id"
#: where a machine's serial number stands: of a board, for everybody to read, and of a PC, mostly for root alone
SERIALS = ("proc/device-tree/serial-number", "sys/class/dmi/id/product_serial")
#: what makers leave there who wrote no number
UNSET_SERIALS = {
    "",
    "0",
    "none",
    "default string",
    "not specified",
    "not applicable",
    "system serial number",
    "to be filled by o.e.m.",
}


class HostIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """This host as the desk knows it.

    id: lasting, from the configuration or 32 hex digits. name: for people. os: what runs, in its distributor's words.
    serial: of the machine, in its maker's words; empty where it cannot be read.
    """

    id: str
    name: str
    os: str
    serial: str = ""


def identify(settings: HostSettings, state_dir: Path) -> HostIdentity:
    """Return who this host is, seen through `settings.root`.

    A host without a machine id (some containers) gets an id made by chance, kept in `state_dir`; raises OSError when it
    cannot be kept there, for another id at every start would be another host's at the desk.
    """
    root = Path(settings.root)
    return HostIdentity(
        id=settings.id or _hashed_machine_id(root) or _kept_id(state_dir),
        name=settings.name or os.uname().nodename,
        os=_os_name(root),
        serial=_serial(root),
    )


def identify_without_trace(settings: HostSettings, state_dir: Path) -> HostIdentity:
    """Return the same, without making the id that a host without a machine id gets with its first run: that one is by chance."""
    import shutil  # noqa: PLC0415 - with the next, a twentieth of a look at a desk, and only a doctor asks this
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="foretell-") as scratch:
        with suppress(OSError):
            shutil.copy(state_dir / GENERATED_ID, scratch)
        return identify(settings, Path(scratch))


def host_zone(environ: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")) -> str:
    """Return the IANA name of the host's own time zone: of TZ, or of the link `localtime`; UTC when neither tells it."""
    for name in (environ.get("TZ", "").removeprefix(":"), str(localtime.resolve()).partition("/zoneinfo/")[2]):
        if is_zone(name):
            return name
    return "UTC"


def is_zone(name: str) -> bool:
    """Return whether `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder of zones
        return False
    return True


def _hashed_machine_id(root: Path) -> str | None:
    """Return the machine id hashed as `systemd-id128 machine-id --app-specific` does it, so that a person can check it."""
    for source in ("etc/machine-id", "var/lib/dbus/machine-id"):
        try:
            machine_id = uuid.UUID((root / source).read_text("ascii").strip())
        except (OSError, ValueError):  # absent, or "uninitialized" in an image that has not booted yet
            continue
        digest = hmac.digest(machine_id.bytes, APPLICATION.bytes, hashlib.sha256)
        return uuid.UUID(bytes=digest[:16], version=4).hex
    return None


def _kept_id(state_dir: Path) -> str:
    kept = state_dir / GENERATED_ID
    if not kept.exists():
        # Complete or not there at all, also after a power cut.
        new = kept.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            file.write(os.urandom(16).hex())
            file.flush()
            os.fsync(file.fileno())
        new.replace(kept)
    return kept.read_text("ascii").strip()


def _os_name(root: Path) -> str:
    try:
        lines = (root / "etc/os-release").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return safe_text(value.strip("\"'"))
    return f"{os.uname().sysname} {os.uname().release}"


def _serial(root: Path) -> str:
    for source in SERIALS:
        try:
            serial = (root / source).read_text("ascii").strip("\0 \n")
        except (OSError, ValueError):  # absent, for root alone, or no text
            continue
        if serial.lower() not in UNSET_SERIALS:
            return safe_text(serial)
    return ""
