"""The Debian package under a real systemd, from installation to purge, on a host without a network.

The tests go one after the other over one host, as an administrator does; each leaves the service running as it found it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from booted_host import BootedHost, until

pytestmark = pytest.mark.install

ADDRESS = "http://127.0.0.1:19469"
FACTS = "/run/foretell-privileged/facts.json"
CONFIG = "/etc/foretell/foretell.toml"
SECRET = "pl4nted-s3cret-XYZZY"  # what it protects is this test
QUICK = """
[customer]
zone = "Europe/Berlin"
[agent]
cycle = "5s"
first_look = "0s"
[rules]
service_failed = {for = "0s", verify = "1s"}
service_restarting = {for = "0s", limits = {over = "20s"}}
timer_stopped = {for = "0s"}
[collectors]
services.interval = "5s"
"""
UNREACHABLE = """
[desks.events]
client = "webhook"
url = "http://127.0.0.1:9/foretell"
[delivery]
desk = "events"
[secrets]
webhook = "/etc/foretell/secrets/webhook"
"""
FLAPPING = """
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/sleep 1
Restart=always
RestartSec=1s
"""
HOURLY = "[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n"
VICTIM = "[Service]\nExecStart=/usr/bin/sleep infinity\n"


def ask(host: BootedHost, path: str) -> str:
    """Return what the agent answers on the host's loopback."""
    fetch = f"import urllib.request as u; print(u.urlopen('{ADDRESS}{path}', timeout=10).read().decode())"
    return host.run("python3", "-c", fetch)


def configure(host: BootedHost, text: str) -> None:
    """Have the service go on with another configuration."""
    host.write(CONFIG, text)
    before = host.run("journalctl", "-u", "foretell").count("going on with the configuration")
    host.run("systemctl", "reload", "foretell")
    until(lambda: host.run("journalctl", "-u", "foretell").count("going on with the configuration") > before)
    until(lambda: _is_ready(host))


def _is_ready(host: BootedHost) -> bool:
    return bool(re.search(r"^ready", host.run("python3", "-c", _READY, check=False)))


_READY = f"import urllib.request as u; print(u.urlopen('{ADDRESS}/readyz', timeout=10).read().decode())"


def cases(host: BootedHost) -> list[dict[str, object]]:
    """Return the cases that the agent follows."""
    found: list[dict[str, object]] = json.loads(host.run("foretell", "cases", "--all", "--json"))
    return found


def case_of(host: BootedHost, unit: str) -> dict[str, object]:
    """Return the case about a unit; empty while there is none."""
    return next((one for one in cases(host) if one["subject"] == {"unit": unit}), {})


def main_pid(host: BootedHost) -> str:
    return host.property("foretell", "MainPID")


def test_it_runs_at_once_and_all_self_checks_can_be_made(host):
    """Nothing was asked, nothing was fetched: active, healthy, and the doctor finds nothing to mend."""
    until(lambda: _is_ready(host))
    assert host.property("foretell", "ActiveState") == "active"
    assert "alive" in ask(host, "/healthz")
    verdicts = json.loads(host.run("foretell", "doctor", "--json", check=False))
    wrong = [one for one in verdicts if one["verdict"] == "wrong"]
    assert {one["subject"] for one in wrong} <= {"page"}, wrong  # its port is taken: by the agent


def test_systemd_reckons_it_as_closed_as_it_is_said_to_be(host):
    """1.6 where 10 is open to everything, as it runs."""
    told = host.run("systemd-analyze", "security", "foretell", "--no-pager").splitlines()[-1]
    assert float(re.search(r"\d+\.\d+", told)[0]) <= 1.6  # type: ignore[index]


def test_readings_are_the_same_inside_and_outside_the_unit(host):
    """The same series; and the same values of all that does not change from moment to moment."""
    outside = json.loads(
        host.run(
            "runuser", "-u", "foretell", "--", "foretell", "check", "--json", "--state-dir", "/run/none", check=False
        )
    )["readings"]
    steady = (
        "filesystem_size_bytes",
        "filesystem_files",
        "filesystem_readonly",
        "memory_total_bytes",
        "service_failed",
    )
    expected = {
        (f"foretell_{one['name']}", _labels(one["labels"].items())): one["value"]
        for one in outside
        if one["name"] in steady and one["labels"]
    }
    assert len(expected) > 10
    host.run(
        "systemctl", "restart", "foretell"
    )  # services are read every few minutes, and the package has just brought two
    until(lambda: _is_ready(host))
    inside = _told(host)
    assert {series: inside[series] for series in expected} == pytest.approx(expected)


