"""Ports: open, closed, silent, unknown."""

import errno
import socket

import pytest

from agent.configuration.decode import decode
from collectors import CollectorError, CouldNotCheck, NotSupported, port
from collectors._network import NoSuchName, split_target
from collectors.contract import FakeHost


@pytest.fixture
def listening():
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def collect(root, *targets, **options):
    """Return what one run yields, by target."""
    options = port.PortOptions(targets=list(targets), **options)
    return {
        (item.name, item.labels["target"]): item if isinstance(item, CouldNotCheck) else item.value
        for item in port.PLUGIN.build(options, FakeHost(root)).collect(1.0)
    }


def test_an_open_port_and_a_closed_one(tmp_path, listening):
    """By name and by number; the time is told of the open one only."""
    here = f"localhost:{listening}"
    found = collect(tmp_path, here, "127.0.0.1:1")
    assert found["port_open", here] == 1
    assert 0 <= found["port_connect_seconds", here] < 5
    assert found["port_open", "127.0.0.1:1"] == 0
    assert ("port_connect_seconds", "127.0.0.1:1") not in found


def test_a_name_that_does_not_exist_is_closed(tmp_path):
    """Nobody who asks for it by that name gets anywhere."""
    assert collect(tmp_path, "nobody.invalid:80")["port_open", "nobody.invalid:80"] == 0


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (TimeoutError("timed out"), 0),
        (OSError(errno.EHOSTUNREACH, "No route to host"), 0),
        (OSError(errno.EMFILE, "Too many open files"), None),
        (PermissionError(errno.EPERM, "Operation not permitted"), None),
        (CollectorError("the name could not be looked up"), None),
        (NoSuchName("x"), 0),
    ],
)
def test_what_keeps_this_host_from_asking_says_nothing_about_the_service(tmp_path, monkeypatch, error, value):
    """It could not be checked; a service that does not answer is closed."""

    def fails(*_):
        raise error

    monkeypatch.setattr(port, "connect", fails)
    found = collect(tmp_path, "a:1")["port_open", "a:1"]
    assert isinstance(found, CouldNotCheck) if value is None else found == value


def test_a_link_local_address_is_never_spoken_to(tmp_path):
    """Clouds keep credentials there."""
    assert "never spoken to" in collect(tmp_path, "169.254.169.254:80")["port_open", "169.254.169.254:80"].reason


def test_a_mistake_of_ours_is_no_closed_port(tmp_path, monkeypatch):
    """It fails the collector, which says so."""
    monkeypatch.setattr(port, "connect", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        collect(tmp_path, "a:1")


def test_without_a_target_there_is_nothing_to_do(tmp_path):
    """And nothing reaches out."""
    with pytest.raises(NotSupported):
        collect(tmp_path)


@pytest.mark.parametrize(
    "target",
    ["", "host", "host:", ":80", "host:0", "host:65536", "a b:80", "-x:80", "user@host:80", "::1:80", "http://a:80"],
)
def test_what_is_no_target_is_refused(target):
    """With an example of one."""
    with pytest.raises(ValueError, match="for example"):
        split_target(target)


def test_a_wrong_configuration_is_told_by_its_key():
    """With what is wrong."""
    _, errors = decode(port.PortOptions, {"targets": ["a:1", "a:1"]}, file="f", key="collectors.port")
    assert [str(error) for error in errors] == [
        "f: collectors.port: targets: the same one stands there twice — mend: change what contradicts it"
    ]
