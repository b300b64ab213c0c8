"""Pseudonyms: one for one, in all its forms, and no way back."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from agent.redaction import Pseudonyms
from agent.redaction._spans import replaced

KEY = bytes(range(32))


@pytest.fixture
def pseudonyms():
    """Return those of a customer with one known host."""
    return Pseudonyms(KEY, hosts=["web01.corp.example.com"], users=["Ann"], domains=["example.net"])


def cleaned(pseudonyms, text):
    """Return the text after all rules for names."""
    return replaced(text, [(rule, span) for rule, find in pseudonyms.rules.items() for span in find(text)], Counter())


def test_short_and_full_name_in_any_case_are_one_host(pseudonyms):
    """Readable, with six digits."""
    names = ["web01", "WEB01", "web01.corp.example.com", "Web01.Corp.Example.com.", "web01.example.net"]
    (one,) = {pseudonyms.host(name) for name in names}
    assert re.fullmatch(r"host-[0-9a-f]{6}", one)
    assert cleaned(pseudonyms, "from WEB01, to web01.corp.example.com.") == f"from {one}, to {one}."


def test_hosts_of_other_domains_are_not_confused(pseudonyms):
    """The same first word is not the same host."""
    assert len({pseudonyms.host(name) for name in ("www.a.org", "www.b.org", "www.corp.example.com", "WWW.A.org")}) == 3


def test_any_host_under_a_known_domain_is_found(pseudonyms):
    """As neighbours are named in logs."""
    assert cleaned(pseudonyms, "db07.corp.example.com down") == f"{pseudonyms.host('db07')} down"


def test_users_are_one_with_and_without_their_domain(pseudonyms):
    """And in any case."""
    assert len({pseudonyms.user(name) for name in ("ann", "ANN", "CORP\\Ann")}) == 1
    assert cleaned(pseudonyms, "ls /home/bjoern") == f"ls /home/{pseudonyms.user('bjoern')}"


@pytest.mark.parametrize("name", ["root", "www-data", "nobody", "0", "1000", "postgres"])
def test_accounts_that_every_host_has_stay(pseudonyms, name):
    """They say what happened, and nothing of a person."""
    assert pseudonyms.user(name) == name


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "0.0.0.0", "::", "255.255.255.0", "224.0.0.1", "ff02::1", "00:00:00:00:00:00"]
)
def test_addresses_that_are_alike_everywhere_stay(pseudonyms, text):
    """Loopback, wildcard, netmask, multicast."""
    assert pseudonyms.address(text) == text


def test_one_address_in_all_its_spellings_has_one_pseudonym(pseudonyms):
    """IPv6 long and short, IPv4 within IPv6, MAC addresses with any sign."""
    assert len({pseudonyms.address(a) for a in ("2001:db8::1", "2001:DB8:0:0:0:0:0:1")}) == 1
    assert len({pseudonyms.address(a) for a in ("192.0.2.7", "::ffff:192.0.2.7")}) == 1
    assert len({pseudonyms.address(a) for a in ("52:54:00:12:ab:cd", "52-54-00-12-AB-CD", "5254.0012.abcd")}) == 1


@pytest.mark.parametrize(
    "text", ["12:34:56", "0000:00:1f.2", "std::string", "1.2.3", "300.1.1.1", "getty@tty1.service", "v1.2.3.4.5"]
)
def test_what_is_no_address_stays(pseudonyms, text):
    """Times, PCI devices, versions, units."""
    assert cleaned(pseudonyms, f"x {text} y") == f"x {text} y"


def test_ports_and_masks_are_kept(pseudonyms):
    """An engineer needs them."""
    address = pseudonyms.address("192.0.2.7")
    assert cleaned(pseudonyms, "192.0.2.7:443 192.0.2.7/24") == f"{address}:443 {address}/24"


def test_another_key_gives_other_pseudonyms(pseudonyms):
    """So that two customers cannot be compared."""
    other = Pseudonyms(bytes(32))
    assert other.user("bjoern") != pseudonyms.user("bjoern")
    assert other.address("192.0.2.7") != pseudonyms.address("192.0.2.7")


def test_kinds_do_not_give_each_other_away(pseudonyms):
    """A user called like a host."""
    assert pseudonyms.user("web01")[-6:] != pseudonyms.host("web01")[-6:]


def test_a_short_key_is_refused():
    """It could be tried out."""
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Pseudonyms(b"short")
