"""Whether packages ask for a reboot."""

from __future__ import annotations

from collectors._plugin import CollectorContext, CollectorError

REBOOT_REQUIRED = "/run/reboot-required"
# Who writes that file on Debian and Ubuntu: without one of them its absence proves nothing.
_HOOKS = (
    "/usr/share/update-notifier/notify-reboot-required",
    "/etc/kernel/postinst.d/reboot-notifier",
    "/etc/kernel/postinst.d/unattended-upgrades",
)
_NEEDS_RESTARTING = "/usr/bin/needs-restarting"  # dnf-utils


def reboot_required(context: CollectorContext) -> bool | None:
    """Return whether a reboot is asked for; None where nothing on the host would say so. Raise CollectorError."""
    if context.path(REBOOT_REQUIRED).exists():
        return True
    if any(context.path(hook).exists() for hook in _HOOKS):
        return False
    if not context.path(_NEEDS_RESTARTING).exists():
        return None
    answer = context.run([_NEEDS_RESTARTING, "-r"], timeout=30)
    if answer.status not in {0, 1}:
        raise CollectorError(f"needs-restarting failed: {answer.errors.strip()}")
    return answer.status == 1
