"""The server: TLS with certificates of clients, renewed without a restart, and bounded in what a client can spend."""

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import threading

import pytest

from agent.configuration.settings import RelayClients, RelaySettings
from agent.relay.server import RelayServer
from agent.web.server import ListenError
from certificate_authority import Authority


def app(environ, start_response):
    """Say how long the body was."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", str(len(str(len(body)))))])
    return [str(len(body)).encode()]


@contextlib.contextmanager
def serving(**settings):
    server = RelayServer(RelaySettings(listen="127.0.0.1:0", **settings), app)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield int(server.address.rpartition(":")[2])
    finally:
        server.stop()
        thread.join(10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.sign("client", "issuer", 5, "extendedKeyUsage=clientAuth")
    made.sign("renewed", "issuer", 9, "subjectAltName=DNS:localhost")
    chain = (made.folder / "issuer.pem").read_text() + (made.folder / "root.pem").read_text()
    (made.folder / "ca.pem").write_text(chain)
    return made


def trusting(authority, client=None):
    context = ssl.create_default_context(cafile=authority.folder / "ca.pem")
    if client:
        context.load_cert_chain(authority.folder / f"{client}.pem", authority.folder / f"{client}.key")
    return context


def asked(port, context=None, body=b""):
    """Return the answer to a request."""
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    else:
        connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    with contextlib.closing(connection):
        connection.request("POST", "/", body)
        return connection.getresponse().read()


def test_a_body_of_megabytes_arrives_whole():
    with serving() as port:
        assert asked(port, body=b"x" * 3_000_000) == b"3000000"


def test_whoever_shows_a_certificate_of_the_authority_is_served_and_nobody_else(authority):
    files = {
        "certificate_file": str(authority.folder / "shop-chain.pem"),
        "key_file": str(authority.folder / "shop.key"),
    }
    with serving(**files, clients=RelayClients(ca_file=str(authority.folder / "ca.pem"))) as port:
        assert asked(port, trusting(authority, "client"), b"abc") == b"3"
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            asked(port, trusting(authority))
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            asked(port, trusting(authority, "alone"))


def test_a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not(authority, tmp_path):
    certificate, key = tmp_path / "relay.pem", tmp_path / "relay.key"

    def put(name, at):
        for source, target in ((f"{name}.pem", certificate), (f"{name}.key", key)):
            shutil.copy(authority.folder / source, target)
            os.utime(target, (at, at))

    def served(port):
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            context = trusting(authority)
            with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
                return wrapped.getpeercert()["subject"][0][0][1]

    put("shop", 1000)
    with serving(certificate_file=str(certificate), key_file=str(key)) as port:
        assert served(port).startswith("shop")
        put("renewed", 2000)
        assert served(port).startswith("renewed")
        certificate.write_text("half a certif")
        assert served(port).startswith("renewed")


def test_other_settings_are_taken_while_it_serves_and_bad_ones_are_not(authority):
    """A certificate where there was none, and then one that is not there: the one before is shown on."""

    def by(name):
        files = {
            "certificate_file": str(authority.folder / f"{name}.pem"),
            "key_file": str(authority.folder / f"{name}.key"),
        }
        return RelaySettings(listen="127.0.0.1:0", **files)

    server = RelayServer(RelaySettings(listen="127.0.0.1:0"), app)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        port = int(server.address.rpartition(":")[2])
        assert asked(port, body=b"abc") == b"3"
        server.take(by("renewed"), app)
        assert asked(port, trusting(authority), b"abc") == b"3"
        with pytest.raises(ListenError):
            server.take(by("nowhere"), app)
        assert asked(port, trusting(authority), b"abcd") == b"4"
    finally:
        server.stop()
        thread.join(10)


def test_a_client_that_never_finishes_its_handshake_holds_up_nobody(authority):
    files = {
        "certificate_file": str(authority.folder / "shop-chain.pem"),
        "key_file": str(authority.folder / "shop.key"),
    }
    with serving(**files, requests=2) as port, socket.create_connection(("127.0.0.1", port), 10):
        assert asked(port, trusting(authority), b"abc") == b"3"


def test_a_body_larger_than_any_that_is_read_is_refused():
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n"
    with (
        serving(largest_body=100_000, largest_file=0) as port,
        socket.create_connection(("127.0.0.1", port), 10) as connection,
    ):
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_beyond_loopback_it_does_not_listen_in_the_clear():
    with pytest.raises(ListenError, match="in the clear"):
        RelayServer(RelaySettings(listen="0.0.0.0:0"), app)


@pytest.mark.parametrize("file", ["missing.pem", "ca.pem"])
def test_a_certificate_that_cannot_be_used_is_said(authority, file):
    with pytest.raises(ListenError, match="certificate_file"):
        RelayServer(RelaySettings(listen="127.0.0.1:0", certificate_file=str(authority.folder / file)), app)
