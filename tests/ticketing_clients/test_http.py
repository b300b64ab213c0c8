"""The HTTP base against a real server on loopback that behaves as badly as desks do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
import traceback

import msgspec
import pytest

from ticketing_clients import (
    DeskError,
    DeskUnreachable,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketGone,
)
from ticketing_clients._asking import read_back
from ticketing_clients._errors import Conflict, Moved
from ticketing_clients._http import Http

SECRET = "planted-http-secret"


class Made(msgspec.Struct):
    """What a desk answers to a create."""

    id: int


@contextlib.contextmanager
def server(answer, *, tls=None):
    """Serve each connection with `answer(connection, request)` on a thread; yield the port and the requests seen."""
    seen = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError),
                connection if tls is None else tls.wrap_socket(connection, server_side=True) as connection,
            ):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                while len(head.partition(b"\r\n\r\n")[2]) < length:
                    head += connection.recv(65536)
                seen.append(head)
                answer(connection, head)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def reply(status, body=b"", **headers):
    """Return a behaviour: one whole answer."""
    lines = [
        f"HTTP/1.1 {status} x",
        f"Content-Length: {len(body)}",
        *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
    ]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return lambda connection, _: connection.sendall(raw)


def http(port, **changes):
    """Return the base for the server at `port`, with short times."""
    options = {
        "headers": {"Authorization": f"token {SECRET}"},
        "secrets": (SECRET,),
        "connect": 1,
        "read": 1,
        "deadline": 2,
    }
    return Http("desk", f"http://127.0.0.1:{port}/api", **(options | changes))


def get(client):
    return client.get("ticket/1", Made, params={"query": SECRET})


def post(client):
    return client.change("POST", "ticket", Made, json={"title": SECRET})


def outcome(call, answer, **changes):
    """Return the error that `call` ends in when the server behaves as `answer`."""
    with server(answer) as (port, _), pytest.raises(DeskError) as caught:
        call(http(port, **changes))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SECRET not in told
    assert caught.value.__context__ is None or not hasattr(caught.value.__context__, "request")
    return caught.value


class TestAnswers:
    """What a whole answer means."""

    def test_success_is_decoded(self):
        """A 2xx with the JSON expected is returned in its type, and the authorisation was sent."""
        with server(reply(201, b'{"id": "7", "more": 1}')) as (port, seen):
            assert post(http(port)).id == 7
        assert f"Authorization: token {SECRET}".encode() in seen[0]
        assert seen[0].startswith(b"POST /api/ticket HTTP/1.1")

    @pytest.mark.parametrize("status", [401, 403])
    def test_not_authorised(self, status):
        """401 and 403 are NotAuthorised, with the desk's own words."""
        error = outcome(post, reply(status, b'{"message": "No permission\\u0007 to create"}'))
        assert type(error) is NotAuthorised
        assert str(error).endswith(f"answered {status}: No permission to create")

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry_After": "17"}, 17.0),
            (
                {"Retry_After": "Tue, 01 Dec 2026 12:01:30 GMT", "Date": "Tue, 01 Dec 2026 12:00:00 GMT"},
                90.0,
            ),
            ({"Retry_After": "Tue, 01 Dec 2020 12:00:00 GMT", "Date": "Tue, 01 Dec 2026 12:00:00 GMT"}, 0.0),
            ({"Retry_After": "soon"}, None),
            ({}, None),
        ],
    )
    def test_throttled(self, headers, seconds):
        """429 is Throttled; Retry-After counts in seconds or as a date on the desk's own clock."""
        error = outcome(post, reply(429, b"", **headers))
        assert type(error) is Throttled
        assert error.retry_after == seconds
        assert not error.ticket_only

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry_After": "60"}, 60.0),
            (
                {
                    "X_RateLimit_Remaining": "0",
                    "X_RateLimit_Reset": "1796126490",
                    "Date": "Tue, 01 Dec 2026 12:00:00 GMT",
                },
                90.0,
            ),
        ],
    )
    def test_a_403_that_names_a_wait_is_no_matter_of_rights(self, headers, seconds):
        """GitHub says so when its limits are spent."""
        error = outcome(post, reply(403, b"", **headers))
        assert type(error) is Throttled
        assert error.retry_after == seconds

    def test_a_403_that_speaks_of_a_rate_limit_waits_a_minute(self):
        """GitHub's second limits need not name a wait; they want at least a minute then."""
        error = outcome(post, reply(403, b'{"message": "You have exceeded a secondary rate limit."}'))
        assert type(error) is Throttled
        assert error.retry_after == 60

    def test_a_limit_on_one_ticket_is_told_apart(self):
        """Where the client knows such a limit by its answer, only that ticket has to wait."""
        options = {"ticket_limit": lambda headers, body: headers.get("Limit") == "ticket" and b"this one" in body}
        answer = reply(429, b'{"message": "this one"}', Limit="ticket")
        assert outcome(lambda c: c.change("PUT", "ticket/9", Made, ticket="9"), answer, **options).ticket_only
        assert not outcome(post, answer, **options).ticket_only

    def test_a_receiver_may_answer_whatever_it_likes_but_a_page(self):
        """What is only told needs no JSON in return; a login page is no success."""
        with server(reply(202, b"ok")) as (port, _):
            http(port).tell("POST", "hook", json={})
        page = reply(200, b"<html>", Content_Type="text/html; charset=utf-8")
        assert type(outcome(lambda c: c.tell("POST", "hook", json={}), page)) is OutcomeUnknown

    @pytest.mark.parametrize("status", [404, 410])
    def test_gone(self, status):
        """404 and 410 are TicketGone where a ticket was asked about, else Rejected."""
        assert type(outcome(lambda c: c.get("ticket/9", Made, ticket="9"), reply(status))) is TicketGone
        assert type(outcome(get, reply(status))) is Rejected

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"message": "bad field"}', ": bad field"),
            (b'{"errorMessages": ["one"], "errors": {"priority": "off screen"}}', ": one; priority: off screen"),
            (b'{"errors": ["Subject is blank"]}', ": Subject is blank"),
            (b'{"error": {"message": "invalid", "detail": "no row"}}', ": invalid; no row"),
            (
                b'{"error": "RecordInvalid", "details": {"status": [{"description": "Status: closed"}]}}',
                ": RecordInvalid; Status: closed",
            ),
            (b"<html>secret page</html>", ""),
            (b'{"message": "%s"}' % (b"x" * 5000), ": " + "x" * 199 + "…"),
        ],
    )
    def test_rejected_with_the_desks_own_words(self, body, words):
        """Other 4xx are Rejected with a short message in the shapes desks use; never a page, never at length."""
        error = outcome(post, reply(422, body))
        assert type(error) is Rejected
        assert str(error).partition("answered 422")[2] == words

    @pytest.mark.parametrize("status", [409, 412])
    def test_a_conflict_is_a_refusal_that_a_client_can_tell_apart(self, status):
        """Somebody else is changing it: nothing was done, and looking again may settle it."""
        assert type(outcome(post, reply(status))) is Conflict

    def test_a_secret_that_the_desk_repeats_is_masked(self):
        """A desk that quotes our token back does not bring it into the message."""
        error = outcome(post, reply(400, f'{{"message": "bad token {SECRET}"}}'.encode()))
        assert "bad token [secret]" in str(error)

    @pytest.mark.parametrize(
        "answer",
        [
            reply(500, b'{"message": "internal error"}'),
            reply(503),
            reply(408),
            reply(302, b"", Location="https://login.example.com/?next=x"),
            reply(200, b"<html>please log in</html>"),
            reply(200, b"[]"),
            reply(200, b""),
            reply(200, b'{"id": 1}', Content_Encoding="identity", Transfer_Encoding="chunked"),
        ],
        ids=["500", "503", "408", "redirect", "html", "other json", "nothing", "garbled"],
    )
    def test_untrustworthy(self, answer):
        """An answer that says nothing certain leaves a change unknown; a read has done nothing."""
        assert type(outcome(post, answer)) is OutcomeUnknown
        assert isinstance(outcome(get, answer), DeskUnreachable)

    def test_a_redirect_is_named_and_not_followed(self):
        """The message says where to, without the address's query; nothing is sent there."""
        with server(reply(200, b'{"id": 1}')) as (elsewhere, seen):
            error = outcome(post, reply(307, b"", Location=f"http://127.0.0.1:{elsewhere}/x?{SECRET}"))
            read = outcome(get, reply(301, b"", Location=f"http://127.0.0.1:{elsewhere}/x"))
        assert "a redirect to 127.0.0.1, not followed" in str(error)
        assert type(read) is Moved
        assert seen == []

    def test_too_large_an_answer_is_not_read(self):
        """The answer is cut at the limit, whatever length it announces."""
        error = outcome(post, reply(200, b'{"id": 1, "x": "' + b"x" * 5000 + b'"}'), largest=1000)
        assert type(error) is OutcomeUnknown
        assert "larger than 1000 bytes" in str(error)


