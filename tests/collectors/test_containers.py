"""Containers: an engine's list, by a stand-in that answers as Docker's API does on a socket."""

import json

import pytest

from collectors import CouldNotCheck, NotSupported, containers
from collectors.contract import FakeHost
from loopback import container_engine

LISTED = [
    {"Id": "a1", "Names": ["/web"], "State": "running", "Status": "Up 3 hours (healthy)", "Image": "nginx"},
    {"Id": "b2", "Names": ["/db"], "State": "running", "Status": "Up 3 hours (unhealthy)"},
    {"Id": "c3", "Names": ["/job"], "State": "exited", "Status": "Exited (1) 2 days ago"},
    {"Id": "d4", "Names": ["/flap"], "State": "restarting", "Status": "Restarting (1) 4 seconds ago"},
    {"Id": "e5e5e5e5e5e5e5e5", "Names": [], "State": "created"},
]


def collect(root, **options):
    """Return what one run yields, by reading and container."""
    made = containers.PLUGIN.build(containers.ContainersOptions(**options), FakeHost(root))
    return {
        (item.name, item.labels.get("container")): item if isinstance(item, CouldNotCheck) else item.value
        for item in made.collect(1.0)
    }


def test_what_health_checks_say_and_who_starts_again(tmp_path):
    """A container that ended by itself is no news, unless it has to run."""
    with container_engine(tmp_path / "run/docker.sock", json.dumps(LISTED).encode(), json.dumps(LISTED[1:2]).encode()):
        found = collect(tmp_path, required=["web", "job", "missing"])
    assert {name: value for (reading, name), value in found.items() if reading == "container_unhealthy"} == {
        "web": 0, "db": 1, "job": 0, "flap": 0, "e5e5e5e5e5e5": 0
    }  # fmt: skip
    assert [name for (reading, name), value in found.items() if reading == "container_restarting" and value] == ["flap"]
    assert {name: value for (reading, name), value in found.items() if reading == "container_running"} == {
        "web": 1, "job": 0, "missing": 0
    }  # fmt: skip


@pytest.mark.parametrize(("body", "status"), [(b"[]", 500), (b"{}", 200), (b"[{", 200), (b"[{}]", 200)])
def test_an_engine_that_answers_nonsense_is_not_a_host_without_containers(tmp_path, body, status):
    """Those that have to run could not be checked."""
    with container_engine(tmp_path / "run/docker.sock", body, status=status):
        found = collect(tmp_path, required=["web"])
    assert isinstance(found["container_running", "web"], CouldNotCheck)
    assert isinstance(found["container_unhealthy", None], CouldNotCheck)


def test_an_engine_that_is_gone_has_left_its_socket(tmp_path):
    """Nothing is told of what ran there."""
    with container_engine(tmp_path / "run/docker.sock", b"[]"):
        pass
    found = collect(tmp_path, required=["web"])
    assert {type(item) for item in found.values()} == {CouldNotCheck}


def test_a_socket_that_may_not_be_used_is_said_with_the_cure(tmp_path, monkeypatch):
    """Whoever may write there is root, so the cure is not a group."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "run").mkdir()
    (tmp_path / "run/docker.sock").touch()
    monkeypatch.setattr(containers, "_open", refuse)
    [missing] = collect(tmp_path).values()
    assert "socket proxy" in missing.reason


def test_a_host_without_an_engine_has_no_containers(tmp_path):
    """Unless some have to run, which could not be checked."""
    with pytest.raises(NotSupported):
        collect(tmp_path)
    assert isinstance(collect(tmp_path, required=["web"])["container_running", "web"], CouldNotCheck)
