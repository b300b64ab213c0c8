"""The server: it sleeps, it is bounded, it stops at once, and a port it cannot have is one clear line."""

import contextlib
import errno
import http.client
import socket
import time

import pytest

from agent.configuration.address import split_address
from agent.web import server as web_server
from agent.web.exchange import LARGEST_HEAD
from agent.web.server import MOST_CONNECTIONS, ListenError, WebServer, can_listen
from running_agent import until


def hello(environ, start_response):
    """Answer with what was asked for."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


@pytest.fixture
def serve():
    """Return a function that serves an application on a free port of an address until the test ends."""
    servers = []

    def start(app=hello, listen="127.0.0.1:0"):
        server = WebServer(listen, app)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


def connect(server):
    """Return a raw connection to `server`."""
    host, port = split_address(server.address)
    return socket.create_connection((host, port), timeout=5)


def fill(server):
    """Return as many raw connections as `server` takes, all of them taken."""
    idle = [connect(server) for _ in range(MOST_CONNECTIONS)]
    until(lambda: len(server._server._since) == MOST_CONNECTIONS)
    return idle


def exchange(server, request):
    """Send `request` and return everything that comes back."""
    answer = b""
    with connect(server) as connection, contextlib.suppress(ConnectionResetError):  # it may end before it has read all
        connection.sendall(request)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def has_ipv6():
    """Say whether this host has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_it_answers(serve):
    """A request comes back."""
    answer = exchange(serve(), b"GET /here HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert answer.endswith(b"/here")


@pytest.mark.skipif(not has_ipv6(), reason="this host has no IPv6 loopback")
def test_it_speaks_ipv6(serve):
    """`[::1]:PORT` is an address like any other."""
    server = serve(listen="[::1]:0")
    assert server.address.startswith("[::1]:")
    assert exchange(server, b"GET /six HTTP/1.0\r\n\r\n").endswith(b"/six")


def test_it_stops_at_once_and_frees_its_port(serve):
    """Though it sleeps without a time-out, a stop takes no time, and the next start gets the same port."""
    server = serve()
    address = server.address
    started = time.monotonic()
    server.stop()
    server.stop()
    assert time.monotonic() - started < 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(split_address(address), timeout=5)
    assert serve(listen=address).address == address


def test_it_does_not_wake_while_nobody_asks(serve, monkeypatch):
    """Each of its threads waits in one call to accept without a time-out, and a connection wakes one of them."""
    waits = []
    accept = web_server._Server.get_request

    def watched(self):
        waits.append(self.socket.gettimeout())
        return accept(self)

    monkeypatch.setattr(web_server._Server, "get_request", watched)
    server = serve()
    for asked in range(1, 4):
        exchange(server, b"GET / HTTP/1.0\r\n\r\n")
        until(lambda asked=asked: len(waits) == asked + 2)  # the two threads that there are then
    assert set(waits) == {None}


def test_it_does_not_spin_where_no_file_can_be_opened(serve, monkeypatch):
    """It tries again now and then, and serves as soon as there is room."""
    tried, pauses = [], []
    accept = web_server._Server.get_request

    def refused(self):
        tried.append(1)
        if len(tried) < 4:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    monkeypatch.setattr(web_server._Server, "get_request", refused)
    monkeypatch.setattr(web_server.time, "sleep", pauses.append)
    assert b"200 OK" in exchange(serve(), b"GET / HTTP/1.0\r\n\r\n")
    assert len(pauses) == 3


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /" + b"x" * LARGEST_HEAD + b" HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"X-Fill: " + b"x" * LARGEST_HEAD + b"\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 400) for n in range(60)) + b"\r\n",
    ],
    ids=["request line", "one header", "many headers"],
)
def test_an_over_long_head_is_refused(serve, request_head):
    """Nobody makes us read more than the bound."""
    answer = exchange(serve(), request_head)
    assert answer.startswith(b"HTTP/1.0 431 ")
    assert b"Python" not in answer


