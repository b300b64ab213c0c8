"""What runs on the host, grouped as an engineer thinks of it: forty workers of one program of one unit are one thing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
import psutil

from agent.diagnosis._diagnosis import Unseen
from agent.diagnosis._look import Look

_UNIT = re.compile(r"/([^/]+\.(?:service|scope|socket|mount|swap))(?=/|$)")
_ATTRIBUTES = ["name", "create_time", "cpu_times", "memory_info", "uids" if psutil.POSIX else "username"]


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process. started: tells apart two that had the same number. cpu: seconds used since it began.

    own: bytes in memory that no file or shared segment stands behind (RssAnon); all it has there on other systems.
    """

    pid: int
    started: float
    name: str
    user: str
    cpu: float
    own: int


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """All processes of one name and user. amount: of whatever they were compared by."""

    name: str
    user: str
    amount: float
    pids: tuple[int, ...]

    def labels(self, look: Look) -> dict[str, str]:
        """Return what identifies it, with the unit that most of it belongs to where there is one."""
        labels = {"program": self.name, "user": self.user, "processes": str(len(self.pids))}
        unit = unit_of(look, self.pids[0])
        return {**labels, "unit": unit} if unit else labels


def processes(look: Look) -> tuple[list[Process], list[Unseen]]:
    """Return the processes that can be seen, and what cannot."""
    names = _user_names(look)
    found, denied = [], 0
    for process in psutil.process_iter(_ATTRIBUTES):
        info = process.info
        if info["cpu_times"] is None or info["create_time"] is None:
            denied += 1
            continue
        found.append(_process(process.pid, info, names))
    unseen = []
    if denied:
        unseen.append(Unseen(what="processes", reason="not_permitted", count=denied))
    if psutil.LINUX and not look.path("/proc/1/stat").exists():
        hint = "/proc shows only the agent's own (hidepid); add the agent to the group it names"
        unseen.append(Unseen(what="processes", reason="hidden", hint=hint))
    return found, unseen


def _process(pid: int, info: Mapping[str, object], names: Mapping[int, str]) -> Process:
    memory, times, uids = info["memory_info"], info["cpu_times"], info.get("uids")
    user = names.get(uids.real, str(uids.real)) if uids else str(info.get("username") or "")  # type: ignore[attr-defined]  # psutil's tuples
    return Process(
        pid=pid,
        started=float(info["create_time"]),  # type: ignore[arg-type]  # a number
        name=str(info["name"] or "?"),
        user=user,
        cpu=times.user + times.system,  # type: ignore[attr-defined]  # psutil's tuples
        own=max(0, memory.rss - getattr(memory, "shared", 0)) if memory else 0,  # type: ignore[attr-defined]  # same
    )


def _user_names(look: Look) -> dict[int, str]:
    """Return the local users by number. Others keep theirs: asking a directory service would be asking the network."""
    names: dict[int, str] = {}
    try:
        text = look.path("/etc/passwd").read_text("utf-8", errors="surrogateescape")
    except OSError:
        return names
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdecimal():  # noqa: PLR2004 - name, password, number
            names.setdefault(int(fields[2]), fields[0])
    return names


def grouped(amounts: Iterable[tuple[Process, float]]) -> list[Program]:
    """Given each process with its amount, return the programs, those with the most first."""
    totals: Counter[tuple[str, str]] = Counter()
    members: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for process, amount in amounts:
        key = process.name, process.user
        totals[key] += amount  # type: ignore[assignment]  # a Counter counts in fractions as well
        members.setdefault(key, []).append((amount, process.pid))
    return [
        Program(name=name, user=user, amount=amount, pids=tuple(pid for _, pid in sorted(members[name, user])[::-1]))
        for (name, user), amount in totals.most_common()
    ]


def unit_of(look: Look, pid: int) -> str:
    """Return the innermost systemd unit of a process; empty when it has none, is gone, or there is no such thing."""
    try:
        text = look.path(f"/proc/{pid}/cgroup").read_text("utf-8", errors="surrogateescape")
    except OSError:
        return ""
    units = _UNIT.findall(text)
    return units[-1] if units else ""
