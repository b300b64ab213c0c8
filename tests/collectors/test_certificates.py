"""Certificates: a real chain made here, that ends in five days, served and in files; and what is wrong with others."""

import socket
import threading
import time

import pytest

from agent.collecting import HostAccess
from certificate_authority import Authority
from collectors import CouldNotCheck, NotSupported, certificates
from collectors._openssl import Certificate, Trouble, chain_question, issuers_end, parse_chain, parse_file
from collectors.certificates import CertificateServer
from fuzzing import limited
from loopback import Page, web_server

DAY = 86400.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """One for all tests here."""
    return Authority(tmp_path_factory.mktemp("ca"))


def collect(**options):
    """Return what one run on this machine yields, by reading, target and part."""
    made = certificates.PLUGIN.build(certificates.CertificatesOptions(**options), HostAccess())
    return {
        (item.name, *item.labels.values()): item if isinstance(item, CouldNotCheck) else item.value
        for item in made.collect(time.time())
    }


@pytest.mark.parametrize(
    ("chain", "key", "name", "trusted", "trouble"),
    [
        ("shop-chain", "shop", "shop.example", True, Trouble.NONE),
        ("shop-chain", "shop", None, True, Trouble.NONE),
        ("shop-chain", "shop", "other.example", True, Trouble.WRONG_NAME),
        ("shop-chain", "shop", None, False, Trouble.UNKNOWN_ISSUER),
        ("shop", "shop", None, True, Trouble.UNKNOWN_ISSUER),  # the issuer was left out
        ("late-chain", "late", None, True, Trouble.EXPIRED),
        ("alone", "alone", None, True, Trouble.SELF_SIGNED),
    ],
)
def test_a_server_shows_its_chain_and_what_a_client_finds_wrong(authority, chain, key, name, *, trusted, trouble):
    """Against a real server, by the system's authorities or by ours."""
    with web_server({"/": Page()}, authority.serving(chain, key)) as (url, _):
        address = url.removeprefix("https://")
        server = CertificateServer(
            address=address, name=name, ca_file=str(authority.folder / "root.pem") if trusted else None
        )
        found = collect(servers=[server])
    target = f"{address} {name}" if name else address
    assert found["certificate_trouble", target] == trouble
    days = (found["certificate_end_timestamp_seconds", target, "own"] - time.time()) / DAY
    assert days == pytest.approx({"shop": 5, "alone": 30}.get(key, days), abs=0.1)
    assert (days < 0) == (key == "late")
    has_issuer = ("certificate_end_timestamp_seconds", target, "issuers") in found
    assert has_issuer == chain.endswith("-chain")


def test_an_address_is_verified_as_one():
    """A certificate for a name does not hold for the number behind it."""
    assert "-verify_ip" in chain_question("127.0.0.1", 443, "127.0.0.1", starttls=None, ca_file=None)
    question = chain_question("::1", 25, "mail.example", starttls="smtp", ca_file="/x")
    assert question[3] == "[::1]:25"
    assert question[-5:] == ["smtp", "-CAfile", "/x", "-no-CApath", "-no-CAstore"]


def test_files_are_read_by_path_and_pattern(authority):
    """Of a chain the first is the one it is about; a key is none."""
    folder = authority.folder
    found = collect(
        files=[f"{folder}/shop-ch*.pem", f"{folder}/root.pem", f"{folder}/shop.key", f"{folder}/no*", "/nonexistent"]
    )
    end = "certificate_end_timestamp_seconds"
    assert (found[end, f"{folder}/shop-chain.pem", "own"] - time.time()) / DAY == pytest.approx(5, abs=0.1)
    assert (found[end, f"{folder}/shop-chain.pem", "issuers"] - time.time()) / DAY == pytest.approx(200, abs=0.1)
    assert (found[end, f"{folder}/root.pem", "own"] - time.time()) / DAY == pytest.approx(400, abs=0.1)
    for missing in (f"{folder}/shop.key", f"{folder}/no*", "/nonexistent"):
        assert isinstance(found[end, missing], CouldNotCheck)
    assert not any(name == "certificate_trouble" for name, *_ in found)


def hang_up(server):
    """Take one connection and close it."""
    server.accept()[0].close()


def test_a_server_that_speaks_no_tls_has_no_certificate_to_tell():
    """Nor has one that is not there. Whether it is there is the port's matter."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=hang_up, args=(plain,), daemon=True).start()
        targets = [f"127.0.0.1:{plain.getsockname()[1]}", "127.0.0.1:1", "nobody.invalid:443", "169.254.169.254:443"]
        found = collect(servers=[CertificateServer(address=target) for target in targets])
    assert {type(item) for item in found.values()} == {CouldNotCheck}
    assert len(found) == 2 * len(targets)


def test_what_came_along_and_was_over_already_was_not_needed():
    """Nor are roots, which clients have by themselves."""
    chain = [
        Certificate(50.0, own_issuer=False),
        Certificate(300.0, own_issuer=False),
        Certificate(200.0, own_issuer=True),
    ]
    assert issuers_end(chain, 100.0) == 300.0
    assert issuers_end(chain, 400.0) is None


def test_an_openssl_without_dates_says_so():
    """Those before version 3."""
    with pytest.raises(ValueError, match="version 3"):
        parse_chain("Certificate chain\n 0 s:CN = a\n   i:CN = b\n---\n", "")


def test_issuers_without_end_are_read_at_once():
    """As much as is read of an answer takes less than a second; its square would be minutes."""
    with limited(2), pytest.raises(ValueError, match="no certificate"):
        parse_file("  Issuer: CN = x\n" * 50_000)


def test_without_anything_named_there_is_nothing_to_do():
    """And nothing reaches out."""
    with pytest.raises(NotSupported):
        collect()


@pytest.mark.parametrize(
    "wrong",
    [{"address": "a"}, {"address": "a:1", "name": "-x"}, {"address": "-x:1"}, {"address": "a:1", "name": "a b"}],
)
def test_what_could_be_an_option_of_openssl_is_refused(wrong):
    """Names and hosts go onto its command line."""
    with pytest.raises(ValueError, match=r"HOST:PORT|no host name"):
        CertificateServer(**wrong)
