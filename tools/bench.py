"""Measures what the agent costs beside others that watch hosts, in one run on one host, and writes docs/performance.md (root).

    make bench                    half an hour
    make bench SECONDS=180        a quick look
    make bench PEERS=all          also beside glances, netdata and zabbix-agent2, those of them that are installed

The agent is measured as it is shipped: installed from its wheel with its locked dependencies for the system's own Python, at a
rhythm of 15 s like node_exporter's scrapes, and at its own of 60 s. The host is made by `bench_host`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import bench_host
from dated_results import ROOT, put, table
from peers import Cost, Peer, PeerFailed, measure

PAGE = ROOT / "docs" / "performance.md"
BUILD = ROOT / "build" / "bench"
SETTLE = 60.0  # seconds: the agent asks apt what can be updated at its first start, and then once a day
RHYTHM = 15.0
SYSTEM_PYTHONS = [Path(f"/usr/bin/python3.{minor}") for minor in (14, 13, 12, 11)]
SCRAPES = 1000
DEFAULT_SECONDS = 1800.0
BASELINE = "node_exporter"
_PORTS = iter(range(20_000, 32_000))
#: what the agent may cost, as a ratio to node_exporter's in the same run unless a unit is said: at most, and what we are after
BUDGET: Mapping[str, tuple[str, float, float]] = {
    "pss_mb": ("memory (PSS) of all its processes", 1.65, 1.30),
    "growth_mb": ("growth after 1,000 scrapes and the first ticket, MB", 1.0, 0.0),
    "cpu_s_per_hour": ("processor time, children included", 0.5, 0.35),
    "scrape_p50_ms": ("time of a scrape, median", 0.10, 0.05),
    "scrape_p99_ms": ("time of a scrape, 99th centile", 0.15, 0.07),
    "start_ms": ("start to the first page, ms", 600.0, 350.0),
    "wakeups_per_s": ("wake-ups a second", 1.0, 0.5),
    "installed_mb": ("installed beside Python, MB", 40.0, 25.0),
    "written_mb_per_hour": ("written to disk an hour, MB", 3.0, 1.5),
}
COLUMNS: Mapping[str, str] = {
    "pss_mb": "PSS MB",
    "growth_mb": "growth MB",
    "cpu_s_per_hour": "CPU s/h",
    "wakeups_per_s": "wake-ups/s",
    "written_mb_per_hour": "written MB/h",
    "start_ms": "start ms",
    "scrape_p50_ms": "scrape p50 ms",
    "scrape_p99_ms": "p99 ms",
    "cpu_ms_per_scrape": "CPU ms a scrape",
    "page_kb": "page kB",
}
ABSOLUTE = frozenset({"growth_mb", "start_ms", "wakeups_per_s", "installed_mb", "written_mb_per_hour"})


def install() -> Path:
    """Build the wheel and install it as the packages do, below `build/bench`; return that environment.

    For the system's Python rather than this one, whose pages would be shared with the measuring program.
    """
    python = next(
        (one for one in ("/usr/bin/python3.13", "/usr/bin/python3.12", "/usr/bin/python3.11") if Path(one).exists()),
        sys.executable,
    )
    shutil.rmtree(BUILD, ignore_errors=True)
    environ = os.environ | {"PYTHON": python}
    subprocess.run(
        [ROOT / "deploy/wheels.sh", str(BUILD)], cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run(
        [ROOT / "deploy/environment.sh", str(BUILD)], cwd=BUILD, env=environ, check=True, stdout=subprocess.DEVNULL
    )
    return BUILD / "opt/foretell"


def foretell(name: str, environment: Path, folder: Path, memory: Path, cycle: float) -> Peer:
    """Return the agent at this rhythm, with the embedded desk, so that its first tickets are opened.

    memory: a folder in memory, where it finds what its unit makes in /run.
    """
    address = _free_address()
    state, config, runtime = folder / name, folder / f"{name}.toml", memory / name
    state.mkdir()
    runtime.mkdir()
    config.write_text(f'[agent]\ncycle = "{cycle:g}s"\nfirst_look = "0s"\n')
    argv = [str(environment / "bin/python3"), "-I", str(environment / "bin/foretell"), "run"]
    options = ["--config", str(config), "--state-dir", str(state), "--listen", address]
    return Peer(
        name,
        [*argv, *options],
        f"http://{address}/metrics",
        expect="foretell_cycles_total",
        environ={"RUNTIME_DIRECTORY": str(runtime)},
    )


def others(everything: str, folder: Path) -> list[Peer]:
    """Return those of the others that are installed here, each as its package has it."""
    found = []
    exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if exporter is None:
        sys.exit("foretell: there is nothing to compare with; cure: apt-get install prometheus-node-exporter")
    address = _free_address()
    found.append(
        Peer(BASELINE, [exporter, f"--web.listen-address={address}"], f"http://{address}/metrics", expect="node_cpu")
    )
    if everything != "all":
        return found
    if glances := os.environ.get("GLANCES") or shutil.which("glances"):
        host, _, port = _free_address().partition(":")
        url = f"http://{host}:{port}/api/4/all"
        argv = [glances, "-w", "--bind", host, "--port", port, "--disable-check-update", "--time", "15"]
        found.append(Peer("glances-web", argv, url, expect="cpu"))
        host, _, port = _free_address().partition(":")
        config = folder / "glances.conf"
        config.write_text(f"[prometheus]\nhost={host}\nport={port}\nprefix=glances\nlabels=src:glances\n")
        argv = [
            glances,
            "--quiet",
            "--config",
            str(config),
            "--export",
            "prometheus",
            "--disable-check-update",
            "--time",
            "15",
        ]
        found.append(Peer("glances-export", argv, f"http://{host}:{port}/metrics", expect="glances_"))
    if netdata := shutil.which("netdata"):
        host, _, port = _free_address().partition(":")
        argv = [netdata, "-D", "-i", host, "-p", port]
        found.append(
            Peer("netdata", argv, f"http://{host}:{port}/api/v1/allmetrics?format=prometheus", expect="netdata_")
        )
    if zabbix := shutil.which("zabbix_agent2"):
        host, _, port = _free_address().partition(":")
        config, status = folder / "zabbix.conf", _free_address()
        config.write_text(
            f"Server=127.0.0.1\nListenIP={host}\nListenPort={port}\nHostname=bench\nLogType=console\n"
            f"ControlSocket={folder}/zabbix.sock\nPluginSocket={folder}/zabbix-plugin.sock\nStatusPort={status.rpartition(':')[2]}\n"
        )
        found.append(
            Peer("zabbix-agent2", [zabbix, "-c", str(config), "-f"], f"http://{status}/status", expect="Zabbix")
        )
    return found


def compare(seconds: float, everything: str) -> None:
    """Measure, print the tables, and write them into the page."""
    environment = install()
    memory = bench_host.folder()
    host = bench_host.SimulatedHost(memory)
    folder = BUILD / "state"  # on the disk, not in memory: what is written is counted
    folder.mkdir()
    host.mounts(50)
    version = subprocess.check_output([environment / "bin/python3", "--version"], text=True).strip()
    made_of = f"50 file systems on loop devices, {host.services(150)}, {host.packages(1500)}; the agent's is {version}"
    rhythms = {"foretell": RHYTHM, "foretell-60s": 60.0}
    programs = [foretell(name, environment, folder, memory, cycle) for name, cycle in rhythms.items()]
    programs += others(everything, folder)
    started: dict[Peer, float] = {}
    try:
        for peer in programs:
            try:
                started[peer] = peer.start()
            except PeerFailed as failure:
                if peer.name in {"foretell", BASELINE}:
                    raise
                print(f"left out: {failure}")
        costs = measure(started, settle=SETTLE, seconds=seconds, rhythm=RHYTHM, scrapes=SCRAPES)
    finally:
        for peer in programs:
            peer.close()
    command = (
        "make bench"
        + (f" SECONDS={seconds:g}" if seconds != DEFAULT_SECONDS else "")
        + (" PEERS=all" if everything == "all" else "")
    )
    put("comparison", command, _tables(costs, installed_mb(environment), seconds, made_of), PAGE)


def _tables(costs: Mapping[str, Cost], installed: float, seconds: float, made_of: str) -> str:
    ours, theirs = costs["foretell"], costs[BASELINE]
    rows = []
    for figure, (meaning, must, goal) in BUDGET.items():
        value = installed if figure == "installed_mb" else getattr(ours, figure)
        if figure not in ABSOLUTE:
            value /= getattr(theirs, figure)
        verdict = "goal met" if value <= goal else "within" if value <= must else "beyond"
        rows.append((meaning, round(value, 2), must, goal, verdict))
    budget = table(("figure", "measured", "at most", "goal", ""), rows)
    lines = [(name, *(round(getattr(cost, figure), 2) for figure in COLUMNS)) for name, cost in costs.items()]
    everybody = table(("program", *COLUMNS.values()), lines)
    return (
        f"{seconds:g} s after {SETTLE:g} s, each scraped once in {RHYTHM:g} s, then {SCRAPES:,} scrapes in turn; {made_of}.\n"
        f"Where no unit is said, a figure is the ratio to {BASELINE}'s in this run.\n\n{budget}\n\n{everybody}"
    )


def installed_mb(environment: Path) -> float:
    """Return the size of the installed environment, compiled files included and Python itself not, MB."""
    return (
        sum(file.lstat().st_size for file in environment.rglob("*") if file.is_file() and not file.is_symlink()) / 1e6
    )


def _free_address() -> str:
    """Return a loopback address that nobody listens on, another one each time; zabbix takes no port above 32767."""
    for port in _PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{port}"
    sys.exit("foretell: every port from 20000 to 32000 is taken")


if __name__ == "__main__":
    bench_host.enter()
    compare(float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS, sys.argv[2] if len(sys.argv) > 2 else "")  # noqa: PLR2004