def _told(host: BootedHost) -> dict[tuple[str, str], float]:
    """Return each series of the page by its name and labels."""
    series = re.findall(r"^(foretell_\w+)\{(.*)\} (\S+)$", ask(host, "/metrics"), re.MULTILINE)
    return {(name, _labels(re.findall(r'([a-z_]+)="([^"]*)"', labels))): float(value) for name, labels, value in series}


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(pairs))


def test_a_unit_that_is_killed_becomes_a_ticket_and_its_restart_is_verified(host):
    """At the desk of its own, and followed from the failure to the question whether it is fixed."""
    host.write("/etc/systemd/system/victim.service", VICTIM)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "victim")
    configure(host, QUICK)
    host.run("systemctl", "kill", "--signal=KILL", "victim")
    until(lambda: bool(case_of(host, "victim.service").get("ticket")))
    host.run("systemctl", "restart", "victim")
    until(lambda: case_of(host, "victim.service")["state"] == "awaiting_confirmation")
    host.run("systemctl", "stop", "victim")


def test_a_unit_that_flaps_and_a_timer_that_stops_become_tickets(host):
    """One that systemd starts again and again never counts as failed; one that is enabled and does not run does nothing."""
    host.write("/etc/systemd/system/flapping.service", FLAPPING)
    host.write("/etc/systemd/system/hourly.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/true\n")
    host.write("/etc/systemd/system/hourly.timer", HOURLY)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "enable", "--now", "hourly.timer")
    host.run("systemctl", "start", "flapping")
    until(lambda: bool(case_of(host, "flapping.service").get("ticket")))
    assert case_of(host, "flapping.service")["rule"] == "service_restarting"
    host.run("systemctl", "stop", "flapping", "hourly.timer")
    until(lambda: case_of(host, "hourly.timer").get("rule") == "timer_stopped")
    host.run("systemctl", "disable", "hourly.timer")


def test_a_broken_file_is_told_and_the_old_configuration_stays_in_force(host):
    """In the log with the key, and in the status line; the service goes on, the children too."""
    pid = main_pid(host)
    host.write(CONFIG, QUICK.replace("cycle =", "cycel ="))
    host.run("systemctl", "reload", "foretell")
    until(lambda: "stays in force" in host.property("foretell", "StatusText"))
    assert "agent.cycel" in host.run("journalctl", "-u", "foretell")
    assert "alive" in ask(host, "/healthz")
    assert main_pid(host) == pid
    configure(host, QUICK)


def test_one_that_hangs_is_started_anew(host):
    """Stopped in its tracks it is silent; systemd kills it and starts another, which has the cases again."""
    host.write("/etc/systemd/system/foretell.service.d/quick.conf", "[Service]\nWatchdogSec=4s\nRestartSec=1s\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "foretell")
    until(lambda: _is_ready(host))
    before, pid = {case["key"] for case in cases(host)}, main_pid(host)
    host.run("kill", "-STOP", pid)
    until(lambda: host.property("foretell", "NRestarts") == "1" and main_pid(host) not in {"0", pid})
    until(lambda: _is_ready(host))
    assert before <= {case["key"] for case in cases(host)}
    assert "watchdog" in host.run("journalctl", "-u", "foretell").lower()
    (host.root / "etc/systemd/system/foretell.service.d/quick.conf").unlink()
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "foretell")


def test_an_upgrade_keeps_what_waits_for_the_desk_and_the_configuration(host, package, tmp_path):
    """A ticket for a desk that does not answer is queued before and after; the file stays to the byte."""
    host.write("/etc/foretell/secrets/webhook", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    host.run("chgrp", "foretell", "/etc/foretell/secrets/webhook")
    host.run("chmod", "0640", "/etc/foretell/secrets/webhook")
    text = QUICK + UNREACHABLE + "\n# a remark of the administrator's\n"
    until(lambda: _is_ready(host))
    configure(host, text)
    host.write("/etc/systemd/system/second.service", VICTIM)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "second")
    host.run("systemctl", "kill", "--signal=KILL", "second")

    def waiting() -> list[str]:
        return [
            one["operation"]["id"] for one in json.loads(host.run("foretell", "outbox", "--json", check=False) or "[]")
        ]

    until(lambda: bool(waiting()))
    before = waiting()
    pid = main_pid(host)
    host.install(_next_version(package, tmp_path))
    assert main_pid(host) not in {"0", pid}
    until(lambda: _is_ready(host))
    assert set(before) <= set(waiting())
    assert host.read(CONFIG) == text


