"""A replay from a real Prometheus: node_exporter's names and our own, in pieces of time, give the file's tickets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent.configuration.config import load
from agent.replay.prometheus import HOSTS_AT_ONCE, PrometheusError, PrometheusRange
from agent.replay.replay import Replay
from prometheus_parts import need
from prometheus_parts import prometheus as run_prometheus

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
    need("prometheus", "promtool")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "metrics.txt").write_text("\n".join(metrics()))
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "metrics.txt", folder / "data"]
    subprocess.run(blocks, check=True, capture_output=True)
    with run_prometheus(folder, "", "--storage.tsdb.retention.time=100y") as server:
        yield server.url


@pytest.fixture(scope="module")
def configuration():
    return load(Path("/dev/null"), parts={"collectors", "rules"})


def history(url, configuration, **changes):
    units = {one.name: one.unit for collector in configuration.collectors for one in collector.plugin.readings}
    whole = {"start": START, "end": START + (HOURS - 1) * HOUR, "step": HOUR}
    return PrometheusRange(url, units, **(whole | changes))


@pytest.mark.parametrize("at_once", [1, HOSTS_AT_ONCE])
def test_a_filling_disk_is_found_in_prometheus(prometheus, configuration, monkeypatch, at_once):
    """Both exporters' names are understood, a host is its instance, and each reading comes once, in the order of its host's time.

    Whether a fleet is read host by host, or these two together.
    """
    monkeypatch.setattr("agent.replay.prometheus.HOSTS_AT_ONCE", at_once)
    source = history(prometheus, configuration)
    progress, recorded = [], []
    for one in source.readings():
        recorded.append(one)
        progress.append(source.progress)
    assert progress == sorted(progress)
    assert source.progress == 1
    assert len(recorded) == 2 * 2 * HOURS
    for host in ("web01:9100", "web02:19469"):
        times = [at for series, _, at in recorded if series.host == host]
        assert len(times) == 2 * HOURS
        assert times == sorted(times)
    replay = Replay(configuration)
    replay.feed(recorded)
    (ticket,) = replay.outcome().tickets
    assert ticket.subject == {"mountpoint": "/srv", "host": "web01:9100"}
    assert START + 2 * 24 * HOUR < ticket.opened_at < START + 9 * 24 * HOUR


def test_only_the_series_that_match_are_read(prometheus, configuration):
    """As PromQL writes it, for both exporters' names."""
    recorded = list(history(prometheus, configuration, match='instance=~"web02.*"').readings())
    assert {series.host for series, _, _ in recorded} == {"web02:19469"}


def test_a_range_without_history_has_no_readings(prometheus, configuration):
    """Before anything was scraped."""
    source = history(prometheus, configuration, start=START - 30 * 24 * HOUR, end=START - 29 * 24 * HOUR)
    assert list(source.readings()) == []
    assert source.progress == 1


def test_what_prometheus_refuses_is_said_in_its_words(prometheus, configuration):
    """A slip in the matchers."""
    with pytest.raises(PrometheusError, match="parse error"):
        list(history(prometheus, configuration, match="instance~web").readings())


def test_a_page_that_is_no_prometheus_is_said(prometheus, configuration):
    """The address of something else."""
    with pytest.raises(PrometheusError, match="not as Prometheus does"):
        list(history(f"{prometheus}/graph", configuration).readings())
