"""A host of which three months are remembered, and what a report is made with."""

from __future__ import annotations

import shutil

import pytest

import recorded_year
from agent.configuration.config import load
from agent.report.making import Wanted, make_report
from agent.report.schedule import Period
from agent.store import Store

NOW, DAY = recorded_year.NOW, 86400.0
CONFIGURATION = """
[host]
name = "files-01"
role = "file server"
[customer]
name = "Müller & Partner"
zone = "Europe/Berlin"
[delivery]
desk = "helpdesk"
[desks.helpdesk]
client = "local"
"""


@pytest.fixture(scope="session")
def remembered(tmp_path_factory):
    """Return a state folder with three months in it; nobody may change it."""
    folder = tmp_path_factory.mktemp("remembered") / "state"
    folder.mkdir()
    recorded_year.write_year(folder)
    return folder


@pytest.fixture
def state(remembered, tmp_path):
    """Return a copy of it that may be changed."""
    return shutil.copytree(remembered, tmp_path / "state")


@pytest.fixture
def configured(tmp_path):
    """Return a function that reads the host's configuration, with more to it."""

    def read(more=""):
        path = tmp_path / "foretell.toml"
        path.write_text(CONFIGURATION + more, encoding="utf-8")
        return load(path)

    return read


@pytest.fixture
def report(configured):
    """Return a function that makes the report of the last 90 days of a state folder."""

    def make(folder, *, more="", **wanted):
        with Store.open(folder) as store:
            asked = Wanted(period=Period(NOW - 90 * DAY, NOW), now=NOW, **wanted)
            return make_report(asked, configured(more), folder, store, recorded_year.HOST)

    return make