def _next_version(package: Path, folder: Path) -> Path:
    """Return the same package under a higher version."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.1.0+next", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, folder / "next.deb"], check=True, stdout=-3)
    return folder / "next.deb"


def test_a_secret_shows_nowhere(host):
    """Passed by systemd as a credential: not in processes, environments, log, page, metrics, doctor, status."""
    host.write("/root/token", SECRET)
    host.write("/etc/systemd/system/foretell.service.d/secret.conf", "[Service]\nLoadCredential=rt_token:/root/token\n")
    host.write(
        CONFIG,
        QUICK
        + '[desks.rt]\nclient = "request_tracker"\nurl = "http://127.0.0.1:9/rt"\nqueue = "General"\n'
        + 'token_secret = "rt_token"\n[delivery]\ndesk = "rt"\n',
    )
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "foretell")
    until(lambda: _is_ready(host))
    until(lambda: "reachable" in ask(host, "/metrics"))
    shown = {
        "processes": host.run("ps", "axww", "-o", "args"),
        "environments": host.run("sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False),
        "log": host.run("journalctl", "--no-pager"),
        "page": ask(host, "/"),
        "metrics": ask(host, "/metrics"),
        "doctor": host.run("foretell", "doctor", check=False),
        "status": host.run("foretell", "status", "--json", check=False),
    }
    assert {where for where, text in shown.items() if SECRET in text} == set()
    assert all(shown.values())


def test_nothing_that_root_runs_may_be_written_by_the_agent(host):
    """Program, unit, configuration: root's, and nobody else may write them."""
    places = ["/opt/foretell", "/usr/bin/foretell", "/lib/systemd/system/foretell.service", "/etc/foretell"]
    listed = host.run("find", *places, "!", "-type", "l", "-printf", "%u %m %p\\n").splitlines()
    assert len(listed) > 1000
    assert [line for line in listed if not line.startswith("root ") or int(line.split()[1], 8) & 0o022] == []


def test_what_only_root_can_read_is_written_down_within_its_unit(host):
    """Every restriction of the unit in force; containers, which this host is, have it started only by a drop-in."""
    host.run("systemctl", "start", "foretell-privileged.service")
    assert host.property("foretell-privileged", "ConditionResult") == "no"
    assert not (host.root / FACTS.removeprefix("/")).exists()
    drop_in = "/etc/systemd/system/foretell-privileged.service.d/container.conf"
    host.write(drop_in, "[Unit]\nConditionVirtualization=\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "foretell-privileged.service")
    assert host.property("foretell-privileged", "Result") == "success"
    as_agent = ("runuser", "-u", "foretell", "--")
    facts = json.loads(host.run(*as_agent, "cat", FACTS))
    assert facts["smart"] == {"missing": "/usr/sbin/smartctl"}
    assert facts["deleted"]["found"] is not None
    assert host.run("stat", "-c", "%U:%G %a", FACTS).strip() == "root:foretell 640"
    assert "denied" in host.run(*as_agent, "sh", "-c", f"echo x > {FACTS}", check=False).lower()
    assert "denied" in host.run(*as_agent, "rm", "-f", FACTS, check=False).lower()
    shutil.rmtree((host.root / drop_in.removeprefix("/")).parent)
    host.run("systemctl", "daemon-reload")


@pytest.mark.parametrize(
    "hostile",
    [
        ("PYTHONPATH=/srv/evil", "PYTHONHOME=/srv/evil", "PYTHONSTARTUP=/srv/evil/json.py"),
        ("HOME=/nonexistent", "LANG=C", "LC_ALL=C", "TZ=Pacific/Chatham"),
        ("PATH=/srv/evil", "LANG=zh_CN.GB18030", "TZ=:/no/such/zone"),
    ],
)
def test_a_hostile_environment_changes_nothing(host, hostile):
    """Neither modules nor programs of somebody else's are run; from a folder full of them."""
    host.write("/srv/evil/json.py", "raise SystemExit('a module of somebody else was run')\n")
    host.write("/srv/evil/systemctl", "#!/bin/sh\ntouch /srv/evil/ran\n")
    host.run("chmod", "-R", "a+rx", "/srv/evil")
    argv = ("runuser", "-u", "foretell", "--", "/usr/bin/env", "--chdir=/srv/evil", *hostile)
    said = host.run(*argv, "/usr/bin/foretell", "check", "--json", "--state-dir", "/run/none", check=False)
    assert json.loads(said[said.index("{") :])["readings"], said
    assert not (host.root / "srv/evil/ran").exists()


def test_a_purge_leaves_nothing(host):
    """No file, no user, no unit, no process."""
    host.run("DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "foretell")
    # What the administrator made is the administrator's to remove.
    shutil.rmtree(host.root / "etc/systemd/system/foretell.service.d", ignore_errors=True)
    for deb in (host.root / "root").glob("*.deb"):
        deb.unlink()
    left = host.run(
        "find", "/", "-xdev", "-iname", "*foretell*", "-not", "-path", "/proc/*", "-not", "-path", "/var/log/*"
    )
    assert left == ""
    assert "foretell" not in host.read("/etc/passwd") + host.read("/etc/group")
    assert "foretell" not in host.run("ps", "axww", "-o", "args")
