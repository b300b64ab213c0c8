"""Which kernels are installed, and whether a newer one than the running waits for a reboot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from collectors._package_managers import RPM, RPM_DATABASES
from collectors._plugin import CollectorError, HostView

_RPM_QUESTION = [RPM, "-q", "--whatprovides", "kernel", "--qf", "%{NAME} %{VERSION} %{RELEASE} %{ARCH}\\n"]
_RPM_FIELDS = 4
_SUSE_KINDS = frozenset({"64kb", "azure", "default", "kvmsmall", "longterm", "rt", "vanilla"})


class Kernel(msgspec.Struct, frozen=True):
    """An installed kernel: what `uname -r` says when it runs, and its flavour, within which newer replaces older."""

    release: str
    flavour: str


def installed_kernels(context: HostView) -> list[Kernel]:
    """Return the kernels that packages own. Raise CollectorError when rpm did not answer."""
    owned = {path.name for path in context.path("/var/lib/dpkg/info").glob("linux-image-*.list")}
    images = {path.name for path in context.path("/boot").glob("vmlinuz-*")}
    kernels = parse_dpkg(owned, images)
    # Asked only where it keeps a database: on a Debian that has the program, it would make an empty one.
    if not kernels and any(context.path(database).exists() for database in RPM_DATABASES):
        answer = context.run(_RPM_QUESTION, timeout=20)
        if answer.status not in {0, 1}:  # 1: no package provides one
            raise CollectorError(f"rpm failed: {answer.errors.strip()}")
        kernels = parse_rpm(answer.output)
    return kernels


def parse_dpkg(owned: Iterable[str], images: Iterable[str]) -> list[Kernel]:
    """Given file lists that dpkg keeps and images in /boot, return the kernels that are in both.

    A package removed but not purged keeps its list; an image without a list was not installed by a package.
    """
    listed = {name.removeprefix("linux-image-").removeprefix("unsigned-").removesuffix(".list") for name in owned}
    installed = listed & {name.removeprefix("vmlinuz-") for name in images}
    return [Kernel(release, _debian_flavour(release)) for release in sorted(installed)]


def _debian_flavour(release: str) -> str:
    """Return what stands after version and ABI: "6.1.0-18-cloud-amd64" and "6.12.43+deb13-cloud-amd64" are cloud-amd64."""
    parts = release.split("-")
    return "-".join(parts[1 if "+" in parts[0] else 2 :])


def parse_rpm(output: str) -> list[Kernel]:
    """Given rpm's answer, return the kernels under the names `uname -r` gives them: SUSE leaves the rebuild number out."""
    kernels = []
    for line in output.splitlines():
        fields = line.split(" ")
        if len(fields) == _RPM_FIELDS and fields[0].startswith("kernel"):
            name, version, release, arch = fields
            kind = name.removeprefix("kernel-")
            as_suse = f"{version}-{release.rpartition('.')[0]}-{kind}"
            kernels.append(Kernel(as_suse if kind in _SUSE_KINDS else f"{version}-{release}.{arch}", name))
    return kernels


def is_outdated(running: str, installed: Sequence[Kernel]) -> bool | None:
    """Return whether a newer kernel of the running one's flavour is installed; None when no package owns the running one."""
    flavours = {kernel.flavour for kernel in installed if kernel.release == running}
    if not flavours:
        return None
    return any(kernel.flavour in flavours and _order(kernel.release) > _order(running) for kernel in installed)


def _order(release: str) -> list[tuple[bool, int, str]]:
    """As dpkg and rpm order releases: numbers as numbers, and a number after a word ("362.8" is newer than "362.el9")."""
    parts = re.findall(r"[0-9]+|[a-zA-Z]+", release)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
