"""What the tests of a client over a stand-in have in common.

Their module has `build_client(url, state_dir, **changes)`, a class `Person` made with the stand-in, and a fixture `desk` that
serves it.
"""

from __future__ import annotations

import pytest

from ticketing_clients.contract import ClientContract, new_ticket

NOWHERE = "http://127.0.0.1:9"  # the discard port, where nothing listens


@pytest.fixture
def build(request, desk, tmp_path):
    """Return a function that builds a client of the stand-in, with changed options."""
    return lambda **changes: request.module.build_client(desk.url, tmp_path, **changes)


@pytest.fixture
def client(build):
    """Return a client of the stand-in."""
    return build()


@pytest.fixture
def person(request, desk):
    """Return the people at the stand-in."""
    return request.module.Person(desk)


class StandInContract(ClientContract):
    """The contract over the module's stand-in."""

    @pytest.fixture
    def build(self, request, desk, tmp_path):
        return lambda **changes: request.module.build_client(desk.url, tmp_path, **changes)

    @pytest.fixture
    def unreachable(self, request, tmp_path):
        return request.module.build_client(NOWHERE, tmp_path)

    @pytest.fixture
    def person(self, request, desk):
        return request.module.Person(desk)

    def test_a_look_takes_no_more_requests_than_is_reckoned_with(self, client, build, desk):
        """A courier that looks at one ticket: `sizing` takes four requests for it, and none may take more than five."""
        ref = client.open(new_ticket())
        desk.seen.clear()
        build().read(ref)
        assert 1 <= len(desk.seen) <= 5
