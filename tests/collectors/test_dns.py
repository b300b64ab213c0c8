"""Names: found, unknown, and a resolver that does not answer."""

import socket
import threading

import pytest

from collectors import CouldNotCheck, NotSupported, dns
from collectors.contract import FakeHost


def collect(root, *names, **options):
    """Return what one run yields, by reading and name."""
    made = dns.PLUGIN.build(dns.DnsOptions(names=list(names), **options), FakeHost(root))
    return {
        (item.name, item.labels["name"]): item if isinstance(item, CouldNotCheck) else item.value
        for item in made.collect(1.0)
    }


def test_a_name_is_found_or_not(tmp_path):
    """As any program on this host would find it."""
    found = collect(tmp_path, "localhost", "nobody.invalid")
    assert found["dns_resolved", "localhost"] == 1
    assert found["dns_lookup_seconds", "localhost"] >= 0
    assert found["dns_resolved", "nobody.invalid"] == 0
    assert ("dns_lookup_seconds", "nobody.invalid") not in found


def test_a_resolver_that_fails_has_not_found_the_name(tmp_path, monkeypatch):
    """That is what is asked here; whoever only needs the name could not check."""

    def fails(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert collect(tmp_path, "db.example") == {("dns_resolved", "db.example"): 0}


def test_a_resolver_that_hangs_has_not_found_it_either(tmp_path, monkeypatch):
    """And the others are told in time."""
    released = threading.Event()
    real = socket.getaddrinfo

    def hangs(name, *more, **others):
        return released.wait(30) if name == "hangs.example" else real(name, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    found = collect(tmp_path, "hangs.example", "localhost", timeout=0.2)
    released.set()
    assert (found["dns_resolved", "hangs.example"], found["dns_resolved", "localhost"]) == (0, 1)


def test_without_a_name_there_is_nothing_to_do(tmp_path):
    """And nothing reaches out."""
    with pytest.raises(NotSupported):
        collect(tmp_path)
