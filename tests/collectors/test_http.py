"""Web addresses: every outcome against a real server on loopback, and what never leaves this host."""

import ssl
import subprocess

import pytest

from collectors import CouldNotCheck, NotSupported, http
from collectors._web import shown, split_url
from collectors.contract import FakeHost
from collectors.http import HttpTarget, Outcome
from loopback import Page, web_server

PAGES = {
    "/": Page("all is well: 42 orders"),
    "/gone": Page("", 503),
    "/moved": Page("", 302, {"Location": "/"}),
    "/elsewhere": Page("", 302, {"Location": "http://127.0.0.1:1/"}),
    "/round": Page("", 302, {"Location": "/round"}),
    "/nonsense": Page("", 302, {"Location": "gopher://x/"}),
    "/broken": Page(raw=b"SSH-2.0-OpenSSH\r\n\r\n"),
    "/slow": Page("late", slowly=0.8),
    "/long": Page("x" * (http.LARGEST + 10) + "end"),
}


@pytest.fixture(scope="module")
def served():
    """A server: its address, and what it was asked."""
    with web_server(PAGES) as (url, seen):
        yield url, seen


def collect(root, *targets, secrets=None, timeout=5.0):
    """Return readings by name and target; what could not be checked as it is."""
    options = http.HttpOptions(targets=list(targets), timeout=timeout)
    return {
        (item.name, item.labels["target"]): item if isinstance(item, CouldNotCheck) else item.value
        for item in http.PLUGIN.build(options, FakeHost(root, secrets=secrets)).collect(1.0)
    }


@pytest.mark.parametrize(
    ("path", "more", "outcome", "status"),
    [
        ("/", {}, Outcome.AS_EXPECTED, 200),
        ("/", {"matches": r"\b\d+ orders"}, Outcome.AS_EXPECTED, 200),
        ("/", {"matches": "maintenance"}, Outcome.TEXT_MISSING, 200),
        ("/", {"method": "HEAD"}, Outcome.AS_EXPECTED, 200),
        ("/gone", {}, Outcome.OTHER_STATUS, 503),
        ("/gone", {"status": [503]}, Outcome.AS_EXPECTED, 503),
        ("/moved", {}, Outcome.AS_EXPECTED, 200),
        ("/moved", {"redirects": False}, Outcome.OTHER_STATUS, 302),
        ("/moved", {"redirects": False, "status": [302]}, Outcome.AS_EXPECTED, 302),
        ("/elsewhere", {}, Outcome.NO_CONNECTION, None),
        ("/round", {}, Outcome.WRONG_REDIRECT, 302),
        ("/nonsense", {}, Outcome.WRONG_REDIRECT, 302),
        ("/broken", {}, Outcome.BROKEN_ANSWER, None),
        ("/long", {"matches": "end"}, Outcome.TEXT_MISSING, 200),
    ],
)
def test_every_answer_has_its_outcome(tmp_path, served, path, more, *, outcome, status):
    """And the status where there was one."""
    found = collect(tmp_path, HttpTarget(url=served[0] + path, name="it", **more))
    assert found["http_outcome", "it"] == outcome
    assert found.get(("http_status", "it")) == status
    assert (("http_duration_seconds", "it") in found) == (status is not None)


def test_an_answer_that_comes_too_late_is_none(tmp_path, served):
    """The time is that of the whole answer."""
    found = collect(tmp_path, HttpTarget(url=f"{served[0]}/slow", name="it"), timeout=0.2)
    assert found == {("http_outcome", "it"): Outcome.NO_ANSWER_IN_TIME}


def test_nobody_there(tmp_path):
    """A closed port and a name that does not exist."""
    found = collect(tmp_path, HttpTarget(url="http://127.0.0.1:1/"), HttpTarget(url="http://nobody.invalid/"))
    assert found["http_outcome", "http://127.0.0.1:1/"] == Outcome.NO_CONNECTION
    assert found["http_outcome", "http://nobody.invalid/"] == Outcome.NO_SUCH_HOST


