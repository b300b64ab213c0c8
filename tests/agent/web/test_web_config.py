"""The web configuration: TLS and log-ins as Prometheus' exporters have them, renewed under way, and every mistake named."""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import ssl
import subprocess
import time

import bcrypt
import pytest

from agent.configuration.address import split_address
from agent.configuration.decode import ConfigErrors
from agent.web import server as web_server
from agent.web import web_config
from agent.web.app import make_app
from agent.web.server import MOST_CONNECTIONS, WebServer
from agent.web.web_config import Guard, read_web_config
from page_scenes import Source

PASSWORD = "correct horse"
HASHED = bcrypt.hashpw(
    PASSWORD.encode(), b"$2b$04$abcdefghijklmnopqrstuu"
).decode()  # the same in every process of a test run
USERS = f"basic_auth_users:\n  it: {HASHED}\n"
TLS = "tls_server_config:\n  cert_file: web.pem\n  key_file: web.key\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return a folder with two certificates of this host, each with its key, by the real openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("web", "newer"):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
        also = ["-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(["openssl", "req", "-x509", *key, *also], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def written(tmp_path, certificates):
    """Return a function that writes a web configuration, beside the first certificate."""
    for suffix in ("pem", "key"):
        shutil.copy(certificates / f"web.{suffix}", tmp_path)

    def write(text):
        path = tmp_path / "web.yml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(web_config, "_AFTER_A_FAILURE", 0.0)


def login(name="it", password=PASSWORD):
    """Return the header of somebody who logs in."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "web.yml: is not YAML in line 1"),
        ("- 1", "web.yml: "),
        ("basic_auth_user: {}", "web.yml: basic_auth_user: "),
        ("basic_auth_users:\n  it: secret", "web.yml: basic_auth_users.it: is not a bcrypt hash"),
        (f"basic_auth_users:\n  it: {HASHED.replace('$04$', '$31$')}", "basic_auth_users.it: has a cost of 31"),
        ("tls_server_config:\n  cert_file: web.pem", "web.yml: tls_server_config.key_file: "),
        (TLS.replace("web.key", "gone.key"), "tls_server_config.key_file: "),
        (TLS.replace("web.key", "web.pem"), "tls_server_config.cert_file: is no certificate that goes with the key"),
        (TLS + "  min_version: TLS10", "tls_server_config.min_version: "),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert", "tls_server_config.client_ca_file: cannot be used"),
        ("rate_limit: {}", "web.yml: rate_limit: "),
    ],
)
def test_a_mistake_is_named_by_its_key(written, text, told):
    """Which file, which key, what is wrong; and never the secret that stands there."""
    with pytest.raises(ConfigErrors) as caught:
        read_web_config(written(text))
    assert told in str(caught.value)
    assert "mend: " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    """With what to do about it."""
    with pytest.raises(ConfigErrors, match=r"web\.yml: cannot be read: No such file"):
        read_web_config(tmp_path / "web.yml")


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        (login(), True),
        (login().replace("Basic", "bAsIc"), True),
        (login(password="wrong"), False),
        (login(password=PASSWORD + "\0"), False),
        (login(password="x" * 100), False),
        (login(name="nobody"), False),
        (login(name=""), False),
        ("", False),
        ("Basic", False),
        ("Basic ???", False),
        ("Basic " + base64.b64encode(b"no colon").decode(), False),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), False),
        (f"Bearer {login()[6:]}", False),
    ],
)
def test_only_who_has_the_password_comes_in(written, header, admitted):
    """Whatever is sent in its place."""
    assert Guard(written(USERS)).admits(header) is admitted


def test_who_came_in_once_costs_no_hash_again(written, monkeypatch):
    """Prometheus logs in every 15 seconds for ever; a hash is made to be slow. A wrong password is never remembered."""
    guard = Guard(written(USERS))
    assert guard.admits(login())
    asked = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: asked.append(1))
    assert guard.admits(login())
    assert asked == []
    guard.admits(login(password="wrong"))
    guard.admits(login(password="wrong"))
    assert asked == [1, 1]


def test_a_wrong_name_costs_as_much_as_a_wrong_password(written, monkeypatch):
    """How long the answer takes does not tell which names there are."""
    guard = Guard(written(USERS))
    asked = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda _, hashed: asked.append(hashed))
    assert not guard.admits(login(name="nobody"))
    assert len(asked) == 1


def test_people_come_and_go_without_a_new_start(written):
    """Who was taken out of the file is out at once, also when they had logged in."""
    guard = Guard(written(USERS))
    assert guard.admits(login())
    written(USERS.replace("it:", "somebody_else:"))
    assert not guard.admits(login())
    assert guard.admits(login(name="somebody_else"))


def test_a_file_that_is_broken_later_leaves_the_old_one_in_force(written):
    """A slip of the pen neither opens the page to everybody nor shuts IT out."""
    guard = Guard(written(USERS))
    written("basic_auth_users: [")
    assert guard.admits(login())
    assert not guard.admits("")
    written("basic_auth_users: {}\n")
    assert guard.admits("")


class Client:
    """Speaks to a served page."""

    def __init__(self, server, authority=None):
        self.place = split_address(server.address)
        self.context = None
        if authority:
            self.context = ssl.create_default_context(cafile=authority)

    def connect(self):
        connection = socket.create_connection(self.place, timeout=5)
        return self.context.wrap_socket(connection, server_hostname="127.0.0.1") if self.context else connection

    def get(self, path, authorization=""):
        """Return status line and body."""
        head = f"Authorization: {authorization}\r\n" if authorization else ""
        answer = b""
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.partition(b"\r\n")[0].decode(), answer


@pytest.fixture
def serve(snapshot):
    """Return a function that serves the page behind a web configuration until the test ends."""
    with contextlib.ExitStack() as stack:

        def start(path):
            guard = Guard(path)
            listen = "127.0.0.1:0"
            server = WebServer(listen, make_app(Source(snapshot), listen, door=guard), guard.tls)
            server.start()
            stack.callback(server.stop)
            return server

        yield start


def test_the_page_is_read_by_tls_and_by_those_who_log_in(serve, written, certificates):
    """Real TLS, real log-in; the probes of service managers need none."""
    server = serve(written(TLS + USERS))
    assert server.scheme == "https"
    client = Client(server, certificates / "web.pem")
    assert client.get("/metrics")[0] == "HTTP/1.0 401 Unauthorized"
    assert b'WWW-Authenticate: Basic realm="foretell"' in client.get("/metrics")[1]
    assert client.get("/metrics", login())[0] == "HTTP/1.0 200 OK"
    assert client.get("/metrics", login(password="wrong"))[0] == "HTTP/1.0 401 Unauthorized"
    assert client.get("/healthz")[0] == "HTTP/1.0 200 OK"


def test_a_renewed_certificate_is_served_at_once(serve, written, certificates, tmp_path):
    """As a certificate manager leaves it there."""
    server = serve(written(TLS))
    assert Client(server, certificates / "web.pem").get("/healthz")[0] == "HTTP/1.0 200 OK"
    for suffix in ("pem", "key"):
        shutil.copy(certificates / f"newer.{suffix}", tmp_path / f"web.{suffix}")
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(server, certificates / "web.pem").get("/healthz")
    assert Client(server, certificates / "newer.pem").get("/healthz")[0] == "HTTP/1.0 200 OK"


def test_who_speaks_no_tls_gets_nothing(serve, written):
    """Not an answer in the clear, and not a page."""
    answer = b""
    with Client(serve(written(TLS))).connect() as connection, contextlib.suppress(ConnectionResetError):
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while chunk := connection.recv(65536):
            answer += chunk
    assert b"foretell" not in answer


def test_handshakes_that_never_end_keep_nobody_out(serve, written, certificates, monkeypatch):
    """Clients that connect and say nothing are hung up when others come."""
    monkeypatch.setattr(web_server, "LONGEST_CONNECTION", 0.3)
    server = serve(written(TLS))
    with contextlib.ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            held.enter_context(socket.create_connection(split_address(server.address), timeout=5))
        client, answered = Client(server, certificates / "web.pem"), ""
        until = time.monotonic() + 10
        while answered != "HTTP/1.0 200 OK" and time.monotonic() < until:
            with contextlib.suppress(OSError):
                answered = client.get("/healthz")[0]
        assert answered == "HTTP/1.0 200 OK"


def test_who_logs_in_may_look_inside_from_the_network(snapshot, written):
    """The engineer's view is open there once nobody comes in unknown."""
    guard = Guard(written(USERS))
    app = make_app(Source(snapshot), "0.0.0.0:80", door=guard)
    answers = {}
    for path in ("/engineer/cases/ffff", "/nowhere"):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "192.0.2.7", "HTTP_AUTHORIZATION": login()}
        app(environ, lambda status, _, path=path: answers.update({path: status}))
    assert answers == {"/engineer/cases/ffff": "404 Not Found", "/nowhere": "404 Not Found"}
