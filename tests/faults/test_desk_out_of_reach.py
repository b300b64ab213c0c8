"""A desk that cannot be spoken to: connections swallowed, answers cut off, no rights for an hour, an old certificate."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from werkzeug import Response

from agent.store import Store
from certificate_authority import Authority
from deliveries import DESK, START, Deliveries
from fake_redmine import FakeRedmine, configure
from loopback import Page, web_server

pytestmark = pytest.mark.faults

HOUR = 3600.0


@pytest.fixture
def deliver(tmp_path):
    """Return a function that makes three cases for the desk at an address."""

    def deliver(url: str, **options: str) -> Deliveries:
        config = configure(tmp_path, DESK, url, **options)
        deliveries = Deliveries(tmp_path / "state", config)
        deliveries.add_cases(3, "open", "comment")
        return deliveries

    return deliver


def point_to(deliveries: Deliveries, url: str) -> None:
    """Have the desk be at another address, where it answers."""
    configure(deliveries.config.parent, DESK, url)


def trouble(deliveries: Deliveries) -> str:
    """Return what the agent knows of why the desk does not serve it."""
    with Store.open(deliveries.folder) as store:
        return store.desk_health(DESK).detail


def once_a_courier(deliveries: Deliveries, until: float) -> int:
    """Run couriers as the daemon would until then; return how many there were."""
    before = deliveries.couriers
    while deliveries.now < until:
        done = deliveries.courier()
        assert done.returncode == 0, done.stderr.decode()
        deliveries.now = deliveries.next_try()
    return deliveries.couriers - before


def arrived(desk: FakeRedmine, deliveries: Deliveries) -> None:
    """See that everything is at the desk, once."""
    deliveries.settle()
    assert len(desk.issues) == 3
    assert all(len(issue["journals"]) == 1 for issue in desk.issues.values())


@contextlib.contextmanager
def swallowing() -> Iterator[str]:
    """An address that lets nobody in: its queue of connections is full, and the kernel drops what else comes."""
    with socket.socket() as server, contextlib.ExitStack() as taken:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            one = taken.enter_context(socket.socket())
            one.setblocking(False)  # noqa: FBT003 - the library's own signature
            one.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def cutting_off() -> Iterator[str]:
    """An address that answers every request with the first bytes of an answer, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError), server.accept()[0] as one:
                    one.settimeout(2)
                    one.recv(65536)
                    one.sendall(
                        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"issues": ['
                    )

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("broken", [swallowing, cutting_off])
def test_nothing_is_lost_where_packets_or_bodies_are(deliver, broken):
    """Tried again, less and less often; when the desk is back, everything arrives once."""
    with broken() as url:
        deliveries = deliver(url)
        assert deliveries.courier().returncode == 0
        assert len(deliveries.waiting()) == 6
        assert trouble(deliveries)
    with FakeRedmine().running() as desk:
        point_to(deliveries, desk.url)
        arrived(desk, deliveries)


@pytest.mark.parametrize("status", [401, 403])
def test_without_rights_the_desk_is_left_alone_until_they_are_back(deliver, status):
    """For an hour the credentials are not accepted: a few requests, and one line that says so; then everything arrives."""
    with FakeRedmine().running() as desk:
        deliveries = deliver(desk.url)
        refuse = Response(json.dumps({"errors": ["no"]}), status, content_type="application/json")
        desk.before = lambda _: refuse if deliveries.now < START + HOUR else None
        couriers = once_a_courier(deliveries, START + HOUR)
        assert len(desk.seen) <= 3 * couriers
        assert couriers <= 15
        assert len(deliveries.waiting()) == 6
        arrived(desk, deliveries)


def test_an_expired_certificate_is_named_and_nothing_is_sent(deliver, tmp_path):
    """What the desk has to renew is said; when it has, everything arrives."""
    authority = Authority(tmp_path)
    pages = {"/": Page("never seen")}
    with web_server(pages, authority.serving("late-chain", "late")) as (url, seen):
        deliveries = deliver(url, ca_file=str(tmp_path / "root.pem"))
        assert deliveries.courier().returncode == 0
        assert seen == []
        assert "expired" in trouble(deliveries)
        assert len(deliveries.waiting()) == 6
    with FakeRedmine().running() as desk:
        point_to(deliveries, desk.url)
        arrived(desk, deliveries)
