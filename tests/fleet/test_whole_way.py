"""The whole way and back on real parts: agent, Alertmanagers, relay, a Request Tracker with its people; and a Prometheus."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_parts import AGENTS_SECRET, Fleet, a_fleet, wait_until
from port_watcher import PortWatcher
from prometheus_parts import free_port, prometheus
from ticketing_clients import TicketRef
from whole_way import MINUTE

pytestmark = pytest.mark.fleet

SHIPPED_RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "foretell-fleet.rules.yml"


def agent_of(fleet: Fleet, folder: Path, port: int) -> PortWatcher:
    """Return an agent of the fleet, which asks its relay too."""
    folder.mkdir()
    (folder / "relay").write_text(AGENTS_SECRET)
    (folder / "relay").chmod(0o600)
    urls = ", ".join(f'"{member.url}"' for member in fleet.members)
    desk = f"""
        customer = {{ id = "acme", name = "ACME", zone = "Europe/Berlin" }}
        delivery.desk = "fleet"
        secrets.relay = "{folder / "relay"}"
        [desks.fleet]
        client = "alertmanager"
        urls = [{urls}]
        labels = {{ site = "berlin" }}
        relay = "{fleet.balancer.url}"
    """
    return PortWatcher(folder, port, desk, host=folder.parent.name)


@pytest.fixture
def tracked(tmp_path: Path, request_tracker) -> Iterator[Fleet]:
    """A fleet before a real Request Tracker; each case is a group of its own."""
    desk = f"""
        [desks.desk]
        client = "request_tracker"
        token_secret = "desk"
        url = "{request_tracker.url}"
        queue = "{request_tracker.queue}"
        urgency_field = "Urgency"
        window_field = "Window"
    """
    by = "[foretell_key, alertname, site]"
    with a_fleet(tmp_path, desk, secret=request_tracker.token, group_by=by, repeat_interval="10s") as fleet:
        yield fleet


def tickets(desk, title: str) -> list[dict]:
    """All tickets with these words in the title, open or not, as Request Tracker has them."""
    query = {"query": f"Queue='{desk.queue}' AND Subject LIKE '{title}'", "fields": "Subject,Status"}
    return desk.ask("GET", "tickets", params=query)["items"]


def written_on(desk, number: str) -> str:
    """Everything that was written on a ticket."""
    return desk.sees(TicketRef("desk", number))[1]


@pytest.mark.parametrize("end", ["confirm", "resolve"])
def test_a_port_that_closes_is_a_ticket_which_people_and_the_agent_end_together(
    tmp_path, tracked: Fleet, request_tracker, end: str
):
    """Opened by way of Alertmanager and Relay; taken on, mended, confirmed or closed by a person; the case and its alert end."""
    port = free_port()
    agent = agent_of(tracked, tmp_path / "agent", port)
    where = f"127.0.0.1:{port}"
    for _ in range(8):
        agent.cycle()
    assert agent.case.state == "open"
    [ticket] = wait_until(lambda: tickets(request_tracker, where))
    assert ticket["Status"] == "new"

    request_tracker.does(TicketRef("desk", ticket["id"]), "acknowledge")

    def taken_on():
        agent.cycle(16 * MINUTE)
        return agent.case.state == "acknowledged"

    wait_until(taken_on, every=3)
    with socket.create_server(("127.0.0.1", port)):
        for _ in range(4):
            agent.cycle(15 * MINUTE)
        assert agent.case.state == "awaiting_confirmation"
        wait_until(lambda: "foretell: confirm" in written_on(request_tracker, ticket["id"]))
        request_tracker.does(TicketRef("desk", ticket["id"]), end)

        def closed():
            agent.cycle(16 * MINUTE)
            return agent.case.state == "closed"

        wait_until(closed, 120, every=3)  # what the relay remembers of a ticket lasts a minute
        assert agent.case.closed_by == "person"
        agent.cycle()
    for member in tracked.members:
        wait_until(lambda member=member: member.ask("api/v2/alerts") == [])
    wait_until(lambda: [one["Status"] for one in tickets(request_tracker, where)] == ["resolved"])


def test_hosts_that_do_not_report_are_one_ticket_of_their_site_and_the_relays_numbers_are_scraped(
    tmp_path, tracked: Fleet, request_tracker
):
    """What the shipped rules find takes the same way, and the relay is watched like everything else."""
    site = tmp_path.name.replace("_", "-")[-30:]
    silent = [f"127.0.0.1:{free_port()}" for _ in range(4)]
    (tmp_path / "rules.yml").write_text(sooner(SHIPPED_RULES.read_text("utf-8")))
    members = ", ".join(repr(member.url.removeprefix("http://")) for member in tracked.members)
    replicas = ", ".join(repr(f"127.0.0.1:{replica.port}") for replica in tracked.replicas)
    configuration = f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{tmp_path / "rules.yml"}']
alerting: {{alertmanagers: [{{static_configs: [{{targets: [{members}]}}]}}]}}
scrape_configs:
- job_name: foretell
  static_configs: [{{targets: [{", ".join(map(repr, silent))}], labels: {{site: {site}}}}}]
- job_name: relay
  static_configs: [{{targets: [{replicas}]}}]
"""
    with prometheus(tmp_path / "prometheus", configuration) as server:
        [ticket] = wait_until(lambda: tickets(request_tracker, site))
        wait_until(lambda: f"4 of 4 hosts at {site} do not report" in everything_on(request_tracker, ticket["id"]))
        query = 'sum(foretell_relay_deeds_total{deed="opened"})'
        wait_until(
            lambda: [one["value"][1] for one in server.ask("api/v1/query", query=query)["data"]["result"]] == ["1"]
        )
    assert len(tickets(request_tracker, site)) == 1


def sooner(rules: str) -> str:
    """Return the rules with seconds for the minutes that they wait."""
    for minutes, seconds in (("[10m]", "[4s]"), ("offset 10m", "offset 4s"), ("for: 2m", "for: 2s")):
        assert minutes in rules
        rules = rules.replace(minutes, seconds)
    return rules


def everything_on(desk, number: str) -> str:
    """Everything on a ticket, internal comments too."""
    fields = {"fields": "Content,ContentType", "per_page": 100}
    return "\n".join(one["Content"] for one in desk.ask("GET", f"ticket/{number}/attachments", params=fields)["items"])
