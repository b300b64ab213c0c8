"""What the service manager is told, over a real datagram socket."""

import os
import socket

import pytest

from agent.system.service_manager import heartbeat, notify, notify_reloading


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """Return the socket on which a service manager listens to us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_states_go_together_in_one_message(manager):
    """One a line, as sd_notify(3) has it."""
    notify("READY=1", "STATUS=Well.")
    assert manager.recv(1000) == b"READY=1\nSTATUS=Well."


def test_an_abstract_socket_is_reached_too():
    """Its name begins with an @ that stands for a null byte."""
    name = f"foretell-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(5)
        notify("READY=1", environ={"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(1000) == b"READY=1"


def test_a_reload_tells_when_it_began(manager):
    """By the monotonic clock in microseconds, which systemd compares."""
    notify_reloading()
    state, _, since = manager.recv(1000).decode().partition("\n")
    assert state == "RELOADING=1"
    assert since.removeprefix("MONOTONIC_USEC=").isdecimal()


def test_without_a_service_manager_nobody_is_told():
    """As when a person runs it in a terminal."""
    notify("READY=1", environ={})


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("listens", [True, False])
def test_a_service_manager_that_hears_nothing_holds_nobody_up(monkeypatch, listens):
    """Neither one that does not take its messages, nor one that is gone."""
    monkeypatch.setattr("agent.system.service_manager.PATIENCE", 0.01)
    if not listens:
        monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent/notify")
    for _ in range(50):
        notify("WATCHDOG=1")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "300000000", "WATCHDOG_PID": str(os.getpid())}, 150.0),
        ({"WATCHDOG_USEC": "300000000"}, 150.0),
        ({"WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "1"}, None),
        ({}, None),
    ],
)
def test_it_is_heard_twice_in_the_limit_that_is_meant_for_it(environ, expected):
    """A limit for another process is none of ours."""
    assert heartbeat(environ) == expected
