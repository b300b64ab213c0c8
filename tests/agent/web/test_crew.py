"""The threads that wait for connections: few, there already, never too few, and gone at the end."""

import contextlib
import socket
import threading

import pytest

from agent.web.crew import MOST_RESTING, Crew
from running_agent import until


class Letters:
    """Connections that each send one letter and are answered with it in upper case, or held until `go_on`."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.served_by = []
        self.go_on = threading.Event()

    def take(self):
        try:
            connection, _ = self.socket.accept()
        except OSError:
            return None
        return lambda: self.serve(connection)

    def wake(self):
        self.socket.shutdown(socket.SHUT_RDWR)

    def serve(self, connection):
        self.served_by.append(threading.current_thread())
        with connection:
            letter = connection.recv(1)
            if letter == b"h":
                self.go_on.wait(10)
            connection.sendall(letter.upper())

    def send(self, letter):
        connection = socket.create_connection(self.socket.getsockname(), timeout=5)
        connection.sendall(letter)
        return connection


def answer(connection):
    with connection:
        return connection.recv(1)


@pytest.fixture
def letters():
    """Return the listener of a crew at work."""
    listener = Letters()
    listener.crew = Crew(listener)
    yield listener
    listener.go_on.set()
    listener.crew.end()
    listener.socket.close()


def test_one_connection_after_the_other_begins_no_more_threads(letters):
    """That would be most of what a scrape costs."""
    for _ in range(20):
        assert answer(letters.send(b"a")) == b"A"
        until(lambda: letters.crew._resting == 2)  # the thread that answered waits again
    assert len(set(letters.served_by)) == 2


def test_whoever_takes_long_keeps_nobody_waiting(letters):
    """There is always one that waits; and what was needed for a moment does not stay."""
    held = [letters.send(b"h") for _ in range(5)]
    assert answer(letters.send(b"a")) == b"A"
    letters.go_on.set()
    assert {answer(connection) for connection in held} == {b"H"}
    until(lambda: sum(thread.is_alive() for thread in set(letters.served_by)) <= MOST_RESTING)


def test_where_no_thread_can_be_begun_they_are_served_one_after_the_other(letters, monkeypatch):
    """As on a host whose table of processes is full."""

    def refuse(_):
        raise RuntimeError("can't start new thread")

    with contextlib.closing(letters.send(b"h")) as first:
        until(lambda: letters.served_by)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        second = letters.send(b"h")
        until(lambda: len(letters.served_by) == 2)
        third = letters.send(b"a")
        letters.go_on.set()
        assert (answer(first), answer(second), answer(third)) == (b"H", b"H", b"A")


def test_at_the_end_all_threads_that_wait_are_gone():
    """And what comes later is not taken."""
    before = crew_threads()
    listener = Letters()
    crew = Crew(listener)
    assert answer(listener.send(b"a")) == b"A"
    crew.end()
    until(lambda: not any(thread.is_alive() for thread in crew_threads() - before))
    with listener.socket, pytest.raises(ConnectionRefusedError):
        listener.send(b"a")


def test_one_that_was_never_asked_ends_too():
    """Its only thread is woken."""
    before = crew_threads()
    listener = Letters()
    Crew(listener).end()
    until(lambda: not crew_threads() - before)
    listener.socket.close()


def crew_threads():
    """Return the threads of all crews that are alive."""
    return {thread for thread in threading.enumerate() if thread.name == "web"}