def test_secrets_go_to_their_own_origin_only(tmp_path, served):
    """A redirect to another host takes none along; a redirect within it does."""
    url, seen = served
    with web_server({"/": Page("other")}) as (other, others_saw):
        PAGES["/away"] = Page("", 307, {"Location": f"{other}/"})
        targets = [HttpTarget(url=f"{url}{path}", name=path, token_secret="t") for path in ("/away", "/moved")]
        seen.clear()
        found = collect(tmp_path, *targets, secrets={"t": "s3cret"})
    assert found["http_outcome", "/away"] == found["http_outcome", "/moved"] == Outcome.AS_EXPECTED
    assert [headers.get("Authorization") for _, headers in seen] == ["Bearer s3cret"] * 3
    assert [headers.get("Authorization") for _, headers in others_saw] == [None]


def test_a_password_is_sent_as_basic_authorization(tmp_path, served):
    """RFC 7617's own example."""
    url, seen = served
    seen.clear()
    target = HttpTarget(url=f"{url}/", user="Aladdin", password_secret="p")
    collect(tmp_path, target, secrets={"p": "open sesame"})
    assert seen[0][1]["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_secret_that_is_missing_is_said_and_nothing_is_asked(tmp_path, served):
    """An answer without it would tell nothing."""
    url, seen = served
    seen.clear()
    [found] = collect(tmp_path, HttpTarget(url=f"{url}/", token_secret="t")).values()
    assert isinstance(found, CouldNotCheck)
    assert seen == []


def test_a_link_local_address_is_never_spoken_to(tmp_path):
    """Nor by way of a redirect: both go through the same door."""
    [found] = collect(tmp_path, HttpTarget(url="http://169.254.169.254/latest")).values()
    assert "never spoken to" in found.reason


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A server whose certificate its own authority vouches for: the address, and the authority's file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with web_server(PAGES, context) as (url, _):
        yield url, str(folder / "cert.pem")


def test_a_certificate_is_verified_always(tmp_path, tls):
    """By the system's authorities, or by the file that is named; and for the name that was asked."""
    url, ca_file = tls
    found = collect(
        tmp_path,
        HttpTarget(url=f"{url}/", name="unknown issuer"),
        HttpTarget(url=f"{url}/", name="known", ca_file=ca_file),
        HttpTarget(url=f"{url}/".replace("localhost", "127.0.0.1"), name="other name", ca_file=ca_file),
        HttpTarget(url=f"{url}/elsewhere", name="into the clear", ca_file=ca_file),
    )
    outcomes = {target: value for (name, target), value in found.items() if name == "http_outcome"}
    assert outcomes == {
        "unknown issuer": Outcome.TLS_REFUSED,
        "known": Outcome.AS_EXPECTED,
        "other name": Outcome.TLS_REFUSED,
        "into the clear": Outcome.WRONG_REDIRECT,
    }


def test_authorities_that_cannot_be_read_are_said_to_be(tmp_path, tls):
    """The server is not to blame."""
    [found] = collect(tmp_path, HttpTarget(url=f"{tls[0]}/", ca_file="/nonexistent.pem")).values()
    assert "/nonexistent.pem" in found.reason


def test_without_a_target_there_is_nothing_to_do(tmp_path):
    """And nothing reaches out."""
    with pytest.raises(NotSupported):
        collect(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://user:pass@a/"},
        {"url": "ftp://a/"},
        {"url": "http:///x"},
        {"url": "http://a:99999/"},
        {"url": "http://bücher.example/"},
        {"url": "http://a/\n"},
        {"url": "http://a/", "token_secret": "t"},
        {"url": "https://a/", "user": "u"},
        {"url": "https://a/", "user": "u", "password_secret": "p", "token_secret": "t"},
        {"url": "https://a/", "headers": {"authorization": "Bearer x"}},
        {"url": "https://a/", "matches": "("},
        {"url": "https://a/", "matches": "x", "method": "HEAD"},
    ],
)
def test_what_contradicts_itself_is_refused(wrong):
    """And a password that stands in a URL is not repeated."""
    with pytest.raises(ValueError, match=r".") as caught:
        HttpTarget(**wrong)
    assert "pass" not in str(caught.value).replace("password", "")


def test_a_query_is_not_shown():
    """It may hold a token."""
    assert shown(split_url("https://a/b?token=c")) == "https://a/b"
    assert HttpTarget(url="https://a/b?token=c").label == "https://a/b"
