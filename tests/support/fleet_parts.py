"""The real parts of a fleet on loopback: replicas of the relay as processes, and a balancer before them."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from fleet import alert
from loopback import running
from prometheus_parts import Server, alertmanagers, free_port

RELAY = [sys.executable, "-P", "-c", "from agent.cli import main; main()", "relay"]
ALERTMANAGERS_SECRET, AGENTS_SECRET = "alertmanagers-own-1", "agents-own-2"
A_TOKEN = "the-desks-own-3"
PATIENCE = 60.0  # seconds; a busy machine is not a failure


class Replica:
    """One relay, started and stopped as a test likes. Its log is in `folder / "log"`."""

    def __init__(
        self, folder: Path, desk: str, alertmanagers: list[str], *, secret: str = A_TOKEN, **relay: str
    ) -> None:
        """Given the desk's table (`[desks.desk]`), where Alertmanager is, the desk's secret, and further keys of `[relay]`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        secrets = {"alertmanager": ALERTMANAGERS_SECRET, "agents": AGENTS_SECRET, "desk": secret}
        for name, text in secrets.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        settings = {"listen": f"127.0.0.1:{self.port}", "look": "10s"} | relay
        self._config = folder / "relay.toml"
        self._config.write_text(
            "\n".join(
                [
                    'customer = { id = "acme", name = "ACME", zone = "Europe/Berlin" }',
                    'delivery.desk = "desk"',
                    "[secrets]",
                    *(f"{name} = {json.dumps(str(folder / name))}" for name in secrets),
                    "[relay]",
                    *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
                    "[relay.clients]",
                    'alertmanager_secret = "alertmanager"',
                    'agents_secret = "agents"',
                    "[relay.alertmanager]",
                    f"urls = {json.dumps(alertmanagers)}",
                    desk,
                ]
            )
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*RELAY, "--config", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/healthz", timeout=5).ok:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the relay did not start: {self.log.read_text()[-3000:]}")

    def stop(self, *, killed: bool = False) -> None:
        """Stop it in order, or kill it."""
        if self.process is None:
            return
        (self.process.kill if killed else self.process.terminate)()
        self.process.wait(PATIENCE)
        self.process = None

    def ready(self) -> bool:
        """Return whether it says that the desk serves it."""
        return requests.get(f"{self.url}/readyz", timeout=30).ok

    def number(self, name: str) -> float:
        """Return the sum of a metric's values, 0 for one that is not there yet."""
        assert self.process is None or self.process.poll() is None, f"the relay died: {self.log.read_text()[-3000:]}"
        text = requests.get(f"{self.url}/metrics", timeout=30).text
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
        return sum(float(value) for _, value in lines)


class Balancer:
    """Hands each connection to the next replica that takes it, as a balancer with health checks would."""

    def __init__(self, replicas: list[Replica]) -> None:
        self.replicas = replicas
        self.url = ""
        self._next = 0

    @contextlib.contextmanager
    def serving(self, host: str = "127.0.0.1") -> Iterator[Balancer]:
        """Serve at `host` until the block ends."""
        balancer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                onward = balancer.connect()
                if onward is not None:
                    with onward, contextlib.suppress(OSError):
                        _shovel(self.request, onward)

        class Front(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        server = Front((host, 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        with running(server):
            yield self

    def connect(self) -> socket.socket | None:
        """Return a connection to the next replica that is there."""
        for _ in self.replicas:
            replica = self.replicas[self._next % len(self.replicas)]
            self._next += 1
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", replica.port), 5)
        return None


def _shovel(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says until one of them ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, (one, other))
        selector.register(other, selectors.EVENT_READ, (other, one))
        while True:
            for ready, _ in selector.select():
                said_by, told = ready.data
                data = said_by.recv(65536)
                if not data:
                    return
                told.sendall(data)


def wait_until(true: Any, seconds: float = PATIENCE, every: float = 0.3) -> Any:
    """Return what `true` returns as soon as it is not false; fail after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds:g} s: {true.__doc__ or true.__name__}")


def alertmanager_configuration(relay: str, group_by: str = "[rule, site]", **times: str) -> str:
    """Return what Alertmanager is configured with: all alerts go to the relay at this address, as quickly as tests want it."""
    quick = {"group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"} | times
    route = ", ".join(f"{name}: {value}" for name, value in quick.items())
    return f"""
route: {{receiver: foretell, group_by: {group_by}, {route}}}
receivers:
- name: foretell
  webhook_configs:
  - url: {relay}/alertmanager
    send_resolved: true
    http_config: {{authorization: {{credentials: {ALERTMANAGERS_SECRET}}}}}
"""


class Fleet:
    """The parts, and hosts that tell every Alertmanager of their alerts."""

    def __init__(self, folder: Path, members: list[Server], replicas: list[Replica], balancer: Balancer) -> None:
        self.folder, self.members, self.replicas, self.balancer = folder, members, replicas, balancer

    def tell(self, *alerts: dict[str, Any], members: list[Server] | None = None) -> None:
        """Tell the members, or these of them; one that is away is passed over, as agents do."""
        for member in self.members if members is None else members:
            with contextlib.suppress(requests.ConnectionError):
                posted = requests.post(f"{member.url}/api/v2/alerts", json=list(alerts), timeout=30)
                assert posted.ok, posted.text


def told(number: int, *, since: float, until: float, rule: str = "disk_space", **more: str) -> dict[str, Any]:
    """Return an alert as an agent posts it: it begins at `since` and stands until `until`, both unix seconds."""
    made = alert(number, since=since, ended=until, rule=rule, **more)
    return {name: made[name] for name in ("labels", "annotations", "startsAt", "endsAt")}


@contextlib.contextmanager
def a_fleet(
    folder: Path,
    desk: str,
    *,
    secret: str = A_TOKEN,
    group_by: str = "[rule, site]",
    peer_timeout: str = "2s",
    **times: str,
) -> Iterator[Fleet]:
    """Run a fleet's middle over the desk with this table."""
    balancer = Balancer([])
    with balancer.serving():
        configuration = alertmanager_configuration(balancer.url, group_by, **times)
        with alertmanagers(folder / "alertmanagers", configuration, peer_timeout=peer_timeout) as members:
            urls = [member.url for member in members]
            replicas = [Replica(folder / f"relay-{n}", desk, urls, secret=secret) for n in range(2)]
            balancer.replicas.extend(replicas)
            try:
                for replica in replicas:
                    replica.start()
                yield Fleet(folder, members, replicas, balancer)
            finally:
                for replica in replicas:
                    replica.stop()


class Elsewhere(Server):
    """A server in a network namespace, at an address of its own there."""

    def __init__(self, folder: Path, namespace: str, address: str, *command: str) -> None:
        """Given the namespace's name, and the address that leads there."""
        super().__init__(folder, "ip", "netns", "exec", namespace, *command)
        self.url = f"http://{address}:{self.port}"
        self._command[-1] = f"--web.listen-address={address}:{self.port}"
