"""An agent and a relay, scraped by a real Prometheus with the shipped rules: every query of every dashboard has an answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from fleet import alert, notification
from fleet_desk import FleetDesk, desk_table
from fleet_parts import ALERTMANAGERS_SECRET, Replica, wait_until
from prometheus_parts import free_port, prometheus

pytestmark = pytest.mark.e2e

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
PATIENCE = 60  # seconds until every query has an answer
CONFIGURATION = """
[host]
id = "dashboards"
name = "web01"
[customer]
id = "acme"
[agent]
cycle = "5s"
first_look = "0s"
[collectors.certificates]
files = ["{certificate}"]
"""
SCRAPING = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ['{folder}/*.rules.yml']
scrape_configs:
- job_name: foretell
  static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{site: berlin}}}}]
- job_name: foretell-relay
  static_configs: [{{targets: ['127.0.0.1:{relay}']}}]
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """Run an agent that has something to forecast: a certificate that ends in five days. Return its port."""
    folder = tmp_path_factory.mktemp("agent")
    certificate, port = folder / "shop.pem", free_port()
    request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out shop.pem -days 5 -subj /CN=shop.example"
    subprocess.run(["openssl", *request.split()], cwd=folder, check=True, capture_output=True)
    (folder / "foretell.toml").write_text(CONFIGURATION.format(certificate=certificate))
    command = [Path(sys.executable).with_name("foretell"), "run", "--config", folder / "foretell.toml"]
    command += ["--state-dir", folder / "state", "--listen", f"127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            time.sleep(1)
            assert process.poll() is None, (folder / "log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    """Run a relay that has made a ticket of a group. Return its port."""
    with FleetDesk().running() as desk:
        replica = Replica(tmp_path_factory.mktemp("relay") / "one", desk_table(desk.url), [])
        replica.start()
        try:
            login = {"Authorization": f"Bearer {ALERTMANAGERS_SECRET}"}
            told = requests.post(f"{replica.url}/alertmanager", notification(alert(1)), headers=login, timeout=30)
            assert told.ok, told.text
            yield replica.port
        finally:
            replica.stop()


@pytest.fixture(scope="module")
def server(agent, relay, tmp_path_factory):
    """Return a Prometheus that scrapes the agent; what the rules look at for ten minutes is five seconds here."""
    folder = tmp_path_factory.mktemp("prometheus")
    for file in (DEPLOY / "prometheus").glob("*.rules.yml"):
        rules = file.read_text("utf-8").replace("[10m]", "[5s]").replace("offset 10m", "offset 5s")
        (folder / file.name).write_text(rules)
    with prometheus(folder, SCRAPING.format(folder=folder, port=agent, relay=relay)) as server:
        yield server


def queries(board, port):
    """Yield title and query of every panel, with what Grafana would put into it."""
    for panel in json.loads(board.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for variable, value in (("$instance", f"127.0.0.1:{port}"), ("$site", ".*"), ("$__rate_interval", "1m")):
                query = query.replace(variable, value)
            assert "$" not in query, "a variable that this test does not know"
            yield panel["title"], query


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_query_has_an_answer(board, agent, server):
    """Within two minutes of the agent's start; a panel without data would look broken."""
    until = time.monotonic() + PATIENCE
    waiting = list(queries(board, agent))
    assert len(waiting) > 10
    while waiting and time.monotonic() < until:
        waiting = [one for one in waiting if not server.ask("api/v1/query", query=one[1])["data"]["result"]]
        time.sleep(1)
    assert waiting == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_variable_has_something_to_choose(board, server):
    """`label_values(series, label)`, as Grafana asks."""
    for variable in json.loads(board.read_text("utf-8"))["templating"]["list"]:
        if variable["type"] == "query":
            series, label = variable["query"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
            assert server.ask(f"api/v1/label/{label}/values", **{"match[]": series})["data"]


def test_what_is_well_raises_no_alarm(server):
    """The shipped alerts, on what a real agent and relay say: the heartbeat, and nothing that is down or silent."""

    def up():
        return {
            one["labels"]["job"]
            for one in server.ask("api/v1/targets")["data"]["activeTargets"]
            if one["health"] == "up"
        }

    def firing():
        alerts = server.ask("api/v1/alerts")["data"]["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    wait_until(lambda: up() == {"foretell", "foretell-relay"} and "ForetellHeartbeat" in firing(), PATIENCE)
    unwanted = ("AgentDown", "HostsNotReporting", "HeartbeatMissing", "Degraded", "RelayDown", "RelayDeskUnreachable")
    assert not firing() & {f"Foretell{name}" for name in unwanted}
    groups = server.ask("api/v1/rules")["data"]["groups"]
    assert [rule for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
