"""The application: what is answered to whom, and that nothing can be changed, framed, cached or rebound."""

import gzip

import msgspec
import pytest

from agent.status import CaseDetails
from agent.web.app import make_app
from agent.web.rendering import PageRenderer, RenderFailed

LISTEN = "127.0.0.1:19469"


class Client:
    """Asks an application without a server."""

    def __init__(self, app):
        self._app = app

    def __call__(self, path, *, method="GET", host=LISTEN, **headers):
        path, _, query = path.partition("?")
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **headers}
        if host is not None:
            environ["HTTP_HOST"] = host
        got = {}
        body = b"".join(self._app(environ, lambda status, fields: got.update(status=status, headers=dict(fields))))
        return int(got["status"].split()[0]), got["headers"], body.decode()


def named(page):
    """Render a page as the name of its kind, for whom, in which language."""
    return gzip.compress(f"{type(page).__name__} {page.reader.audience} {page.reader.language}".encode())


@pytest.fixture
def ask(source):
    """Return a client of an application whose pages are not rendered but named."""
    return Client(make_app(source, LISTEN, PageRenderer(named)))


def test_the_front_page_is_rendered(ask):
    """People get HTML."""
    status, headers, body = ask("/")
    assert (status, headers["Content-Type"], body) == (
        200,
        "text/html; charset=utf-8",
        "StatusPage customer en",
    )


def test_a_browser_that_can_gets_it_compressed(source):
    """The daemon keeps a page as it leaves: small."""
    got = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": LISTEN, "HTTP_ACCEPT_ENCODING": "br, gzip"}
    app = make_app(source, LISTEN, PageRenderer(named))
    body = b"".join(app(environ, lambda _, fields: got.update(fields)))
    assert got["Content-Encoding"] == "gzip"
    assert got["Content-Length"] == str(len(body))
    assert gzip.decompress(body) == b"StatusPage customer en"


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/", "zh-TW,zh;q=0.9,en;q=0.8", "zh_Hant"),
        ("/", "fr, zh-CN;q=0.3", "zh_Hans"),
        ("/", "en;q=0, zh;q=0.1", "zh_Hans"),
        ("/", "zh;q=high, *, ;;,", "en"),
        ("/?lang=zh_Hans", "en", "zh_Hans"),
        ("/engineer?lang=zh-Hant", "en", "zh_Hant"),
        ("/?lang=klingon", "zh", "zh_Hans"),
        ("/?lang=../../etc/passwd", "", "en"),
    ],
)
def test_the_reader_chooses_the_language(ask, path, accepted, language):
    """A link's word counts before the browser's; what nobody knows counts for nothing."""
    assert ask(path, HTTP_ACCEPT_LANGUAGE=accepted)[2].endswith(f" {language}")


def test_what_goes_on_inside_has_a_view_of_its_own(ask):
    """On this host the engineer's pages are open."""
    assert ask("/engineer")[2] == "EngineerPage engineer en"
    assert ask("/engineer/cases/a1a1")[2] == "CasePage engineer en"
    assert ask("/engineer/")[0] == 404


def test_the_network_sees_nothing_of_the_inside(source):
    """Where nobody has to log in the engineer's pages are shut, and of cases only those that were told are shown."""
    host = "192.0.2.7"
    ask = Client(make_app(source, f"{host}:80", PageRenderer(named)))
    status, _, body = ask("/engineer", host=host)
    assert status == 403
    assert "web_config under [agent]" in body
    assert ask("/engineer/cases/a1a1", host=host)[0] == 403
    assert ask("/", host=host)[2] == "StatusPage customer en"
    assert ask("/cases/a1a1", host=host)[0] == 200
    source.cases[0] = CaseDetails(case=msgspec.structs.replace(source.cases[0].case, state="pending"))
    assert ask("/cases/a1a1", host=host)[0] == 404


