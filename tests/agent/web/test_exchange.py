"""A request and its answer: what is read, what an application is told, and what is refused."""

import socket
from http import HTTPStatus
from wsgiref.validate import check_environ

import pytest

from agent.web.exchange import LARGEST_HEAD, RequestRefused, bare, environment, read_head, respond

HERE = ("127.0.0.1", 9469)


@pytest.fixture
def line():
    """Return both ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_head_ends_at_an_empty_line(line):
    """What comes after it is not looked at."""
    ours, theirs = line
    theirs.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n")
    assert read_head(ours) == "GET / HTTP/1.1\nHost: a"


def test_a_head_may_be_typed_by_hand(line):
    """Line feeds are enough, and it may come byte by byte."""
    ours, theirs = line
    theirs.sendall(b"GET / HTTP/1.0\nHost: a\n\n")
    assert read_head(_Dripping(ours)) == "GET / HTTP/1.0\nHost: a"


class _Dripping:
    """A connection from which one byte is read at a time."""

    def __init__(self, connection):
        self._connection = connection

    def recv(self, _):
        return self._connection.recv(1)


def test_who_leaves_before_the_end_has_asked_nothing(line):
    """Half a head is none."""
    ours, theirs = line
    theirs.sendall(b"GET / HTTP/1.1\r\n")
    theirs.shutdown(socket.SHUT_WR)
    assert read_head(ours) == ""


@pytest.mark.parametrize(("length", "fits"), [(LARGEST_HEAD - 4, True), (LARGEST_HEAD, False)])
def test_a_head_is_bounded(line, length, fits):
    """To the byte, its end included; a body after it does not count."""
    ours, theirs = line
    theirs.sendall(b"x" * length + b"\r\n\r\n" + b"body" * 1000)
    if fits:
        assert len(read_head(ours)) == length
    else:
        with pytest.raises(RequestRefused) as refused:
            read_head(ours)
        assert refused.value.status == 431


def test_what_an_application_is_told():
    """As wsgiref told it: a path without its escapes, a query with them, headers in capitals, those that come twice joined."""
    head = "GET /cases/%C3%A4?x=%20 HTTP/1.1\nHost: a:1\nX-Two: one \nx-two:\tother\nX-Empty:"
    told = environment(head, HERE)
    check_environ(told)
    assert (told["REQUEST_METHOD"], told["SERVER_PROTOCOL"]) == ("GET", "HTTP/1.1")
    assert (told["PATH_INFO"], told["QUERY_STRING"]) == ("/cases/\xc3\xa4", "x=%20")
    assert (told["HTTP_HOST"], told["HTTP_X_TWO"], told["HTTP_X_EMPTY"]) == ("a:1", "one,other", "")
    assert (told["SERVER_NAME"], told["SERVER_PORT"]) == ("127.0.0.1", "9469")


@pytest.mark.parametrize(
    "head",
    [
        "",
        "GET",
        "GET /",
        "GET / HTTP/2.0",
        "GET / / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.1\nno colon",
        "GET / HTTP/1.1\nHost : a",
        "GET / HTTP/1.1\nHost: a\n folded",
        "GET / HTTP/1.1\nHost: a\rX: b",
        "GET / HTTP/1.1\nHost: a\0",
    ],
)
def test_what_is_not_http_is_refused(head):
    """Nothing is guessed."""
    with pytest.raises(RequestRefused) as refused:
        environment(head, HERE)
    assert refused.value.status == 400


def test_an_answer_is_whole():
    """Its status, its date, what the application says of it, and its body."""

    def app(_, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])(b"written, ")
        return [b"returned", b"!"]

    head, _, body = respond(app, environment("GET / HTTP/1.0", HERE)).partition(b"\r\n\r\n")
    status, date, *rest = head.split(b"\r\n")
    assert (status, rest, body) == (b"HTTP/1.0 200 OK", [b"Content-Type: text/plain"], b"written, returned!")
    assert date.startswith(b"Date: ")
    assert date.endswith(b" GMT")


def test_a_bare_answer_says_that_nothing_follows():
    """Clients wait for no body."""
    answer = bare(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "1"))
    assert answer.startswith(b"HTTP/1.0 503 Service Unavailable\r\n")
    assert answer.endswith(b"\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
