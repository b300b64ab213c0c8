"""Whether packages ask for a reboot."""

from __future__ import annotations

import re
import sys

from collectors._plugin import CollectorError, HostView

REBOOT_REQUIRED = "/run/reboot-required"
REBOOT_NEEDED = "/run/reboot-needed"  # libzypp's, on SUSE
# Who writes the first on Debian and Ubuntu: without one of them its absence proves nothing.
_HOOKS = (
    "/usr/share/update-notifier/notify-reboot-required",
    "/etc/kernel/postinst.d/reboot-notifier",
    "/etc/kernel/postinst.d/unattended-upgrades",
)
_NEEDS_RESTARTING = "/usr/bin/needs-restarting"  # dnf-utils
_NEEDRESTART = "/usr/sbin/needrestart"
_ZYPPER = "/usr/bin/zypper"
_ZYPPER_SAYS_REBOOT = 102
_KERNEL_STATE = re.compile(r"^NEEDRESTART-KSTA: (\d)", re.MULTILINE)  # 0 unknown, 1 current, 2 and 3 an update waits
_PENDING = (  # keys of the registry that are there as long as Windows waits for a restart
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
)


def reboot_required(context: HostView) -> bool | None:
    """Return whether a reboot is asked for; None where nothing on the host would say so. Raise CollectorError."""
    if sys.platform == "win32":
        return _registered()
    return _on_linux(context)


def _on_linux(context: HostView) -> bool | None:
    if context.path(REBOOT_REQUIRED).exists() or context.path(REBOOT_NEEDED).exists():
        return True
    if any(context.path(hook).exists() for hook in _HOOKS):
        return False
    if context.path(_NEEDS_RESTARTING).exists():
        return _asked(context, [_NEEDS_RESTARTING, "-r"], needed=1)
    if context.path(_ZYPPER).exists():
        return _asked(context, [_ZYPPER, "--non-interactive", "needs-rebooting"], needed=_ZYPPER_SAYS_REBOOT)
    if context.path(_NEEDRESTART).exists():
        return _by_needrestart(context)
    return None


def _asked(context: HostView, argv: list[str], *, needed: int) -> bool:
    answer = context.run(argv, timeout=30)
    if answer.status not in {0, needed}:
        raise CollectorError(f"{argv[0]} failed: {answer.errors.strip() or f'status {answer.status}'}")
    return answer.status == needed


def _by_needrestart(context: HostView) -> bool | None:
    """Ask needrestart about the kernel alone; in batch mode it only tells."""
    answer = context.run([_NEEDRESTART, "-b", "-k"], timeout=60)
    state = _KERNEL_STATE.search(answer.output)
    if not state and answer.status == 0 and answer.output.startswith("NEEDRESTART-VER:"):
        return None  # a container has no kernel of its own, and nothing is said of any
    if not state:
        raise CollectorError(f"{_NEEDRESTART} failed: {answer.errors.strip() or f'status {answer.status}'}")
    return None if state[1] == "0" else state[1] in "23"


def _registered() -> bool:
    if sys.platform != "win32":  # what tells mypy
        return False
    import winreg  # noqa: PLC0415 - there is none elsewhere

    for key in _PENDING:
        try:
            winreg.CloseKey(winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key))
        except FileNotFoundError:
            continue
        return True
    return False
