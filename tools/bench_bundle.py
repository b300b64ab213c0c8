"""Measures what a log bundle takes whose journal has 2 GB, while a daemon runs: time, memory of each child, memory of the daemon.

    make bench-bundle              half an hour, most of it to write the journal; writes the result down (root)
    tools/bench_bundle.py 50       another size of the journal, in MB (PYTHONPATH=tests/support)

The journal is a real one, written by systemd-journal-remote and read by journalctl: it is put in place of the host's in a mount
namespace that ends with the daemon. The daemon is `foretell run`; consent, an open ticket and the local desk do the rest.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR
from agent.consent.gate import decide
from agent.consent.levels import Grant, Scope
from agent.following.model import Delivered
from agent.store import Store
from dated_results import ROOT, put, table
from deliveries import DESK, Deliveries
from ticketing_clients.local import FILE_NAME

MEGABYTES = 2000
WINDOW = 2 * HOUR
UNIT = "shop.service"
WRITER = Path("/lib/systemd/systemd-journal-remote")
JOURNALS = Path("/var/log/journal")
LOOK_EVERY = 0.05  # seconds between two looks at who has how much memory
PATIENCE = 900.0  # seconds
SETTLED = 30.0  # seconds after which the daemon has run some cycles, and somebody consents
HEAD = ("what", "seconds", "peak memory, MB")
CONFIG = f"""
[agent]
cycle = "5s"
[delivery]
desk = "{DESK}"
[desks.{DESK}]
client = "local"
[bundle]
grace = "0s"
span = "4h"
"""


def entries(megabytes: int, now: float) -> Iterator[bytes]:
    """Yield entries in journald's export format (systemd.io/JOURNAL_EXPORT_FORMATS) of about so many megabytes in all.

    They are spread evenly over the window: two of a unit for each of the service manager's, of the length of a stack trace.
    """
    draw = random.Random(1)  # noqa: S311 - to be the same each time
    boot, machine = "5f" * 16, Path("/etc/machine-id").read_text("ascii").strip()
    count = megabytes * 1440  # an entry takes about 700 bytes of the journal
    for number in range(count):
        at = int((now - WINDOW + WINDOW * number / count) * 1e6)
        if number % 3:
            unit, program = UNIT, "shop"
            said = f"GET /item/{draw.getrandbits(40):x} for session {draw.randbytes(350).hex()}"
        else:
            unit, program = "init.scope", "systemd"
            said = f"Started shop@{number}.service - Shop {draw.randbytes(350).hex()}."
        fields = {
            "__REALTIME_TIMESTAMP": at,
            "__MONOTONIC_TIMESTAMP": number,
            "_BOOT_ID": boot,
            "_MACHINE_ID": machine,
            "_HOSTNAME": "web01",
            "PRIORITY": 6,
            "SYSLOG_IDENTIFIER": program,
            "_PID": 1000 + number % 50,
            "_SYSTEMD_UNIT": unit,
            "MESSAGE": said,
        }
        yield "".join(f"{name}={value}\n" for name, value in fields.items()).encode() + b"\n"


def write_journal(folder: Path, megabytes: int, now: float) -> float:
    """Write the journal below `folder` as journald would have, and return how many MB it has."""
    home = folder / Path("/etc/machine-id").read_text("ascii").strip()
    home.mkdir(parents=True)
    argv = [str(WRITER), f"--output={home / 'system.journal'}", "-"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        for entry in entries(megabytes, now):
            writer.stdin.write(entry)  # type: ignore[union-attr]  # it was asked for
    return sum(file.stat().st_size for file in home.iterdir()) / 1e6


def prepare(folder: Path, now: float) -> Path:
    """Leave a state folder with a failed service whose ticket is there; return it."""
    config, state = folder / "foretell.toml", folder / "state"
    config.write_text(CONFIG)
    deliveries = Deliveries(state, config)
    deliveries.now = now
    key = deliveries.add_case("open")
    deliveries.deliver_here()
    with Store.open(state) as store:
        found, opened = store.case(key), store.take_events()[0]
        if found is None or not isinstance(opened, Delivered):
            sys.exit("the local desk took no ticket; cure: foretell check")
        changes = {"rule": "service_failed", "subject": {"unit": UNIT}, "ticket": opened.ref, "opened_at": now}
        case = msgspec.structs.replace(found, **changes, judged_at=now, last_seen=now, changed_at=now)
        store.save_case(case, [], now)
    return state


def consent(folder: Path, now: float) -> None:
    """Let excerpts of logs leave."""
    scope = Scope(customer="default")
    grant = Grant(
        by="bench",
        entered_by="bench",
        at=now,
        level="excerpt",
        scope=scope,
        until=now + DAY,
        wording="1",
        way="command",
    )
    decide(folder / "state", load(folder / "foretell.toml", parts={"rules"}), grant, now)


def daemon(folder: Path, journals: Path) -> subprocess.Popen[bytes]:
    """Start `foretell run` where `journals` are the host's."""
    hide = f'mount --make-rprivate / && mount --bind "{journals}" {JOURNALS} && exec "$@"'
    foretell = [str(Path(sys.executable).with_name("foretell")), "run", "--config", str(folder / "foretell.toml")]
    state = ["--state-dir", str(folder / "state"), "--listen", "127.0.0.1:0", "--log-level", "warning"]
    argv = ["unshare", "--mount", "sh", "-c", hide, "sh", *foretell, *state]
    return subprocess.Popen(argv, cwd="/", stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})


