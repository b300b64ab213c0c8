"""kill -9 at a chosen system call of a courier. Needs strace and Linux."""

from __future__ import annotations

import collections
import os
import random
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from deliveries import Deliveries

#: everything by which a courier speaks to its desk or to its disk, reading included
CALLS = "%network,pread64,pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename"
#: what a sample takes: where a desk hears of something, where it has done it, where we write it down, where that lasts
TELLING = {"sendto": 2, "recvfrom": 1, "pwrite64": 2, "fdatasync": 1}
STRACE = ("strace", "-f", "-qq")  # without --seccomp-bpf, with which strace 6.1 injects nothing
KILLED = {-9, 137}


def calls_of(deliveries: Deliveries, log: Path) -> dict[str, int]:
    """Let a courier deliver undisturbed; return how often it makes each of the CALLS."""
    done = deliveries.courier(*STRACE, "-o", str(log), "-e", f"trace={CALLS}")
    assert done.returncode == 0, done.stderr.decode()
    made = re.findall(r"^\d+ +(\w+)\(", log.read_text(errors="replace"), re.MULTILINE)
    return dict(sorted(collections.Counter(made).items()))


def kill(deliveries: Deliveries, call: str, number: int) -> bool:
    """Run a courier that dies when it makes `call` for the `number`th time; return whether it lived to make it."""
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    done = deliveries.courier(*STRACE, "-o", os.devnull, "-e", f"trace={call}", "-e", inject)
    assert done.returncode in {0} | KILLED, done.stderr.decode()
    return done.returncode in KILLED


def sample(calls: dict[str, int], seed: object) -> dict[str, list[int]]:
    """Choose as many of the telling calls as TELLING says, the same ones for the same seed."""
    chance = random.Random(str(seed))  # noqa: S311 - a sample, not a secret
    return {call: sorted(chance.sample(range(1, calls[call] + 1), size)) for call, size in TELLING.items()}


def every(calls: dict[str, int]) -> dict[str, Iterator[int]]:
    """Choose all calls; for a run may make one more than another did, without an end: stop at the first that outlives it."""
    return {call: count(1) for call in calls}
