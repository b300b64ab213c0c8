"""The ticket that tests the way to a desk, at the embedded one: real, read back, and over again."""

import pytest

from agent.configuration.settings import Settings
from agent.setup.trial import try_desk
from agent.system.host import HostIdentity
from ticketing_clients.local import LocalDesk

NOW = 1_790_000_000.0
HOST = HostIdentity(id="0" * 32, name="web01", os="Debian GNU/Linux 12")


@pytest.fixture
def desk(tmp_path):
    """A desk without a ticket."""
    return LocalDesk(tmp_path, "local", NOW)


def test_it_is_opened_read_back_and_resolved(desk):
    """So nothing is left to do."""
    trial = try_desk(desk, HOST, Settings(), NOW)
    assert (trial.seen, trial.resolved) == (True, True)
    assert desk.read(trial.ref).status == "resolved"


def test_no_agent_takes_it_for_a_case(desk, monkeypatch):
    """Not even where it stays open: it is none of this host's tickets."""
    monkeypatch.setattr(LocalDesk, "resolve", lambda *_: None)
    trial = try_desk(desk, HOST, Settings(), NOW)
    assert not trial.resolved
    assert desk.list_open(HOST.id) == []
