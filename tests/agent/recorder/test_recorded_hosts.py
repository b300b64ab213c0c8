"""Every recorded host tells what it told before: a folder in `tests/fixtures/hosts` is a test case, and needs no code."""

import re
import sys
from pathlib import Path

import pytest

from agent.collecting import CollectionRunner
from agent.configuration.config import ConfigFile, load
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from agent.recorder import READINGS, answering, built, default_plugins, read, replay
from agent.snapshot import Surroundings, take_snapshot
from agent.store import History, Store
from agent.system.host import HostIdentity

HOSTS = sorted(Path(__file__).parents[2].joinpath("fixtures/hosts").iterdir())

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the recorded hosts are Linux, and are asked as Linux is"),
    pytest.mark.parametrize("folder", HOSTS, ids=lambda folder: folder.name),
]


def test_its_collectors_tell_what_is_on_record(folder, tmp_path, golden):
    """Readings, and what could not be checked, are those of `readings.txt`."""
    golden(folder / READINGS, replay(read(folder), tmp_path))


def test_its_collectors_tell_only_what_they_declare(folder, tmp_path):
    """Name, unit and labels of every reading are on the reference page."""
    fixture = read(folder)
    with answering(fixture, tmp_path) as host:
        for collector in [built(plugin, host) for plugin in default_plugins()]:
            declared = {one.name: one for one in collector.readings}
            for reading in CollectionRunner([collector], lambda: 0.0).collect(fixture.manifest.at).readings:
                known = declared[reading.name]
                assert (reading.unit, set(reading.labels) - set(known.labels)) == (known.unit, set())


def test_its_metrics_are_those_on_record(folder, tmp_path, golden):
    """The page that Prometheus would see after the first cycle, but for the agent's version."""
    fixture = read(folder)
    with answering(fixture, tmp_path / "host") as host, Store.open(tmp_path, now=fixture.manifest.at) as store:
        configuration = load(ConfigFile("defaults", "[customer]\nzone = 'UTC'\n"), context=host)
        runner = CollectionRunner(configuration.collectors, lambda: 0.0)
        identity = HostIdentity(id="recorded", name="recorded", os="")
        history = History(store, configuration.settings.history)
        cycle = Pipeline(configuration, identity, store, history, runner.collect).cycle(fixture.manifest.at)
    around = Surroundings(started_at=0.0, duration=0.0, period=60.0, first_look_ends=0.0)
    metrics = Metrics({one.name: one.meaning for each in configuration.collectors for one in each.readings})
    metrics.update(take_snapshot(cycle, configuration, identity, around))
    page = re.sub(r'(foretell_build_info\{version=)"[^"]*"', r'\1"any"', metrics.text()[1].decode())
    golden(folder / "metrics.prom", page.replace(str(tmp_path / "host"), ""))


def test_it_holds_nothing_that_redaction_would_still_find(folder):
    """No address but a made-up one, no identifier that was not numbered, and no symlink."""
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())
    assert not re.findall(r"(?<![\d.])(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{1,3}){3}(?![\d.])", text)
    assert not re.findall(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", text)
    assert not re.findall(r"\b(?!0{8}-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", text)
    assert not re.findall(r"\b(?!0{12})[0-9a-f]{32,64}\b", text)
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