class Watched:
    """What a process and its children have had of memory at most, MB, by what they are, and when they were seen."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.before: list[float] = []  # of the process itself, while it had no children
        self.own: list[float] = []  # of it, once it had one
        self.peaks: dict[str, float] = {}
        self.times: dict[str, tuple[float, float]] = {}

    def look(self) -> None:
        """Take note of all of them once."""
        children = self.process.children(recursive=True)
        (self.own if self.peaks or children else self.before).append(_memory(self.process.pid, "VmRSS"))
        for child in children:
            try:
                name = _called(child.cmdline())
            except psutil.Error:
                continue  # it ended
            now = time.monotonic()
            self.peaks[name] = max(self.peaks.get(name, 0.0), _memory(child.pid, "VmHWM"))
            self.times[name] = (self.times.get(name, (now, now))[0], now)


def _called(argv: list[str]) -> str:
    """Return the module that Python runs, or what it runs as a child of the daemon, or the program's name."""
    modules = [one for one in argv[argv.index("-m") + 1 :] if one != "agent.child"] if "-m" in argv else []
    return modules[0] if modules else Path(argv[0]).name if argv else ""


def _memory(pid: int, what: str) -> float:
    try:
        match = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def attached(state: Path) -> list[int]:
    """Return the sizes of the files that the desk has, in bytes."""
    with sqlite3.connect(f"file:{state / FILE_NAME}?mode=ro", uri=True) as desk:
        return [size for (size,) in desk.execute("SELECT length(content) FROM attachments")]


def watch(agent: subprocess.Popen[bytes], state: Path) -> Watched:
    """Look at the daemon and its children until the desk has the bundle; it notices consent within five minutes."""
    watched, until = Watched(agent.pid), time.monotonic() + PATIENCE
    while not attached(state):
        if agent.poll() is not None or time.monotonic() > until:
            sys.exit("no bundle came; cure: see what the daemon said above")
        watched.look()
        time.sleep(LOOK_EVERY)
    return watched


def main(megabytes: int) -> None:
    """Measure, and write the table down if it is of the whole size."""
    if os.geteuid() != 0 or not WRITER.exists() or not JOURNALS.is_dir() or shutil.which("unshare") is None:
        sys.exit(f"needs root, unshare, {WRITER} (Debian package systemd-journal-remote) and the folder {JOURNALS}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # 2 GB, which a tmpfs may not have
        folder, now = Path(name), time.time()
        real = write_journal(folder / "journal", megabytes, now)
        print(f"the journal has {real:,.0f} MB", flush=True)
        state = prepare(folder, time.time())
        agent = daemon(folder, folder / "journal")
        try:
            time.sleep(SETTLED)
            consent(folder, time.time())
            watched = watch(agent, state)
            [size] = attached(state)
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait(60)
    rows: list[list[object]] = [
        [f"`{one}`", round(watched.times[one][1] - watched.times[one][0], 1), round(watched.peaks[one], 1)]
        for one in ("agent.delivery.bundling", "agent.bundle", "agent.diagnosis", "journalctl")
        if one in watched.peaks
    ]
    rows.append(["the daemon before", "-", round(max(watched.before), 1)])
    rows.append(["the daemon from then until the desk has it", "-", round(max(watched.own), 1)])
    text = f"A journal of {real:,.0f} MB, all within the window; a bundle of {size:,} bytes.\n\n{table(HEAD, rows)}"
    if megabytes == MEGABYTES:
        put("bundle benchmark", "make bench-bundle", text, ROOT / "docs" / "bundles.md")
    else:
        print(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
