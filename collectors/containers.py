"""Containers: whether those that have to run do, and what their own health checks say. Docker and Podman, over their socket.

Whoever may write to Docker's socket is root on the host. The agent only reads, but cannot prove it: give it a socket proxy
that passes `GET /containers/json` alone, or a rootless Podman's socket.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import msgspec

from collectors._plugin import (
    AbsolutePath,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._web import Broken, fetch

SOCKETS = ["/run/docker.sock", "/run/podman/podman.sock"]
LARGEST = 4 << 20  # bytes of a list of containers; 1,000 of them take 2 MB
_OK = 200


class ContainersOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the containers collector."""

    sockets: Annotated[
        list[AbsolutePath],
        msgspec.Meta(
            min_length=1, description="Sockets of container engines; those that do not exist are passed over."
        ),
    ] = msgspec.field(default_factory=SOCKETS.copy)
    required: Annotated[list[str], msgspec.Meta(description="Names of containers that have to run at all times.")] = (
        msgspec.field(default_factory=list)
    )
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time an engine may take.")] = 5.0


class _Listed(msgspec.Struct):
    """A container as `GET /containers/json` lists it (Docker Engine API 1.24 and later, Podman's compatible one)."""

    id: str = msgspec.field(name="Id")
    names: list[str] = msgspec.field(name="Names")
    state: str = msgspec.field(name="State")
    status: str = msgspec.field(name="Status", default="")

    @property
    def name(self) -> str:
        return (self.names[0] if self.names else self.id[:12]).lstrip("/")


class ContainersCollector:
    """Asks each engine for its list."""

    def __init__(self, options: ContainersOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield health and state. Raises NotSupported when there is no engine and none is needed."""
        engines = {name: path for name in self._options.sockets if (path := self._context.path(name)).exists()}
        if not engines and not self._options.required:
            raise NotSupported("there is no socket of a container engine")
        running: dict[str, bool] = {}
        failed = ""
        for name, path in engines.items():
            try:
                listed = self._list(path)
                sick = {one.id for one in self._list(path, {"health": ["unhealthy"]})}
            except (CollectorError, OSError, Broken, ValueError, RecursionError) as error:
                failed = _reason(name, error)
                yield CouldNotCheck("container_unhealthy", {}, failed)
                continue
            for one in listed:
                labels = {"container": one.name, "engine": name}
                running[one.name] = running.get(one.name, False) or one.state == "running"
                yield Reading("container_unhealthy", float(one.id in sick), "boolean", labels, at)
                yield Reading("container_restarting", float(one.state == "restarting"), "boolean", dict(labels), at)
        for name in self._options.required:
            labels = {"container": name}
            if name not in running and (failed or not engines):
                yield CouldNotCheck("container_running", labels, failed or "there is no socket of a container engine")
            else:
                yield Reading("container_running", float(running.get(name, False)), "boolean", labels, at)

    def _list(self, path: Path, filters: Mapping[str, list[str]] | None = None) -> list[_Listed]:
        query = f"&filters={quote(msgspec.json.encode(filters))}" if filters else ""
        answer = fetch(
            urlsplit(f"http://localhost/containers/json?all=true{query}"),
            timeout=self._options.timeout,
            largest=LARGEST,
            opened=partial(_open, path, self._options.timeout),
        )
        if answer.status != _OK or answer.truncated:
            raise CollectorError(
                "its list is too long" if answer.truncated else f"it answers with status {answer.status}"
            )
        return msgspec.json.decode(answer.body, type=list[_Listed])


def _open(path: Path, timeout: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(str(path))
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return f"{name}: not permitted; give the agent a socket proxy that only lists containers"
    return f"{name}: {(isinstance(error, OSError) and error.strerror) or error}"


PLUGIN = CollectorPlugin(
    name="containers",
    summary="Containers of Docker and Podman: those that have to run, and what their health checks say.",
    options=ContainersOptions,
    build=ContainersCollector,
    readings=(
        DeclaredReading(
            "container_unhealthy",
            "boolean",
            ("container", "engine"),
            "Its own health check fails; 0 where it has none.",
        ),
        DeclaredReading(
            "container_restarting", "boolean", ("container", "engine"), "It ended and waits to be started again."
        ),
        DeclaredReading("container_running", "boolean", ("container",), "A required container runs."),
    ),
    when_configured=True,
)
