"""What other package managers than apt would update: what is asked of them, offline, and what their answers mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from collectors._apt import APT_GET, lists_changed, simulate
from collectors._plugin import CollectorError, Completed, HostView

TIMEOUT = 120.0  # seconds
_DNF, _ZYPPER, _APK, _PACMAN = "/usr/bin/dnf", "/usr/bin/zypper", "/sbin/apk", "/usr/bin/pacman"
_DNF_UPDATES = 100  # exit status of check-update: there are some
_ZYPPER_PATCHES = frozenset({100, 101})  # of patch-check: some are needed; some of these are for security
_DNF_ROW = re.compile(r"^\S+\.(?:noarch|x86_64|aarch64|i[3-6]86|ppc64le|s390x|src)\s+\S+\s+\S+\s*$")
_ZYPPER_ANSWER = re.compile(r"(\d+) patch(?:es)? needed(?: \((\d+) security patch(?:es)?\))?")


class Pending(msgspec.Struct, frozen=True):
    """How many updates wait; for security: None where the packages' source does not say so."""

    updates: int
    security: int | None


class UpdateTool(msgspec.Struct, frozen=True):
    """What is asked about pending updates. changed: unix seconds of its newest list of packages, None without any."""

    manager: str
    program: str
    renew: str
    changed: Callable[[HostView], float | None]
    ask: Callable[[HostView], Pending]


def parse_dnf(output: str) -> int:
    """Given `dnf check-update`, return how many packages it lists; what it says about obsolete ones follows after them."""
    rows = output.partition("Obsoleting Packages")[0].splitlines()
    return sum(bool(_DNF_ROW.match(row)) for row in rows)


def parse_zypper(output: str) -> Pending:
    """Given `zypper patch-check`, return what it counts. Raise CollectorError when it counts nothing."""
    found = _ZYPPER_ANSWER.search(output)
    if not found:
        raise CollectorError("zypper patch-check said no number of patches")
    return Pending(int(found[1]), int(found[2] or 0))


def parse_rows(output: str, mark: str) -> int:
    """Given one update a line, return how many lines hold `mark` ("<" of apk, "->" of pacman) and are not ignored."""
    return sum(f" {mark} " in line and "[ignored]" not in line for line in output.splitlines())


def _newest(*patterns: str) -> Callable[[HostView], float | None]:
    def changed(context: HostView) -> float | None:
        root = context.path("/")
        times = [path.stat().st_mtime for pattern in patterns for path in root.glob(pattern.lstrip("/"))]
        return max(times, default=None)

    return changed


def _apt(context: HostView) -> Pending:
    changes, whole = simulate(context, TIMEOUT)
    if not whole:
        raise CollectorError("apt-get said more than is read")
    return Pending(sum(bool(one.old and one.new) for one in changes), sum(one.security for one in changes))


def _dnf(context: HostView) -> Pending:
    ask = [_DNF, "-q", "-C", "check-update"]  # -C: from what it has; only root's lists are renewed by its timer
    return Pending(
        parse_dnf(_answer(context, ask, {0, _DNF_UPDATES}).output),
        parse_dnf(_answer(context, [*ask, "--security"], {0, _DNF_UPDATES}).output),
    )


def _zypper(context: HostView) -> Pending:
    ask = [_ZYPPER, "--non-interactive", "--no-refresh", "patch-check"]
    return parse_zypper(_answer(context, ask, {0, *_ZYPPER_PATCHES}).output)


def _apk(context: HostView) -> Pending:
    return Pending(parse_rows(_answer(context, [_APK, "--no-network", "version", "-l", "<"], {0}).output, "<"), None)


def _pacman(context: HostView) -> Pending:
    return Pending(parse_rows(_answer(context, [_PACMAN, "-Qu"], {0, 1}).output, "->"), None)  # 1: there are none


def _answer(context: HostView, argv: Sequence[str], meant: set[int]) -> Completed:
    answer = context.run(argv, timeout=TIMEOUT)
    if answer.status not in meant or answer.truncated:
        raise CollectorError(f"{argv[0]} failed: {answer.errors.strip() or f'status {answer.status}'}")
    return answer


UPDATE_TOOLS = (
    UpdateTool("dpkg", APT_GET, "apt-get update", lists_changed, _apt),
    UpdateTool(
        "rpm",
        _DNF,
        "dnf makecache",
        _newest("/var/cache/dnf/*/repodata/repomd.xml", "/var/cache/libdnf5/*/repodata/repomd.xml"),
        _dnf,
    ),
    UpdateTool("rpm", _ZYPPER, "zypper refresh", _newest("/var/cache/zypp/raw/*/repodata/repomd.xml"), _zypper),
    UpdateTool("apk", _APK, "apk update", _newest("/var/cache/apk/APKINDEX.*", "/etc/apk/cache/APKINDEX.*"), _apk),
    UpdateTool("pacman", _PACMAN, "pacman -Sy", _newest("/var/lib/pacman/sync/*.db"), _pacman),
)