def test_metrics_follow_the_accept_header(ask):
    """Prometheus gets the format it asks for."""
    assert ask("/metrics")[1]["Content-Type"].startswith("text/plain; version=0.0.4")
    openmetrics = ask("/metrics", HTTP_ACCEPT="application/openmetrics-text; version=1.0.0")
    assert openmetrics[1]["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics[2].endswith("# EOF\n")


def test_a_head_request_is_answered_without_the_body(ask):
    """HEAD tells the length GET would send."""
    _, headers, body = ask("/metrics", method="HEAD")
    assert body == ""
    assert headers["Content-Length"] == str(len(ask("/metrics")[2].encode()))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_can_be_changed_from_here(ask, method):
    """Every method but GET and HEAD is refused, with the ones that are allowed."""
    status, headers, _ = ask("/", method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/engineer", "/metrics", "/healthz", "/style.css", "/icon.svg", "/nowhere"])
def test_every_answer_forbids_scripts_frames_sniffing_and_caching(ask, path):
    """The same strict headers stand on pages, errors and metrics; no origin is invited in."""
    headers = ask(path)[1]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not any(name.startswith("Access-Control") for name in headers)


@pytest.mark.parametrize(
    ("listen", "host", "expected"),
    [
        (LISTEN, "127.0.0.1:19469", 200),
        (LISTEN, "localhost:8080", 200),
        (LISTEN, "[::1]:19469", 200),
        (LISTEN, "LOCALHOST", 200),
        (LISTEN, "evil.example", 421),
        (LISTEN, "127.0.0.1.evil.example:19469", 421),
        (LISTEN, "192.0.2.7:19469", 421),
        (LISTEN, "", 400),
        (LISTEN, None, 400),
        (LISTEN, "[::1", 400),
        (LISTEN, "a:b:c", 400),
        ("192.0.2.7:80", "192.0.2.7", 200),
        ("192.0.2.7:80", "192.0.2.8", 421),
        ("status.example:80", "Status.Example:80", 200),
        ("0.0.0.0:80", "192.0.2.7", 200),
        ("[::]:80", "[2001:db8::7]:80", 200),
        ("0.0.0.0:80", "evil.example", 421),
    ],
)
def test_only_its_own_names_are_answered(source, listen, host, expected):
    """A web page that points its own name at this address (DNS rebinding) reads nothing."""
    assert Client(make_app(source, listen))("/healthz", host=host)[0] == expected


def test_on_all_interfaces_the_own_host_name_is_good(source, monkeypatch):
    """Prometheus may scrape by name when the administrator opened the port to the network."""
    monkeypatch.setattr("socket.gethostname", lambda: "Files-01")
    assert Client(make_app(source, "0.0.0.0:80"))("/healthz", host="files-01:80")[0] == 200
    assert Client(make_app(source, LISTEN))("/healthz", host="files-01:80")[0] == 421


@pytest.mark.parametrize(("silent", "expected"), [(0, 200), (179.9, 200), (180, 503)])
def test_three_missed_cycles_are_not_healthy(source, ask, silent, expected):
    """`/healthz` says how long nothing has happened."""
    source.silent = silent
    status, _, body = ask("/healthz")
    assert status == expected
    assert body == ("alive\n" if expected == 200 else "no cycle has finished for 180 s; one is due every 60 s\n")


def test_ready_means_a_cycle_is_done_and_the_store_open(source, ask):
    """`/readyz` names what is missing."""
    assert ask("/readyz")[0] == 200
    source.trouble = "the state folder is read-only"
    assert ask("/readyz")[::2] == (503, "the state folder is read-only\n")
    source.snapshot = None
    assert ask("/readyz")[::2] == (503, "the first cycle is not finished yet\n")


def test_before_the_first_cycle_the_page_says_so(source, ask):
    """No page is made of nothing."""
    source.snapshot = None
    assert ask("/")[0] == 503


def test_a_case_is_found_by_the_beginning_of_its_key(ask):
    """An unambiguous prefix is enough; nothing shorter than four digits, nothing that is no key."""
    assert ask("/cases/a1a1")[::2] == (200, "CasePage customer en")
    for path in ("/cases/ffff", "/cases/a1a", "/cases/", "/cases/A1A1", "/cases/../etc", "/cases/a1a1/x"):
        assert ask(path)[0] == 404


def test_an_ambiguous_prefix_lists_the_cases(source, ask):
    """Nobody is shown the wrong case."""
    twin = msgspec.structs.replace(source.cases[0].case, key="a1a1" + "0" * 60)
    source.cases.append(CaseDetails(case=twin))
    status, _, body = ask("/cases/a1a1")
    assert status == 300
    assert f"/cases/{twin.key}" in body


def test_a_page_that_cannot_be_rendered_falls_back_to_plain_text(source, snapshot):
    """The state is still told, with 500, when the page itself fails."""

    def fail(_):
        raise RenderFailed("no memory")

    status, headers, body = Client(make_app(source, LISTEN, PageRenderer(fail)))("/")
    assert (status, headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert snapshot.degraded["state_read_only"] in body
    assert "no memory" not in body


def test_a_failing_source_shows_nothing_of_itself(source, ask, monkeypatch):
    """An error's text stays in the log."""

    def fail(prefix):
        raise OSError(f"database disk image is malformed: {prefix}")

    monkeypatch.setattr(source, "find_cases", fail)
    status, _, body = ask("/cases/a1a1")
    assert status == 500
    assert "malformed" not in body