def hang_up(connection, _):
    """Read the request, and reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang_up_in_body(connection, _):
    """Begin an answer and hang up."""
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")


def say_nothing(connection, _):
    """Read the request and keep still."""
    connection.settimeout(5)
    connection.recv(1)


def drip_head(connection, _):
    """Send a head that never ends, a letter at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_body(connection, _):
    """Send a body without announced length, a letter at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


class TestNetwork:
    """What a broken exchange means."""

    @pytest.mark.parametrize("answer", [hang_up, hang_up_in_body, say_nothing, drip_head, drip_body])
    def test_broken_after_sending_is_unknown(self, answer):
        """After the request went out, a change may have been made."""
        assert type(outcome(post, answer, deadline=0.6, read=0.4)) is OutcomeUnknown
        assert type(outcome(get, answer, deadline=0.6, read=0.4)) is DeskUnreachable

    @pytest.mark.parametrize("answer", [drip_head, drip_body])
    def test_a_slow_drip_ends_at_the_deadline(self, answer):
        """Each letter comes in time, the whole does not: the deadline counts."""
        start = time.monotonic()
        error = outcome(post, answer, deadline=0.5, read=30)
        assert time.monotonic() - start < 5
        assert "no whole answer within 0.5 s" in str(error)

    def test_refused_was_never_sent(self):
        """Nobody listens: the change was not made."""
        with server(reply(200)) as (port, _):
            pass
        with pytest.raises(DeskUnreachable, match="connection refused"):
            post(http(port))

    def test_no_such_name_was_never_sent(self):
        """A name without address (.invalid is reserved to have none): the change was not made."""
        client = Http("desk", "https://desk.invalid", headers={}, connect=1, deadline=20)
        with pytest.raises(DeskUnreachable, match="no address for this name"):
            post(client)

    def test_a_full_backlog_was_never_sent(self):
        """No connection in time: the change was not made."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            port = listener.getsockname()[1]
            waiting = [socket.socket() for _ in range(8)]
            for one in waiting:
                one.setblocking(False)  # noqa: FBT003 - the name says it
                one.connect_ex(("127.0.0.1", port))
            with pytest.raises(DeskUnreachable, match="no connection in time"):
                post(http(port, connect=0.3))
            for one in waiting:
                one.close()

    def test_a_handshake_that_drips_was_never_sent(self):
        """A server that never finishes TLS is unreachable, in time."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = Http("desk", f"https://127.0.0.1:{listener.getsockname()[1]}", headers={}, deadline=0.5)
            with pytest.raises(DeskUnreachable):
                post(client)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return key and self-signed certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=desk"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


class TestTrust:
    """To whom we speak, and what we tell."""

    def test_an_unknown_certificate_is_refused_before_anything_is_sent(self, certificate):
        """TLS is verified; the message says how to mend it."""
        tls, _ = certificate
        with server(reply(200, b'{"id": 1}'), tls=tls) as (port, seen):
            client = Http("desk", f"https://127.0.0.1:{port}", headers={"Authorization": SECRET})
            with pytest.raises(DeskUnreachable, match=r"certificate not accepted.*ca_file"):
                post(client)
        assert seen == []

    def test_a_private_authority_is_trusted_when_named(self, certificate):
        """With `ca_file` the same server is spoken to."""
        tls, authority = certificate
        with server(reply(200, b'{"id": 1}'), tls=tls) as (port, _):
            assert post(Http("desk", f"https://127.0.0.1:{port}", headers={}, ca_file=str(authority))).id == 1

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://desk.example.com", "in the clear"),
            ("http://192.168.1.5", "in the clear"),
            ("https://me:pw@desk.example.com", "credentials"),
            ("https://desk.example.com/?token=x", "leave out"),
            ("https://169.254.169.254/", "link-local"),
            ("ftp://desk.example.com", "write it as"),
            ("desk.example.com", "write it as"),
        ],
    )
    def test_addresses_that_are_refused_at_build(self, url, why):
        """What would leak or mislead is a ValueError that says why, without repeating credentials."""
        with pytest.raises(ValueError, match=why) as caught:
            Http("desk", url, headers={})
        assert "pw" not in str(caught.value)

    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://10.0.0.1"])
    def test_addresses_that_are_taken(self, url):
        """Plain http is for loopback only; private addresses are for the administrator to name."""
        Http("desk", url, headers={})

    def test_a_missing_ca_file_is_told_at_build(self, tmp_path):
        """Not when the first ticket is due."""
        with pytest.raises(ValueError, match="is not a file"):
            Http("desk", "https://desk.example.com", headers={}, ca_file=str(tmp_path / "none.pem"))

    @pytest.mark.parametrize("secret", ["two\nlines", "schlüssel"])
    def test_a_secret_that_no_header_carries_is_told_at_build(self, secret):
        """A line break in the secret's file is told without repeating the secret."""
        with pytest.raises(ValueError, match="no header can carry") as caught:
            Http("desk", "https://desk.example.com", headers={"Authorization": secret})
        assert secret not in str(caught.value)

    def test_proxy_and_netrc_of_the_environment_stay_out_of_loopback(self, monkeypatch, tmp_path):
        """A proxy in the environment is not used for loopback, and ~/.netrc never replaces our authorisation."""
        (tmp_path / "netrc").write_text("default login other password other\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        with server(reply(200, b'{"id": 1}')) as (port, seen):
            assert get(http(port)).id == 1
        assert f"Authorization: token {SECRET}".encode() in seen[0]


class TestReadBack:
    """A failing read after a change must not claim that nothing was done."""

    @pytest.mark.parametrize(
        ("error", "becomes"),
        [
            (DeskUnreachable("x"), OutcomeUnknown),
            (Throttled("x", 1.0), OutcomeUnknown),
            (NotAuthorised("x"), Rejected),
            (TicketGone("x"), TicketGone),
        ],
    )
    def test_what_errors_become(self, error, becomes):
        """Unreachable becomes unknown; not permitted becomes refused, or each retry would make one more ticket."""
        with pytest.raises(becomes), read_back("ticket 1 was created"):
            raise error
