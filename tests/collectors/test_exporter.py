"""Exporters: what is wanted of a page, in both formats; and pages that are broken, endless, old, or not there."""

import pytest

from collectors import CouldNotCheck, NotSupported, Reading, exporter
from collectors._exposition import unit_of
from collectors.contract import FakeHost
from collectors.exporter import ExporterTarget
from loopback import Page, web_server

PLAIN = """# HELP queue_length Jobs that wait.
# TYPE queue_length gauge
queue_length{queue="mail"} 3
queue_length{queue="print"} NaN
# TYPE http_requests_total counter
http_requests_total{code="200",exporter="inner"} 1027 1395066363000
http_requests_total{code="500"} +Inf
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1"} 2
wait_seconds_bucket{le="+Inf"} 3
wait_seconds_sum 4.5
wait_seconds_count 3
"""
OPENMETRICS = '# TYPE queue_length gauge\nqueue_length{queue="mail"} 3\n# TYPE jobs counter\njobs_total 7.0\n# EOF\n'
PAGES = {
    "/metrics": Page(PLAIN),
    "/open": Page(OPENMETRICS, headers={"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}),
    "/cut": Page("# TYPE a gauge\na 1\n", headers={"Content-Type": "application/openmetrics-text; version=1.0.0"}),
    "/twice": Page("a 1\na 2\n"),
    "/many": Page("".join(f'a{{n="{n}"}} 1\n' for n in range(50))),
    "/broken": Page('good 1\na{x="1\nmore{ 2\n'),
    "/long": Page("# " + "x" * 5000 + "\na 1\n"),
    "/gone": Page("", 503),
    "/bytes": Page("a 1\n# \udcff\n"),
}


@pytest.fixture(scope="module")
def served():
    """A server: its address, and what it was asked."""
    with web_server(PAGES) as (url, seen):
        yield url, seen


def collect(root, secrets=None, **targets):
    """Return what one run yields, as a list."""
    made = exporter.PLUGIN.build(
        exporter.ExporterOptions(targets=targets, timeout=5.0), FakeHost(root, secrets=secrets)
    )
    return list(made.collect(1.0))


def values(items):
    """Return readings by name and labels without the exporter's; what could not be checked by its reason."""
    return {
        (item.name, *(text for label, text in sorted(item.labels.items()) if label != "exporter")): (
            item.value if isinstance(item, Reading) else item.reason
        )
        for item in items
    }


def test_what_is_wanted_comes_under_its_own_name(tmp_path, served):
    """With all its labels and the exporter's; the rest is not even parsed."""
    items = collect(tmp_path, shop=ExporterTarget(url=f"{served[0]}/metrics", metrics=["queue_*", "wait_seconds_sum"]))
    taken = {(one.name, one.labels.get("queue")): one for one in items}
    assert taken["queue_length", "mail"].value == 3
    assert taken["queue_length", "mail"].labels == {"queue": "mail", "exporter": "shop"}
    assert taken["queue_length", "print"].value != taken["queue_length", "print"].value
    assert (taken["wait_seconds_sum", None].value, taken["wait_seconds_sum", None].unit) == (4.5, "seconds")
    assert taken["exporter_series", None].value == 3
    assert len(items) == 4


def test_what_is_old_or_infinite_could_not_be_checked(tmp_path, served):
    """A sample may bring a time of its own; an inner label of our name is kept as Prometheus keeps it."""
    url = f"{served[0]}/metrics"
    made = exporter.PLUGIN.build(
        exporter.ExporterOptions(targets={"s": ExporterTarget(url=url, metrics=["http_*"])}), FakeHost(tmp_path)
    )
    old, infinite = [item for item in made.collect(1_395_066_363.0 + 600) if item.name == "http_requests_total"]
    assert old.labels == {"code": "200", "exporter": "s", "exported_exporter": "inner"}
    assert old.reason == "it is 600 s old by its own time"
    assert infinite.reason == "it is infinite"


def test_openmetrics_is_read_too(tmp_path, served):
    """By its own parser, which wants the whole page."""
    found = values(collect(tmp_path, s=ExporterTarget(url=f"{served[0]}/open", metrics=["*"])))
    assert (found["queue_length", "mail"], found["jobs_total",]) == (3, 7)


def test_a_name_that_is_not_there_is_said(tmp_path, served):
    """A pattern may match nothing; an exact name was meant."""
    found = values(collect(tmp_path, s=ExporterTarget(url=f"{served[0]}/twice", metrics=["a", "b", "c*"])))
    assert found["b",] == "there is no such metric; check its name"
    assert ("c*",) not in found


def test_a_series_that_is_told_twice_counts_once(tmp_path, served):
    """And is said to be ambiguous."""
    items = [
        item
        for item in collect(tmp_path, s=ExporterTarget(url=f"{served[0]}/twice", metrics=["a"]))
        if item.name == "a"
    ]
    assert items[0].value == 1
    assert isinstance(items[1], CouldNotCheck)


def test_there_is_a_limit_to_series(tmp_path, served):
    """What is beyond it is said to be left out."""
    items = collect(tmp_path, s=ExporterTarget(url=f"{served[0]}/many", metrics=["a"], series=10))
    assert sum(item.name == "a" for item in items) == 10
    [said] = [item for item in items if isinstance(item, CouldNotCheck)]
    assert "more than 10" in said.reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/broken", ""),
        ("/cut", ""),
        ("/gone", "status 503"),
        ("/long", "longer than `largest`"),
        ("/bytes", "utf-8"),
        ("/none", "status 404"),
    ],
)
def test_a_page_that_cannot_be_read_leaves_its_metrics_unknown(tmp_path, served, path, reason):
    """All of it or nothing, and how many series came is 0."""
    target = ExporterTarget(url=served[0] + path, metrics=["a", "more*", "good"], largest=4000)
    found = values(collect(tmp_path, s=target))
    assert found.keys() == {("exporter_series",), ("a",), ("good",)}
    assert found["exporter_series",] == 0
    assert reason in found["a",]


