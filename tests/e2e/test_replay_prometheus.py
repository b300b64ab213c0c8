"""A replay from a real Prometheus: node_exporter's names and our own, in pieces of time, give the file's tickets."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from agent.config import load
from agent.prometheus import PrometheusError, PrometheusRange
from agent.replay import Replay

pytestmark = pytest.mark.e2e

START, HOUR = 1_772_668_800, 3600  # 2026-03-05 00:00 UTC
HOURS = 11 * 24


def metrics():
    """Yield two hosts' disks, filling and steady, as OpenMetrics with times: one told by node_exporter, one by us."""
    for prefix, instance in (("node", "web01:9100"), ("foretell", "web02:19469")):
        for name in ("avail", "size"):
            family = f"{prefix}_filesystem_{name}_bytes"
            yield f"# TYPE {family} gauge"
            for hour in range(HOURS):
                full = {"node": 60e9 - 6e9 * hour / 24, "foretell": 50e9}[prefix] if name == "avail" else 100e9
                labels = f'instance="{instance}",job="host",mountpoint="/srv",fstype="ext4",device="/dev/sda1"'
                yield f"{family}{{{labels}}} {max(full, 0)} {START + hour * HOUR}"
    yield "# EOF\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Return the address of a Prometheus with this history; skip where it is not installed."""
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("needs prometheus and promtool (Debian: apt-get install prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "metrics.txt").write_text("\n".join(metrics()))
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "metrics.txt", folder / "data"]
    subprocess.run(blocks, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_for(url, server, folder / "log")
            yield url
        finally:
            server.terminate()


def wait_for(url, server, log):
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail(f"prometheus ended: {log.read_text()[-2000:]}", pytrace=False)
        try:
            if requests.get(f"{url}/-/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise TimeoutError("prometheus did not become ready")


@pytest.fixture(scope="module")
def configuration():
    return load(Path("/dev/null"), parts={"collectors", "rules"})


def history(url, configuration, **changes):
    units = {one.name: one.unit for collector in configuration.collectors for one in collector.plugin.readings}
    whole = {"start": START, "end": START + (HOURS - 1) * HOUR, "step": HOUR}
    return PrometheusRange(url, units, **(whole | changes))


def test_a_filling_disk_is_found_in_prometheus(prometheus, configuration):
    """Both exporters' names are understood, a host is its instance, and each reading comes once, in the order of time."""
    source = history(prometheus, configuration)
    recorded = list(source.readings())
    assert source.progress == 1
    assert len(recorded) == 2 * 2 * HOURS
    assert [one.reading.at for one in recorded] == sorted(one.reading.at for one in recorded)
    replay = Replay(configuration)
    replay.feed(recorded)
    (ticket,) = replay.outcome().tickets
    assert ticket.subject == {"mountpoint": "/srv", "host": "web01:9100"}
    assert START + 2 * 24 * HOUR < ticket.opened_at < START + 9 * 24 * HOUR


def test_only_the_series_that_match_are_read(prometheus, configuration):
    """As PromQL writes it, for both exporters' names."""
    recorded = list(history(prometheus, configuration, match='instance=~"web02.*"').readings())
    assert {one.host for one in recorded} == {"web02:19469"}


def test_what_prometheus_refuses_is_said_in_its_words(prometheus, configuration):
    """A slip in the matchers."""
    with pytest.raises(PrometheusError, match="parse error"):
        list(history(prometheus, configuration, match="instance~web").readings())


def test_a_page_that_is_no_prometheus_is_said(prometheus, configuration):
    """The address of something else."""
    with pytest.raises(PrometheusError, match="not as Prometheus does"):
        list(history(f"{prometheus}/graph", configuration).readings())
