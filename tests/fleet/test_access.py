"""Each way in which a real Alertmanager can say who it is: a bearer token, a password, a certificate of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.configuration.secrets import Secrets
from agent.configuration.settings import RelayClients, RelaySettings
from agent.relay.access import Access
from agent.relay.app import make_app
from agent.relay.group import group_of
from agent.relay.metrics import RelayMetrics
from agent.relay.notification import Notification
from agent.relay.server import RelayServer
from agent.relay.tickets import Done
from certificate_authority import Authority
from fleet import CUSTOMER
from fleet_parts import Balancer, Fleet, told, wait_until
from prometheus_parts import alertmanagers

pytestmark = pytest.mark.fleet

SECRET = "alertmanagers-own-1"
WAYS = {
    "bearer": "authorization: {credentials: SECRET}, tls_config: {ca_file: CA}",
    "basic": "basic_auth: {username: alertmanager, password: SECRET}, tls_config: {ca_file: CA}",
    "certificate": "tls_config: {ca_file: CA, cert_file: CERT, key_file: KEY}",
    "nothing": "tls_config: {ca_file: CA}",
}


class Work:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Notification] = []

    def carry_out(self, notification: Notification) -> tuple[object, Done]:
        self.told.append(notification)
        return group_of(notification, CUSTOMER), Done()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority whose certificates the relay and Alertmanager have."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.sign("alertmanager", "issuer", 5, "extendedKeyUsage=clientAuth")
    (made.folder / "ca.pem").write_text("".join((made.folder / f"{one}.pem").read_text() for one in ("issuer", "root")))
    return made


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[tuple[Work, str]]:
    """A relay over TLS that asks for a secret, or for a certificate; its work and its port."""
    folder, certificate = authority.folder, request.param == "certificate"
    (tmp_path / "am").write_text(SECRET)
    clients = RelayClients(ca_file=str(folder / "ca.pem")) if certificate else RelayClients(alertmanager_secret="am")
    settings = RelaySettings(
        listen="127.0.0.1:0",
        certificate_file=str(folder / "shop-chain.pem"),
        key_file=str(folder / "shop.key"),
        clients=clients,
    )
    work = Work()
    access = Access(clients, Secrets({"am": str(tmp_path / "am")}))
    server = RelayServer(settings, make_app(work, access, RelayMetrics(), largest_body=100_000, largest_file=0))
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield work, server.address.rpartition(":")[2]
    server.stop()
    thread.join(30)


@pytest.mark.parametrize("served", ["bearer", "basic", "certificate", "nothing"], indirect=True)
def test_alertmanager_is_let_in_by_what_it_shows_and_not_without(tmp_path, request, served, authority: Authority):
    work, port = served
    way = request.node.callspec.params["served"]
    files = {"CA": "ca.pem", "CERT": "alertmanager.pem", "KEY": "alertmanager.key"}
    shown = WAYS[way].replace("SECRET", SECRET)
    for name, file in files.items():
        shown = shown.replace(f"_file: {name}", f"_file: {authority.folder / file}")
    configuration = f"""
route: {{receiver: foretell, group_by: [rule, site], group_wait: 1s, group_interval: 2s, repeat_interval: 1h}}
receivers: [{{name: foretell, webhook_configs: [{{url: 'https://localhost:{port}/alertmanager', http_config: {{{shown}}}}}]}}]
"""
    with alertmanagers(tmp_path / "alertmanagers", configuration, 1) as members:
        [member] = members
        now = time.time()
        Fleet(tmp_path, members, [], Balancer([])).tell(told(1, since=now - 60, until=now + 600))

        def number(name: str) -> float:
            lines = requests.get(f"{member.url}/metrics", timeout=30).text.splitlines()
            return sum(
                float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(f'{name}{{integration="webhook"')
            )

        if way == "nothing":
            wait_until(lambda: number("alertmanager_notifications_failed_total"))
            assert work.told == []
        else:
            wait_until(lambda: work.told)
            assert number("alertmanager_notifications_failed_total") == 0