def test_what_an_exporter_had_is_missed_when_it_is_gone(tmp_path):
    """Also what only a pattern took, so that each rule knows why it has nothing to judge."""
    with web_server(PAGES) as (url, _):
        options = exporter.ExporterOptions(targets={"s": ExporterTarget(url=f"{url}/metrics", metrics=["queue_*"])})
        made = exporter.PLUGIN.build(options, FakeHost(tmp_path))
        assert any(item.name == "queue_length" for item in made.collect(1.0))
    missing = [item for item in made.collect(2.0) if isinstance(item, CouldNotCheck)]
    assert [(item.name, item.labels) for item in missing] == [("queue_length", {"exporter": "s"})]


def test_a_token_is_sent_and_the_plain_format_preferred(tmp_path, served):
    """Of which lines can be left out."""
    url, seen = served
    seen.clear()
    collect(tmp_path, {"t": "s3cret"}, s=ExporterTarget(url=f"{url}/metrics", metrics=["a"], token_secret="t"))
    [(_, headers)] = seen
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Accept"].startswith("text/plain;version=0.0.4")


def test_another_host_is_asked_only_if_that_was_meant():
    """And with a secret over TLS only."""
    with pytest.raises(ValueError, match="remote = true"):
        ExporterTarget(url="http://db.example:9187/metrics", metrics=["*"])
    assert ExporterTarget(url="http://db.example:9187/metrics", metrics=["*"], remote=True)
    with pytest.raises(ValueError, match="over https only"):
        ExporterTarget(url="http://db.example:9187/metrics", metrics=["*"], remote=True, token_secret="t")


def test_without_an_exporter_there_is_nothing_to_do(tmp_path):
    """And nothing reaches out."""
    with pytest.raises(NotSupported):
        collect(tmp_path)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("node_boot_time_seconds", "timestamp"),
        ("backup_last_success_timestamp_seconds", "timestamp"),
        ("node_filesystem_avail_bytes", "bytes"),
        ("cache_hit_ratio", "ratio"),
        ("node_uname_info", "info"),
        ("http_requests_total", "count"),
        ("node_load1", "count"),
    ],
)
def test_a_metrics_name_tells_its_unit(name, unit):
    """By the naming practice of Prometheus."""
    assert unit_of(name) == unit
