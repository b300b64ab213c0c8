"""Checks that IT has already, for real: Debian's monitoring plugins, node_exporter, files, a chronyd; by `foretell check`."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from agent.collecting import HostAccess
from collectors import ntp
from thresholds import Severity

pytestmark = pytest.mark.collect

PLUGINS = Path("/usr/lib/nagios/plugins")
PAGE = Path(__file__).parents[2] / "docs/checks-of-your-own.md"
PATIENCE = 30.0  # seconds
FORETELL = (sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())")


def free_port(kind=socket.SOCK_STREAM):
    """Return a port of the loopback that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextlib.contextmanager
def started(*argv):
    """Run a server for the time of the block."""
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(PATIENCE)


def until(ready):
    """Wait until `ready` returns something, and return that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if found := ready():
                return found
        time.sleep(0.1)
    pytest.fail("it did not come up")


@pytest.fixture(scope="module")
def node_exporter():
    """A real node_exporter on loopback: where it shows its metrics."""
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        pytest.skip("needs Debian's prometheus-node-exporter: NOT tried against the real one")
    url = f"http://127.0.0.1:{free_port()}/metrics"
    with started(program, f"--web.listen-address={url.split('/')[2]}"):
        until(lambda: urllib.request.urlopen(url, timeout=5).read())
        yield url


@pytest.fixture
def plugins():
    """The folder of Debian's plugins."""
    if not (PLUGINS / "check_load").exists():
        pytest.skip("needs Debian's monitoring-plugins-basic: NOT tried against real plugins")
    return PLUGINS


def check(folder, text, expected=(0, 1, 3)):
    """Run `foretell check` as a user would, and return what it says."""
    config = folder / "foretell.toml"
    config.write_text(text)
    command = [
        *FORETELL,
        "check",
        "--json",
        "--config",
        config,
        "--state-dir",
        folder / "state",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=folder)
    assert done.returncode in expected, done.stderr
    return json.loads(done.stdout)


def readings(said, name):
    """Return the readings of one name by their labels' texts."""
    return {tuple(one["labels"].values()): one["value"] for one in said["readings"] if one["name"] == name}


def test_the_pages_examples_work_as_they_stand(tmp_path, plugins, node_exporter):
    """Every block of it in one configuration, with this test's own addresses."""
    text = "\n".join(re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    (tmp_path / "backup.prom").write_text('backup_bytes{job="db"} 5e8\n')
    text = text.replace("http://127.0.0.1:9100/metrics", node_exporter)
    text = text.replace("/var/lib/prometheus/node-exporter", str(tmp_path))
    assert str(plugins) in text
    said = check(tmp_path, text)
    assert readings(said, "nagios_status").keys() == {("swap",), ("people signed in",)}
    assert readings(said, "node_filefd_maximum")["node",] > 0
    assert readings(said, "backup_bytes")["db",] == 5e8
    judged = {finding["rule"]: finding["severity"] for finding in said["findings"]}
    assert judged["backup_small"] == Severity.WARNING
    known = {"cpu_saturated", "disk_space", "disk_inodes", "swap_low"}  # a machine without swap has none to judge
    unseen = [one for one in said["unknown"] if one.get("rule") not in {*known, None}]
    # check_dns comes with a package of its own, and there is no name server at that address
    assert [one for one in unseen if one["labels"] != {"check": "name server"}] == []


def test_plugins_of_all_four_kinds_of_answer(tmp_path, plugins):
    """Good, bad, unknown, and one that hangs: each in its own way, none holds up another."""
    commands = {
        "load": ["check_load", "-w", "100000,100000,100000", "-c", "200000,200000,200000"],
        "disk": ["check_disk", "-w", "99%", "-c", "1%", "-p", "/"],
        "closed": ["check_tcp", "-H", "127.0.0.1", "-p", "1"],
        "unknown": ["check_dummy", "3", "I do not know"],
        "wrong": ["check_load", "--no-such-option"],
    }
    text = "[collectors.nagios.checks]\n" + "".join(
        f"{name} = {{ command = {json.dumps([str(plugins / command[0]), *command[1:]])} }}\n"
        for name, command in commands.items()
    )
    text += 'hangs = { command = ["/bin/sleep", "600"], timeout = "2s" }\n[rules.nagios_problem]\nfor = "0s"\n'
    said = check(tmp_path, text)
    assert readings(said, "nagios_status") == {
        ("load",): 0,
        ("disk",): 1,
        ("closed",): 2,
        ("unknown",): 3,
        ("wrong",): 3,
    }
    assert readings(said, "nagios_performance").keys() >= {("load", "load1"), ("load", "load5"), ("load", "load15")}
    assert (
        0
        < readings(said, "nagios_performance_bytes")["disk", "/"]
        <= readings(said, "nagios_maximum_bytes")["disk", "/"]
    )
    found = {one["labels"]["check"] for one in said["findings"] if one["rule"] == "nagios_problem"}
    assert found == {"disk", "closed"}
    reasons = {one["labels"].get("check"): one["reason"] for one in said["unknown"]}
    assert reasons["hangs"] == "/bin/sleep did not finish in 2 s"
    assert reasons["unknown"] == reasons["wrong"] == "the source does not know"


def test_any_metric_of_a_real_exporter_can_have_a_limit(tmp_path, node_exporter):
    """A few lines of TOML; what is not there could not be checked."""
    said = check(
        tmp_path,
        f"""
        [collectors.exporter.targets.node]
        url = "{node_exporter}"
        metrics = ["node_memory_MemTotal_bytes", "node_boot_time_seconds", "node_cpu_*", "node_no_such_thing"]
        [rules.much_memory]
        summary = "There is memory"
        kind = "level"
        select = {{ reading = "node_memory_MemTotal_bytes", subject = ["exporter"] }}
        limits = {{ warning = 1 }}
        """,
        expected=(1,),
    )
    units = {one["name"]: one["unit"] for one in said["readings"]}
    assert (units["node_memory_MemTotal_bytes"], units["node_boot_time_seconds"]) == ("bytes", "timestamp")
    assert len([one for one in said["readings"] if one["name"] == "node_cpu_seconds_total"]) >= 8
    assert [one["labels"] for one in said["findings"] if one["rule"] == "much_memory"] == [{"exporter": "node"}]
    assert [one["reason"] for one in said["unknown"] if one.get("name") == "node_no_such_thing"] == [
        "there is no such metric; check its name"
    ]


def test_a_real_time_server_is_asked(tmp_path):
    """A chronyd that serves on loopback and leaves this machine's clock alone."""
    chronyd = shutil.which("chronyd", path="/usr/sbin:/usr/bin")
    if chronyd is None:
        pytest.skip("needs Debian's chrony: NOT tried against a real time server")
    port = free_port(socket.SOCK_DGRAM)
    config = tmp_path / "chrony.conf"
    config.write_text(
        f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 8\ncmdport 0\nbindcmdaddress /\n"
        f"pidfile {tmp_path}/pid\nuser root\n"
    )
    options = ntp.NtpOptions(servers=[f"127.0.0.1:{port}"], timeout=2.0)
    with started(chronyd, "-x", "-d", "-f", str(config)):

        def offset():
            items = ntp.PLUGIN.build(options, HostAccess(tmp_path)).collect(1.0)
            return [one.value for one in items if one.name == "ntp_deviation_seconds" and hasattr(one, "value")]

        assert until(offset)[0] < 1.0
