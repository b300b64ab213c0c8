"""Something on the network does not answer: this host's addresses, its way out, its resolvers, and who listens here."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._look import Look
from agent.diagnosis.generic import failed_units
from collectors import safe_text

_LOST = ("rx_errors", "rx_dropped", "tx_errors", "tx_dropped")
_DEFAULT = "00000000"
_UP = 1  # RTF_UP of <linux/route.h>


def interfaces(look: Look) -> Iterator[Item]:
    """Yield which interfaces are up, and how many packets each has lost."""
    folder = look.path("/sys/class/net")
    if not folder.is_dir():
        yield Unseen(what="interfaces", reason="not_available", hint="there is no /sys/class/net")
        return
    for interface in sorted(folder.iterdir()):
        if interface.name == "lo" or not (interface / "statistics").is_dir():
            continue
        labels = {"interface": interface.name}
        state = (interface / "operstate").read_text("ascii").strip()
        yield DiagnosisFact(name="interface_state", value=state, unit="text", labels=labels)
        lost = sum(int((interface / "statistics" / name).read_text("ascii")) for name in _LOST)
        yield DiagnosisFact(name="packets_lost_total", value=float(lost), unit="count", labels=dict(labels))


def way_out(look: Look) -> Iterator[Item]:
    """Yield how many default routes there are, and what names are looked up with."""
    try:
        count = default_routes(look.path("/proc/net/route").read_text("ascii"))
        yield DiagnosisFact(name="default_routes", value=float(count), unit="count")
    except OSError:
        yield Unseen(what="routes", reason="not_available", hint="the kernel keeps no list in /proc/net/route")
    try:
        text = look.path("/etc/resolv.conf").read_text("utf-8", errors="surrogateescape")
    except OSError:
        yield Unseen(what="resolvers", reason="not_available", hint="there is no /etc/resolv.conf")
        return
    lines = [safe_text(line) for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;"]
    yield DiagnosisFact(
        name="resolvers", value=float(sum(line.startswith("nameserver") for line in lines)), unit="count"
    )
    yield detail("resolvers.txt", lines)


def default_routes(text: str) -> int:
    r"""Given `/proc/net/route`, return how many default routes are up.

    >>> default_routes("Iface Destination Gateway Flags\neth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0")
    1
    """
    rows = [line.split() for line in text.splitlines()[1:]]
    return sum(1 for row in rows if len(row) > 3 and row[1] == _DEFAULT and int(row[3], 16) & _UP)  # noqa: PLR2004


def listeners(look: Look) -> Iterator[Item]:
    """Yield whether anybody on this host listens at the port that it is about."""
    port = look.subject.get("target", "").rpartition(":")[2]
    if not port.isdecimal():
        return
    try:
        listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    except psutil.Error:
        yield Unseen(what="listeners", reason="not_permitted", hint="let the agent see all connections")
        return
    here = sum(1 for one in listening if one.laddr and one.laddr.port == int(port))
    yield DiagnosisFact(name="listeners_here", value=float(here), unit="count", labels={"port": port})


STEPS = (interfaces, way_out, listeners, failed_units)
