"""The relay's HTTP server: cheroot, bounded in threads, waiting connections and time, over TLS with certificates of clients.

The agent's own small server knows no bodies and no TLS, and sleeps for free; here neither matters (`docs/decisions/0025`).
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from cheroot.ssl import Adapter
from cheroot.wsgi import Server

from agent.configuration.address import split_address
from agent.configuration.settings import RelaySettings
from agent.logs import get_logger
from agent.web.server import ListenError
from ticketing_clients._address import is_loopback

IDLE = 10  # seconds that a connection may keep silent
LAST_WORK = 25  # seconds that requests under way get when the relay stops; systemd waits for longer
WAITING = 64  # connections that wait for a thread; the next are refused
LARGEST_HEAD = 16 * 1024

log = get_logger()


class RelayServer(Server):
    """Serves `app` as `settings` say. Raises ListenError for an address or a certificate that cannot be used."""

    def __init__(self, settings: RelaySettings, app: WSGIApplication) -> None:
        """Read the certificate and bind the address; `start` serves until `stop`."""
        host, port = split_address(settings.listen)
        super().__init__(
            (host, port),
            app,
            numthreads=settings.requests,
            max=settings.requests,
            server_name="foretell",
            request_queue_size=WAITING,
            accepted_queue_size=WAITING,
            accepted_queue_timeout=1,
            timeout=IDLE,
            shutdown_timeout=LAST_WORK,
        )
        self.max_request_header_size = LARGEST_HEAD
        self.version = "foretell"
        self._settings = settings
        self.take(settings, app)
        try:
            self.prepare()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {settings.listen}: {error.strerror or error}; choose another"
            ) from error

    def take(self, settings: RelaySettings, app: WSGIApplication) -> None:
        """Serve connections from now on by these settings, but for address and threads, which count from the start.

        Raises ListenError for a certificate that cannot be used, and for none where one is needed; nothing has changed then.
        """
        if not settings.certificate_file and not _local(split_address(self._settings.listen)[0]):
            raise ListenError(
                f"cannot listen on {self._settings.listen} without TLS: secrets would go over the network in the clear; "
                "name relay.certificate_file, or listen on 127.0.0.1"
            )
        self.ssl_adapter = _Tls(settings) if settings.certificate_file else None
        self.wsgi_app = app
        self.max_request_body_size = max(settings.largest_body, settings.largest_file)
        for name in ("listen", "requests"):
            if getattr(settings, name) != getattr(self._settings, name):
                log.warning("this counts after a restart only", key=f"relay.{name}")

    @property
    def address(self) -> str:
        """Where it really listens, as HOST:PORT."""
        host, port = self.bind_addr[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:  # noqa: FBT001, FBT002 - cheroot's
        """Say what the server has to say in our log: broken connections are nobody's news."""
        log.debug("the server", said=msg, level=level, error=repr(sys.exc_info()[1]) if traceback else "")


class _Tls(Adapter):
    """TLS for accepted connections. The thread that reads makes the handshake: a slow client holds up nobody else."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._files = [
            Path(file) for file in (settings.certificate_file, settings.key_file, settings.clients.ca_file) if file
        ]
        self._as_of = self._changed()
        try:
            self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            raise ListenError(
                f"relay.certificate_file, key_file or clients.ca_file cannot be used: {error.strerror or error}"
            ) from error

    def bind(self, sock: socket.socket) -> socket.socket:
        """Leave the listening socket as it is: connections are wrapped one by one."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[socket.socket, dict[str, str]]:
        """Wrap an accepted connection, with the certificate as it is on disk now."""
        self._renew()
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), self.get_environ()

    def get_environ(self) -> dict[str, str]:
        """Return what requests are told of the connection."""
        return {"wsgi.url_scheme": "https", "HTTPS": "on"}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        """Return a file over the connection, as cheroot reads and writes it."""
        from cheroot.makefile import StreamReader, StreamWriter  # noqa: PLC0415 - not typed alike in its releases

        return (StreamReader if "r" in mode else StreamWriter)(sock, mode, bufsize)

    def _renew(self) -> None:
        """Take the files when they have changed; while they cannot be used, go on with what was read last."""
        with self._lock:
            now = self._changed()
            if now == self._as_of:
                return
            self._as_of = now
            try:
                self._context = self._load()
            except (OSError, ssl.SSLError) as error:
                log.error("the new certificate cannot be used, the old one stays", detail=str(error))  # noqa: TRY400
            else:
                log.info("serving with the certificate as it is now")

    def _changed(self) -> Mapping[Path, float]:
        return {file: file.stat().st_mtime if file.exists() else 0.0 for file in self._files}

    def _load(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(settings.certificate_file, settings.key_file or None)
        if settings.clients.ca_file:
            context.load_verify_locations(settings.clients.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _local(host: str) -> bool:
    try:
        return is_loopback(host)
    except ValueError:
        return False
