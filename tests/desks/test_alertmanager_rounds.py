"""An agent in fleet mode through its days: the courier's rounds keep its alerts standing, and tell whoever missed something."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from port_watcher import PortWatcher
from prometheus_parts import alertmanagers, free_port
from whole_way import HOUR, MINUTE

pytestmark = pytest.mark.desks

CONFIGURATION = "{route: {receiver: nobody}, receivers: [{name: nobody}]}"
ROUND = 17 * MINUTE  # a little more than delivery.poll, whichever host this is


def agent_of(members, folder: Path, port: int) -> PortWatcher:
    """Return an agent that tells these Alertmanagers."""
    urls = ", ".join(f'"{member.url}"' for member in members)
    desk = f"""
        customer = {{ id = "acme" }}
        cases.confirm_within = "1h"
        delivery.desk = "fleet"
        [desks.fleet]
        client = "alertmanager"
        urls = [{urls}]
    """
    return PortWatcher(folder, port, desk, host=folder.name)


def standing(member):
    """Return our alerts at a member."""
    return member.ask("api/v2/alerts", filter='host="web01"')


@pytest.fixture
def cluster(tmp_path):
    """Return two members that tell nobody."""
    with alertmanagers(tmp_path / "alertmanager", CONFIGURATION) as members:
        yield members


@pytest.fixture
def open_case(tmp_path, cluster):
    """Return an agent with an open case, which both members have, and the port that would be well."""
    port = free_port()
    agent = agent_of(cluster, tmp_path, port)
    for _ in range(8):
        agent.cycle()
    assert agent.case.state == "open"
    assert [len(standing(member)) for member in cluster] == [1, 1]
    yield agent, port
    agent.resident.dispatcher.stop(5)
    agent.store.close()


def test_rounds_without_any_news_keep_the_alert_standing(open_case, cluster):
    """Two days pass, and nothing is said but that it is still so: the same alert ends later each time."""
    agent, _ = open_case
    [[before], _] = map(standing, cluster)
    time.sleep(1.1)  # an end is told to the second, and three rounds may be quicker than that
    for _ in range(3):
        agent.cycle(16 * HOUR)
    [[after], _] = map(standing, cluster)
    assert after["endsAt"] > before["endsAt"]
    assert after["fingerprint"] == before["fingerprint"]


def test_a_member_that_was_restarted_has_it_again_after_a_round(open_case, cluster):
    """It came back with nothing, and nobody did anything about it."""
    agent, _ = open_case
    cluster[0].stop()
    cluster[0].start()
    assert standing(cluster[0]) == []
    agent.cycle(ROUND)
    assert [len(standing(member)) for member in cluster] == [1, 1]


def test_an_end_that_a_member_missed_is_told_when_it_is_back(open_case, cluster):
    """No case is open any more, and the rounds go on until it has heard; then they stop."""
    agent, port = open_case
    cluster[1].stop()
    with socket.create_server(("127.0.0.1", port)):
        for _ in range(12):
            agent.cycle(15 * MINUTE)
        assert agent.case.state == "closed"
        assert standing(cluster[0]) == []
        health = agent.store.desk_health("fleet")
        assert (health.reachable, health.standing) == (True, True)
        assert cluster[1].url in health.detail
        cluster[1].start()
        agent.cycle(ROUND)
        assert not agent.store.desk_health("fleet").standing
        assert [standing(member) for member in cluster] == [[], []]
