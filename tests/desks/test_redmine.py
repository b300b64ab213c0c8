"""The Redmine client against the real server: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context
from ticketing_clients.redmine import PLUGIN

pytestmark = pytest.mark.desks


def build_client(url, token, state_dir, **changes):
    """Return a client of the project, set up as `redmine.sh` makes it unless changed."""
    options = {"project": "preventive", "tracker": 3, "key_field": 1, "host_field": 2, "largest_attachment": 900_000}
    return PLUGIN.build(
        PLUGIN.options(client="redmine", url=url, **(options | changes)), Context(state_dir, token), "redmine"
    )


@pytest.fixture
def build(redmine, tmp_path):
    """Return a function that builds a client of the running desk, with changed options."""

    def build(*, token=redmine.token, **changes):
        return build_client(redmine.url, token, tmp_path, **changes)

    return build


@pytest.fixture
def client(build):
    """Return a client of the running desk."""
    return build()


class TestContract(ClientContract):
    """Redmine keeps the contract."""

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", PLANTED_SECRET, tmp_path)

    @pytest.fixture
    def person(self, redmine):
        return redmine
