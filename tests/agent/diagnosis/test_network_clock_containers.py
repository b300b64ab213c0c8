"""The network, the clock, containers: what is looked at when one of them fails."""

from types import SimpleNamespace

import psutil

from agent.diagnosis import clock, containers, network
from agent.diagnosis._diagnosis import Unseen

ROUTES = "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0101A8C0\t0003\neth0\t0001A8C0\t00000000\t0001\n"


def values(items):
    """Return facts by name, of several the last, and details by theirs."""
    return {
        item.name: getattr(item, "value", getattr(item, "text", None)) for item in items if not isinstance(item, Unseen)
    }


def test_the_way_out_of_a_host_is_its_routes_and_resolvers(scripted):
    """Comments are left out."""
    look = (
        scripted()
        .write("/proc/net/route", ROUTES)
        .write("/etc/resolv.conf", "# by us\nnameserver 10.0.0.1\noptions x\n")
    )
    found = values(network.way_out(look))
    assert found == {
        "default_routes": 1.0,
        "resolvers": 1.0,
        "resolvers.txt": "nameserver 10.0.0.1\noptions x\n",
    }


def test_a_host_without_routes_and_resolvers_says_so(scripted):
    """Neither is told to be 0."""
    assert [item.what for item in network.way_out(scripted())] == ["routes", "resolvers"]


def test_who_listens_here_is_told_for_the_port_in_question(scripted, monkeypatch):
    """And nothing where it is about no port."""
    here = SimpleNamespace(status=psutil.CONN_LISTEN, laddr=SimpleNamespace(port=5432))
    monkeypatch.setattr(psutil, "net_connections", lambda kind: [here] if kind == "tcp" else [])
    assert values(network.listeners(scripted({"target": "127.0.0.1:5432"}))) == {"listeners_here": 1.0}
    assert values(network.listeners(scripted({"target": "127.0.0.1:5433"}))) == {"listeners_here": 0.0}
    assert list(network.listeners(scripted({"target": "https://shop.example/"}))) == []


def test_interfaces_are_told_without_the_loopback(scripted):
    """With what they lost."""
    look = scripted()
    for name in ("eth0", "lo"):
        look.write(f"/sys/class/net/{name}/operstate", "down\n")
        for lost in ("rx_errors", "rx_dropped", "tx_errors", "tx_dropped"):
            look.write(f"/sys/class/net/{name}/statistics/{lost}", "2\n")
    assert values(network.interfaces(look)) == {"interface_state": "down", "packets_lost_total": 8.0}
    assert {item.labels["interface"] for item in network.interfaces(look)} == {"eth0"}


def test_a_host_without_a_list_of_interfaces_says_so(scripted):
    """It has none that could be down."""
    assert [item.what for item in network.interfaces(scripted())] == ["interfaces"]


def test_the_time_services_that_are_installed_are_told(systemd):
    """One that is not is no news."""
    answer = "Id=chrony.service\nLoadState=loaded\nActiveState=failed\n\nId=ntp.service\nLoadState=not-found\n"
    found = list(clock.services(systemd(answers={"/usr/bin/systemctl": answer})))
    assert [(item.labels["unit"], item.value) for item in found] == [("chrony.service", "failed")]


def test_chronyd_is_asked_where_it_runs(scripted):
    """For its sources, in its own words."""
    look = scripted(answers={"/usr/bin/chronyc": "Reference ID\n"})
    assert list(clock.chrony(look)) == []
    look.write("/run/chrony/chronyd.pid", "1")
    assert values(clock.chrony(look)) == {
        "chrony-tracking.txt": "Reference ID\n",
        "chrony-sources.txt": "Reference ID\n",
    }


def test_a_clock_that_is_left_alone_has_not_stepped(scripted):
    """Waking late is no step."""
    [fact] = clock.system_clock(scripted(wait=lambda _: None))
    assert fact.value < 1.0


def test_the_engines_that_are_installed_are_told(systemd):
    """With their state and how they ended."""
    answer = "Id=docker.service\nLoadState=loaded\nActiveState=active\nResult=success\n"
    found = list(containers.engines(systemd(answers={"/usr/bin/systemctl": answer})))
    assert [item.value for item in found] == ["active", "success"]
