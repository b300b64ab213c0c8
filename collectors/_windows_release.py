"""Which release of Windows runs, as the support catalogue calls it. Written from Microsoft's documentation, never run there."""

from __future__ import annotations

import sys
from collections.abc import Mapping

_VERSION_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_FIRST_BUILD_OF_11 = 22000  # ProductName goes on to say "Windows 10"
_SERVERS = {14393: "2016", 17763: "2019", 20348: "2022", 25398: "23h2-ac", 26100: "2025"}
_NOT_SAID = ""


def windows_release() -> dict[str, str]:
    """Return what the registry says, with the keys of os-release(5). Raise OSError."""
    return release_from(_values() if sys.platform == "win32" else {})


def release_from(values: Mapping[str, str]) -> dict[str, str]:
    """Given the values of CurrentVersion in the registry, return ID and VERSION_ID as the catalogue has them, and NAME.

    Support of a client depends on the edition: `-e` is for Enterprise and Education, `-w` for the others, and the long-term
    channel (EnterpriseS, IoTEnterpriseS) goes by itself.

    >>> release_from({"CurrentBuild": "26100", "InstallationType": "Server", "ProductName": "Windows Server 2025"})["VERSION_ID"]
    '2025'
    >>> release_from({"CurrentBuild": "26200", "DisplayVersion": "25H2", "EditionID": "Professional"})["VERSION_ID"]
    '11-25h2-w'
    """
    number = values.get("CurrentBuild", _NOT_SAID)
    build = int(number) if number.isdecimal() else 0
    name = values.get("ProductName", "Windows")
    if values.get("InstallationType", _NOT_SAID).startswith("Server"):
        return {"ID": "windows-server", "VERSION_ID": _SERVERS.get(build, number), "NAME": name}
    edition = values.get("EditionID", _NOT_SAID)
    line = "11" if build >= _FIRST_BUILD_OF_11 else "10"
    shown = (values.get("DisplayVersion") or values.get("ReleaseId") or number).lower()
    if edition.startswith("IoTEnterpriseS"):
        kind = "iot-lts"
    elif edition.startswith("EnterpriseS"):
        kind = "e-lts"
    else:
        kind = "e" if edition.startswith(("Enterprise", "Education", "IoTEnterprise")) else "w"
    return {
        "ID": "windows",
        "VERSION_ID": f"{line}-{shown}-{kind}",
        "NAME": name.replace("Windows 10", f"Windows {line}"),
    }


def _values() -> dict[str, str]:
    if sys.platform != "win32":  # also what tells mypy
        return {}
    import winreg  # noqa: PLC0415 - there is none elsewhere

    wanted = ("CurrentBuild", "DisplayVersion", "EditionID", "InstallationType", "ProductName", "ReleaseId")
    found = {}
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _VERSION_KEY) as key:
        for name in wanted:
            try:
                found[name] = str(winreg.QueryValueEx(key, name)[0])
            except FileNotFoundError:  # older releases lack some
                continue
    return found
