"""The client of Jira Service Management on a stand-in: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_jira import TOKEN, USER
from fake_jira_service_management import Both, FakeServiceManagement
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context
from ticketing_clients.jira_service_management import PLUGIN

OPTIONS = {
    "project": "OPS",
    "request_type": "25",
    "user": USER,
    "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
    "resolution": "10000",
}


def build_client(url, state_dir, token=TOKEN, **changes):
    """Return a client of the stand-in's service project, with changed options."""
    options = PLUGIN.options(client="jira_service_management", url=url, **(OPTIONS | changes))
    return PLUGIN.build(options, Context(state_dir, token), "service")


@pytest.fixture(scope="module")
def judge():
    """Return the vendor's specifications, read once."""
    return Both()


@pytest.fixture
def desk():
    """Return a running stand-in."""
    with FakeServiceManagement().running() as desk:
        yield desk


@pytest.fixture
def build(desk, tmp_path):
    """Return a function that builds a client, with changed options."""
    return lambda **changes: build_client(desk.url, tmp_path, **changes)


@pytest.fixture
def client(build):
    """Return a client."""
    return build()


class TestContract(ClientContract):
    """Jira Service Management keeps the contract, with an index that has nothing of what is new."""

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", tmp_path, PLANTED_SECRET)

    @pytest.fixture
    def person(self, desk):
        return desk


class TestSpecification(TestContract):
    """Every request keeps the vendor's own specifications."""

    @pytest.fixture
    def desk(self, judge):
        with FakeServiceManagement(judge).running() as desk:
            yield desk