@pytest.mark.parametrize(
    "garbage", [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"", b"\x00" * 100 + b"\n"]
)
def test_garbage_is_survived(serve, garbage, capfd):
    """What is not HTTP neither stops the server nor reaches standard error."""
    server = serve()
    with connect(server) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert exchange(server, b"GET /still HTTP/1.0\r\n\r\n").endswith(b"/still")
    assert capfd.readouterr().err == ""


def test_too_many_connections_are_turned_away_until_one_ends(serve):
    """A client that opens connections and says nothing cannot make us spend threads without end."""
    server = serve()
    idle = fill(server)
    try:
        assert exchange(server, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 503 ")
    finally:
        for connection in idle:
            connection.close()
    deadline = time.monotonic() + 5
    while not exchange(server, b"GET /again HTTP/1.0\r\n\r\n").endswith(b"/again"):
        assert time.monotonic() < deadline


def test_whoever_overstays_makes_room(serve, monkeypatch):
    """Connections that drip for too long are ended when others want in."""
    server = serve()
    idle = fill(server)
    monkeypatch.setattr(web_server, "LONGEST_CONNECTION", -1.0)
    exchange(server, b"GET / HTTP/1.0\r\n\r\n")
    for connection in idle:
        assert connection.recv(100) == b""
        connection.close()


def test_a_request_that_never_ends_is_given_up(serve, monkeypatch):
    """Half a request does not hold its thread for ever."""
    monkeypatch.setattr(web_server, "LONGEST_CONNECTION", 0.05)
    with connect(serve()) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(100) == b""


def test_an_application_that_fails_is_answered_for(serve, capfd):
    """Even what should never happen ends with an answer and no trace on the client's side."""

    def broken(*_):
        raise RuntimeError("secret")

    answer = exchange(serve(broken), b"GET / HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 500 ")
    assert b"secret" not in answer
    assert capfd.readouterr().err == ""


def test_a_busy_port_is_one_line_with_the_cure(serve):
    """`make run` on a host where the port is taken says how to choose another, without touching code."""
    taken = serve().address
    with pytest.raises(ListenError) as told:
        WebServer(taken, hello).start()
    assert str(told.value) == (
        f"cannot listen on {taken}: the port is in use by another program; "
        "choose another with --listen HOST:PORT, FORETELL_LISTEN=HOST:PORT, `listen` under [agent] or `make run LISTEN=HOST:PORT`"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "not permitted"), (errno.EADDRNOTAVAIL, "no such address"), (errno.ENOBUFS, "No buffer space")],
)
def test_other_reasons_are_named_too(monkeypatch, code, words):
    """Each way in which binding fails has its own plain words."""

    def refuse(_):
        raise OSError(code, "No buffer space available")

    monkeypatch.setattr(web_server._Server, "server_bind", refuse)
    with pytest.raises(ListenError, match=words):
        WebServer("127.0.0.1:0", hello).start()


@pytest.mark.parametrize(
    "listen", ["19469", "localhost", "127.0.0.1:", "::1:80", "h:70000", "h:-1", ":80", "h:80x", "[::1]"]
)
def test_an_address_that_is_none_is_refused_with_an_example(listen):
    """What cannot be an address is said before anything is bound."""
    with pytest.raises(ListenError, match="write it as HOST:PORT"):
        can_listen(listen)


def test_a_name_nobody_knows_is_said():
    """A listen host that does not resolve is not a traceback."""
    with pytest.raises(ListenError, match="no address is known"):
        WebServer("nowhere.invalid:0", hello).start()


def test_a_standard_client_is_served(serve):
    """Python's own client, as a stand-in for Prometheus' one, reads the answer."""
    host, port = split_address(serve().address)
    client = http.client.HTTPConnection(host, port, timeout=5)
    client.request("GET", "/metrics")
    assert client.getresponse().read() == b"/metrics"
    client.close()
