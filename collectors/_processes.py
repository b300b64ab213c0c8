"""Count processes by name, cheaply: one small file per process on Linux, psutil elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import psutil

from collectors._plugin import CollectorContext, CollectorError
from collectors._reading import CouldNotCheck, Reading

_KERNEL_KEEPS = 15  # characters of a process's name (TASK_COMM_LEN)
_DEAD = frozenset("ZXx")


class WatchedProcess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that has to run."""

    name: Annotated[str, msgspec.Meta(min_length=1, description="Its name, without path or arguments.")]
    at_least: Annotated[int, msgspec.Meta(ge=1, description="How many of it have to run.")] = 1
    user: Annotated[str | None, msgspec.Meta(description="Count only those of this user; anybody's when left out.")] = (
        None
    )


class Process(msgspec.Struct, frozen=True):
    """A living process: its name, and the numeric id (Linux) or name (elsewhere) of its user."""

    name: str
    user: str


def process_readings(
    context: CollectorContext, watched: Sequence[WatchedProcess], at: float
) -> Iterator[Reading | CouldNotCheck]:
    """Yield for each watched program how many of it live, and whether that is too few."""
    try:
        living = list(_processes(context))
    except (CollectorError, OSError) as error:
        yield from (CouldNotCheck("processes_running", _labels(program), str(error)) for program in watched)
        return
    for program in watched:
        try:
            count = _count(living, program)
        except KeyError:
            yield CouldNotCheck("processes_running", _labels(program), f"this host knows no user {program.user}")
            continue
        yield Reading("processes_running", float(count), "count", _labels(program), at)
        yield Reading("process_missing", float(count < program.at_least), "boolean", _labels(program), at)


def _labels(program: WatchedProcess) -> dict[str, str]:
    return {"process": program.name} if program.user is None else {"process": program.name, "user": program.user}


def _count(living: Iterable[Process], program: WatchedProcess) -> int:
    user = program.user
    if sys.platform == "linux" and user is not None and not user.isdecimal():
        import pwd  # noqa: PLC0415 - there is none on Windows

        user = str(pwd.getpwnam(user).pw_uid)
    return sum(1 for process in living if process.name == program.name and user in {None, process.user})


def _processes(context: CollectorContext) -> Iterator[Process]:
    """Yield the living processes. Raise CollectorError where others' are hidden: a missing one would prove nothing."""
    if not psutil.LINUX:
        found = psutil.process_iter(["name", "username", "status"])
        for process in found:
            if process.info["status"] != psutil.STATUS_ZOMBIE:
                yield Process(process.info["name"] or "", process.info["username"] or "")
        return
    proc = context.path("/proc")
    if not (proc / "1" / "stat").exists():
        raise CollectorError(
            "/proc shows only the agent's own processes (hidepid); add the agent to the group it names"
        )
    yield from _living(proc)


def _living(proc: Path) -> Iterator[Process]:
    with os.scandir(proc) as entries:
        for entry in entries:
            if not entry.name.isdecimal():
                continue
            try:
                name, state = parse_stat(Path(entry.path, "stat").read_bytes().decode("utf-8", "surrogateescape"))
                if state in _DEAD:
                    continue
                if len(name) >= _KERNEL_KEEPS:
                    name = _whole_name(name, Path(entry.path, "cmdline").read_bytes())
                yield Process(name, str(entry.stat().st_uid))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked


def parse_stat(stat: str) -> tuple[str, str]:
    """Given `/proc/PID/stat`, return name and state.

    >>> parse_stat("7 (a) b (c)) S 1 7")
    ('a) b (c)', 'S')
    """
    before, _, after = stat.rpartition(")")
    return before.partition("(")[2], after.strip()[:1]


def _whole_name(name: str, command_line: bytes) -> str:
    """Return the name the kernel cut: the program, or the script an interpreter runs, stands whole in the command line."""
    for argument in command_line.decode("utf-8", "surrogateescape").split("\0")[:2]:
        whole = argument.rpartition("/")[2]
        if whole.startswith(name):
            return whole
    return name
