"""What breaks between a host and its ticket: in the end every problem has exactly one ticket, and its end is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from typing import Self

import pytest

from fleet_desk import FleetDesk, desk_table
from fleet_parts import Balancer, Elsewhere, Fleet, Replica, a_fleet, alertmanager_configuration, told, wait_until
from prometheus_parts import free_port, need

pytestmark = pytest.mark.fleet

SITES = 12


def outage(*, ended: bool = False, sites: int = SITES) -> list[dict]:
    """Return the alerts of two hosts at each site: so many groups, and so many tickets."""
    now = time.time()
    until = now - 1 if ended else now + 600
    return [told(n, since=now - 60, until=until, site=f"site-{n % sites}") for n in range(2 * sites)]


def each_has_one(desk: FleetDesk, count: int = SITES) -> bool:
    """Return whether there are so many keys, and one open ticket for each."""
    return list(desk.open_by_key().values()) == [1] * count


def said_over(desk: FleetDesk) -> bool:
    """Return whether the end was told on every open ticket."""
    return all(any("in order again." in one["notes"] for one in issue["journals"]) for issue in desk.open_ones())


def test_an_alertmanager_that_is_killed_is_not_missed(fleet: Fleet, desk: FleetDesk):
    fleet.tell(*outage())
    fleet.members[0].stop(killed=True)
    wait_until(lambda: each_has_one(desk))
    fleet.tell(*outage(ended=True))
    wait_until(lambda: said_over(desk))
    fleet.members[0].start()
    time.sleep(5)  # longer than a group's interval: what it remembers of before, it would tell now
    assert each_has_one(desk)
    assert len(desk.issues) == SITES


def test_a_replica_that_is_killed_between_creating_and_answering_leaves_one_ticket(
    patient_fleet: Fleet, desk: FleetDesk
):
    """The desk has made the ticket when the process ends, and nobody is left who knows."""
    left = threading.Semaphore(2)

    def kill(request) -> bool:
        if request.method != "POST" or not left.acquire(blocking=False):
            return False
        for replica in patient_fleet.replicas:
            replica.stop(killed=True)
        return True

    desk.lose = kill
    patient_fleet.tell(*outage())
    wait_until(lambda: desk.issues and all(replica.process is None for replica in patient_fleet.replicas))
    time.sleep(1)
    desk.lose = lambda _: False  # they are killed once: a second request may not have been on its way then
    for replica in patient_fleet.replicas:
        replica.start()
    wait_until(lambda: each_has_one(desk))
    assert len(desk.issues) == SITES, "the ticket that was made before the kill was found again"


def test_a_stopped_replica_finishes_what_is_under_way(patient_fleet: Fleet, desk: FleetDesk):
    """A rolling restart loses nothing and doubles nothing."""
    desk.before = lambda _: time.sleep(0.05)
    patient_fleet.tell(*outage())
    for replica in patient_fleet.replicas:
        time.sleep(0.5)
        replica.stop()
        replica.start()
    wait_until(lambda: each_has_one(desk))
    assert len(desk.issues) == SITES


def test_what_happens_while_the_desk_is_down_is_told_when_it_is_back(tmp_path):
    """Groups that go on get one ticket each, and nobody said done before.

    Those that ended meanwhile get none; or one, and are told to be over: Alertmanager sends again what it began to say.
    """
    desk = FleetDesk()
    with desk.running():
        pass  # it has a port now, and is down
    with a_fleet(tmp_path, desk_table(desk.url)) as fleet:
        alerts = outage()
        fleet.tell(*alerts)
        refused = 'foretell_relay_notifications_total{outcome="unreachable"}'
        wait_until(lambda: sum(replica.number(refused) for replica in fleet.replicas) >= SITES)
        assert not any(replica.ready() for replica in fleet.replicas if replica.number(refused))
        gone = [one for one in outage(ended=True) if one["labels"]["site"] in {"site-0", "site-1"}]
        fleet.tell(*gone)
        time.sleep(4)
        with desk.running():

            def settled() -> bool:
                ended = [
                    any("in order again." in one["notes"] for one in issue["journals"]) for issue in desk.open_ones()
                ]
                return set(desk.open_by_key().values()) == {1} and ended.count(False) == SITES - 2

            wait_until(settled)
            time.sleep(5)
            assert settled()
            assert all(one["relations"] for one in desk.issues.values() if one not in desk.open_ones()), (
                "twins are linked"
            )
            assert sum(
                replica.number('foretell_relay_notifications_total{outcome="done"}') for replica in fleet.replicas
            )


# -- a cluster that is cut in two ---------------------------------------------------------------------------------------


class Wires:
    """Two network namespaces with a wire to this machine each; between them only by way of it."""

    def __init__(self) -> None:
        self.names = [f"foretell-{os.getpid()}-{n}" for n in range(2)]
        self.nets = [f"10.213.{os.getpid() % 120 * 2 + n}" for n in range(2)]
        self.addresses = [f"{net}.2" for net in self.nets]
        self.forwarded = ""

    def __enter__(self) -> Self:
        self.forwarded = _run("sysctl", "-n", "net.ipv4.ip_forward").strip()
        _run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for n, name in enumerate(self.names):
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", f"fw{n}-{os.getpid()}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _run("ip", "addr", "add", f"{self.nets[n]}.1/24", "dev", f"fw{n}-{os.getpid()}")
            _run("ip", "link", "set", f"fw{n}-{os.getpid()}", "up")
            for command in (
                f"addr add {self.addresses[n]}/24 dev eth0",
                "link set eth0 up",
                "link set lo up",
                f"route add default via {self.nets[n]}.1",
            ):
                _run("ip", "-n", name, *command.split())
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            _run("ip", "netns", "del", name)  # and the wire with it
        _run("sysctl", "-qw", f"net.ipv4.ip_forward={self.forwarded}")

    def cut(self) -> None:
        """Let neither hear the other, while both reach this machine."""
        for n, name in enumerate(self.names):
            _run("ip", "-n", name, "route", "add", "blackhole", self.addresses[1 - n])

    def mend(self) -> None:
        """Let them hear each other again."""
        for n, name in enumerate(self.names):
            _run("ip", "-n", name, "route", "del", "blackhole", self.addresses[1 - n])


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="makes network namespaces: needs root and iproute2"
)
def test_a_cluster_that_is_cut_in_two_and_heals_makes_one_ticket_for_each_problem(tmp_path, desk: FleetDesk):
    """Cut apart, both members tell of every group, and at the same time: the replicas must agree by the desk alone."""
    need("prometheus-alertmanager")
    replicas = [Replica(tmp_path / f"relay-{n}", desk_table(desk.url), []) for n in range(2)]
    with Wires() as wires, Balancer(replicas).serving("0.0.0.0") as balancer:
        port = balancer.url.rpartition(":")[2]
        gossip, members = free_port(), []
        for n, name in enumerate(wires.names):
            configuration = tmp_path / f"alertmanager-{n}.yml"
            configuration.write_text(alertmanager_configuration(f"http://{wires.nets[n]}.1:{port}"))
            members.append(
                Elsewhere(
                    tmp_path / f"member-{n}",
                    name,
                    wires.addresses[n],
                    "prometheus-alertmanager",
                    f"--config.file={configuration}",
                    f"--storage.path={tmp_path / f'member-{n}'}",
                    f"--cluster.listen-address={wires.addresses[n]}:{gossip}",
                    f"--cluster.peer={wires.addresses[1 - n]}:{gossip}",
                    "--cluster.settle-timeout=1s",
                    "--cluster.peer-timeout=1s",
                    "--cluster.reconnect-interval=1s",
                )
            )
        fleet = Fleet(tmp_path, members, replicas, balancer)
        try:
            for part in (*replicas, *members):
                part.start()
            wait_until(lambda: all(len(one.ask("api/v2/status")["cluster"]["peers"]) == 2 for one in members))
            wires.cut()
            desk.before = lambda _: time.sleep(0.02)
            fleet.tell(*outage())
            wait_until(lambda: each_has_one(desk))
            time.sleep(5)  # both have told everything by now, more than once
            assert each_has_one(desk)
            wires.mend()
            wait_until(lambda: all(len(one.ask("api/v2/status")["cluster"]["peers"]) == 2 for one in members))
            fleet.tell(*outage(ended=True))
            wait_until(lambda: said_over(desk))
            assert each_has_one(desk)
            doubled = sum(replica.number("foretell_relay_duplicates_closed_total") for replica in replicas)
            assert len(desk.issues) - SITES <= doubled, "every second ticket was counted, some by both replicas"
        finally:
            for part in (*members, *replicas):
                part.stop()
