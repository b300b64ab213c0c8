"""A real Prometheus and real Alertmanagers on free ports of loopback, each for the time of a block."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

PATIENCE = 30.0  # seconds until a server is ready; a busy machine is not a failure


def need(*programs: str) -> None:
    """Skip the test where one of these is not installed."""
    if missing := [one for one in programs if shutil.which(one) is None]:
        pytest.skip(f"needs {', '.join(missing)} (Debian: apt-get install prometheus prometheus-alertmanager)")


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Server:
    """A program that serves HTTP: started and stopped as a test likes, always on the same port."""

    def __init__(self, folder: Path, *command: str, secured: bool = False) -> None:
        """Keep data and log in `folder`, which is made. command: without the address, which is added.

        secured: whether it speaks TLS, as `localhost`, and asks who it is spoken to by.
        """
        folder.mkdir(parents=True)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}" if secured else f"http://127.0.0.1:{self.port}"
        self._secured = secured
        self._log = folder / "log"
        self._command = [*command, f"--web.listen-address=127.0.0.1:{self.port}"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            if self._is_ready():
                return
            time.sleep(0.1)
        pytest.fail(f"{self._command[0]} did not become ready: {self._log.read_text()[-2000:]}", pytrace=False)

    def _is_ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            if not self._secured:
                return requests.get(f"{self.url}/-/ready", timeout=5).ok
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port), 5):
            return self._secured  # whoever is let in is the test's business
        return False

    def stop(self, *, killed: bool = False) -> None:
        """Stop it in order, or kill it."""
        if self._process is None:
            return
        (self._process.kill if killed else self._process.terminate)()
        self._process.wait(PATIENCE)
        self._process = None

    def ask(self, path: str, **params: Any) -> Any:
        """Return what it answers, as JSON."""
        response = requests.get(f"{self.url}/{path}", params=params, timeout=30)
        assert response.ok, f"{response.url}: {response.text[:500]}"
        return response.json()


@contextlib.contextmanager
def alertmanagers(
    folder: Path, configuration: str, count: int = 2, web: str = "", peer_timeout: str = "2s"
) -> Iterator[list[Server]]:
    """Run so many members of one cluster, each on a port of its own, with this configuration (YAML).

    web: of TLS and log-ins (YAML), in `folder / "web.yml"`, which is read anew for every connection. peer_timeout: how long each
    waits for those before it in the cluster to tell.
    """
    need("prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(configuration)
    (folder / "web.yml").write_text(web)
    gossip = [free_port() for _ in range(count)]
    members = [
        Server(
            folder / f"member-{number}",
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / f'member-{number}'}",
            f"--web.config.file={folder / 'web.yml'}",
            f"--cluster.listen-address=127.0.0.1:{port}",
            f"--cluster.advertise-address=127.0.0.1:{port}",
            "--cluster.settle-timeout=1s",
            f"--cluster.peer-timeout={peer_timeout}",
            *(f"--cluster.peer=127.0.0.1:{other}" for other in gossip if other != port),
            secured=bool(web),
        )
        for number, port in enumerate(gossip)
    ]
    try:
        for one in members:
            one.start()
        yield members
    finally:
        for one in members:
            one.stop()


@contextlib.contextmanager
def prometheus(folder: Path, configuration: str, *options: str) -> Iterator[Server]:
    """Run a Prometheus with this configuration (YAML), its data in `folder / "data"`."""
    need("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(configuration)
    server = Server(
        folder / "server",
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        *options,
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
