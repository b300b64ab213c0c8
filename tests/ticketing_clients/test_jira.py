"""The Jira client on a stand-in of both deployments: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_jira import TOKEN, USER, FakeJira, FakeJiraDataCenter, specification
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context
from ticketing_clients.jira import PLUGIN

OPTIONS = {
    "project": "OPS",
    "issue_type": "10004",
    "user": USER,
    "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
    "resolution": "10000",
    "internal_role": "Betriebsteam",
}


def build_client(url, state_dir, token=TOKEN, **changes):
    """Return a client of the stand-in's project, with changed options."""
    options = PLUGIN.options(client="jira", url=url, **(OPTIONS | changes))
    return PLUGIN.build(options, Context(state_dir, token), "jira")


@pytest.fixture(scope="module")
def judge():
    """Return the vendor's specification, read once."""
    return specification()


class Contract(ClientContract):
    """What holds for all three."""

    deployment = "cloud"

    @pytest.fixture
    def build(self, desk, tmp_path):
        return lambda **changes: build_client(desk.url, tmp_path, deployment=self.deployment, **changes)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", tmp_path, PLANTED_SECRET, deployment=self.deployment)

    @pytest.fixture
    def person(self, desk):
        return desk


class TestCloud(Contract):
    """Jira Cloud keeps the contract, with an index that has nothing of what is new."""

    @pytest.fixture
    def desk(self):
        with FakeJira().running() as desk:
            yield desk


class TestDataCenter(Contract):
    """Jira Data Center keeps the contract."""

    deployment = "data_center"

    @pytest.fixture
    def desk(self):
        with FakeJiraDataCenter().running() as desk:
            yield desk


class TestSpecification(Contract):
    """Every request to the cloud keeps the vendor's own specification."""

    @pytest.fixture
    def desk(self, judge):
        with FakeJira(judge).running() as desk:
            yield desk
