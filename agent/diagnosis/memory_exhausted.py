"""Memory is short: which programs hold it, what else does, swap, and whom the kernel has killed for it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import psutil

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._kernel_log import OUT_OF_MEMORY, kernel_lines, shown, unreadable
from agent.diagnosis._look import Look
from agent.diagnosis._pressure import pressure
from agent.diagnosis._programs import Program, grouped, processes
from agent.diagnosis._ranking import View
from collectors import CollectorError
from collectors.memory import parse_meminfo, parse_vmstat

NAMED, LISTED = 0.05, 0.005  # shares of the programs' own memory
MOST_NAMED, MOST_LISTED = 5, 40
MOST_KILLS = 5
# What is neither a program's own nor given back on demand, by the kernel's name for it (proc_meminfo(5)).
_BESIDE_PROGRAMS = {
    "Shmem": "memory_shared_bytes",  # tmpfs and shared segments
    "SUnreclaim": "memory_kernel_bytes",
    "Hugetlb": "memory_huge_pages_bytes",
}


def amounts(look: Look) -> Iterator[Item]:
    """Yield what memory and swap are used for, besides programs."""
    swap = psutil.swap_memory()
    yield DiagnosisFact(name="swap_used_bytes", value=float(swap.used), unit="bytes")
    yield DiagnosisFact(name="swap_total_bytes", value=float(swap.total), unit="bytes")
    if psutil.LINUX:
        known = parse_meminfo(look.path("/proc/meminfo").read_text("ascii"))
        for key, name in _BESIDE_PROGRAMS.items():
            if known.get(key):
                yield DiagnosisFact(name=name, value=float(known[key]), unit="bytes")
    yield from pressure(look, ("memory",))


def programs(look: Look) -> Iterator[Item]:
    """Yield which programs hold the memory that is their own, backed by no file and no shared segment."""
    found, unseen = processes(look)
    yield from unseen
    ranked = grouped((process, float(process.own)) for process in found)
    seen = total = sum(one.amount for one in ranked)
    if psutil.LINUX:
        total = parse_meminfo(look.path("/proc/meminfo").read_text("ascii")).get("AnonPages", 0)
    view = View(total=total, seen=seen, hidden=bool(unseen))
    yield DiagnosisFact(name="program_memory_seen_ratio", value=view.ratio, unit="ratio", whole=view.whole)
    exact = sorted((_exact(look, one) for one in ranked[:MOST_LISTED]), key=lambda one: one.amount, reverse=True)
    for one in exact[:MOST_NAMED]:
        if one.amount >= NAMED * total and one.amount > view.unseen:
            yield DiagnosisFact(name="program_memory_bytes", value=one.amount, unit="bytes", labels=one.labels(look))
    yield detail("memory.txt", list(_listing(look, exact, view)))


def _listing(look: Look, programs: list[Program], view: View) -> Iterator[str]:
    yield f"Seen: {view.ratio:.0%} of what programs hold. In bytes; '-' is not permitted."
    yield "own: backed by no file or shared segment. PSS: all that is mapped, what several map in equal shares."
    yield f"{'own':>14} {'PSS':>14} {'in swap':>14} {'processes':>9}  program, user, unit"
    for one in programs:
        if one.amount >= LISTED * view.total:
            pss, swap = (_sum(look, one.pids, *where) for where in (("smaps_rollup", "Pss"), ("status", "VmSwap")))
            columns = [f"{'-' if amount is None else amount:>14}" for amount in (int(one.amount), pss, swap)]
            unit = one.labels(look).get("unit", "-")
            yield f"{' '.join(columns)} {len(one.pids):>9}  {one.name}, {one.user}, {unit}"


def _exact(look: Look, program: Program) -> Program:
    """Return the program with what its processes have from each other counted once, where that may be seen (Pss_Anon)."""
    exact = _sum(look, program.pids, "smaps_rollup", "Pss_Anon")
    return msgspec.structs.replace(program, amount=float(exact)) if exact else program


def _sum(look: Look, pids: tuple[int, ...], file: str, key: str) -> int | None:
    """Return a sum over processes of what their `/proc/PID/file` says in kB under `key`; None when one may not be asked."""
    total = 0
    for pid in pids:
        try:
            text = look.path(f"/proc/{pid}/{file}").read_text("utf-8", errors="surrogateescape")
        except PermissionError:
            return None
        except OSError:  # it ended, or the file is not of this system
            continue
        total += next((int(line.split()[1]) for line in text.split("\n") if line.startswith(f"{key}:")), 0)
    return total * 1024


def killed(look: Look) -> Iterator[Item]:
    """Yield how many were killed for want of memory since boot, and the last of them by name."""
    if not psutil.LINUX:
        yield Unseen(what="killed programs", reason="not_available", hint="not available on this system")
        return
    kills = parse_vmstat(look.path("/proc/vmstat").read_text("ascii")).get("oom_kill")
    if kills is not None:
        yield DiagnosisFact(name="oom_kills_total", value=float(kills), unit="count")
    if kills == 0:
        return
    yield from out_of_memory_records(look)


def out_of_memory_records(look: Look, program: str = "") -> Iterator[Item]:
    """Yield the kernel's records of whom it killed, those of `program` (as far as the kernel keeps a name) or all."""
    try:
        lines = kernel_lines(look, OUT_OF_MEMORY)
    except CollectorError as error:
        yield unreadable("kernel_log", error)
        return
    found = [(line, match) for line in lines if (match := OUT_OF_MEMORY.search(line.text))]
    found = [(line, match) for line, match in found if not program or match["program"] == program[:15]]
    for line, match in found[:MOST_KILLS]:
        labels = {"program": match["program"], "bytes": str(int(match["kilobytes"] or 0) * 1024)}
        yield DiagnosisFact(name="oom_kill_timestamp", value=line.at, unit="timestamp", labels=labels)
    if found:
        yield detail("out-of-memory.txt", shown([line for line, _ in found]), consent="excerpt")


STEPS = (amounts, programs, killed)
