"""The metrics page: well-formed whatever a host calls its things, rendered once, the same as ever."""

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.configuration.plugins import COLLECTORS
from agent.following.model import Care, KeptPromises, Promise
from agent.metrics import Metrics
from agent.status import Desk, Snapshot
from collectors import Reading

GOLDEN = Path(__file__).parent.parent / "golden"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
MEANINGS = {
    "filesystem_avail_bytes": "Space that users can still fill.",
    "filesystem_size_bytes": "Size of the file system.",
}


def page(snapshot, accept=""):
    metrics = Metrics(MEANINGS)
    metrics.update(snapshot)
    return metrics.text(accept)[1].decode()


def values(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(("accept", "name"), [("", "metrics.prom"), (OPENMETRICS, "metrics.openmetrics")])
def test_the_page_is_the_golden_one(snapshot, accept, name, golden):
    """Metric names are a contract with dashboards and alerts: a change of the page is seen here first."""
    golden(GOLDEN / name, page(snapshot, accept))


def lint(text):
    """Return what Prometheus' own linter has to say about a page."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus): the page was NOT linted")
    linted = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    return linted.returncode, linted.stdout + linted.stderr


def test_promtool_accepts_the_page(snapshot):
    """Names, types, units and help are as Prometheus wants them."""
    assert lint(page(snapshot)) == (0, "")


def test_promtool_accepts_whatever_the_shipped_collectors_may_read(snapshot):
    """Every reading that any of them declares, with its own text as help."""
    declared = [reading for name in COLLECTORS.built_in() for reading in COLLECTORS.load(name).readings]
    assert declared
    readings = [Reading(one.name, 1.0, one.unit, dict.fromkeys(one.labels, "x"), 0.0) for one in declared]
    metrics = Metrics({one.name: one.meaning for one in declared})
    metrics.update(msgspec.structs.replace(snapshot, readings=readings))
    assert lint(metrics.text()[1].decode()) == (0, "")


def test_labels_of_one_family_are_united(snapshot):
    """A reading that lacks a label its siblings have gets it empty, as Prometheus means it."""
    assert values(page(snapshot))[
        ("foretell_filesystem_avail_bytes", ("device", "sda1"), ("fstype", ""), ("mountpoint", "/"))
    ] == pytest.approx(4e10)


def test_a_desk_never_contacted_is_neither_reachable_nor_not(snapshot):
    """Unknown is its own state: the series is absent, not 0 and not 1."""
    fresh = msgspec.structs.replace(snapshot, desks=[Desk(name="helpdesk")])
    assert "foretell_desk_reachable{" not in page(fresh)
    assert 'foretell_desk_reachable{desk="helpdesk"} 1.0' in page(snapshot)


def test_a_collector_without_its_subject_here_is_no_failure(snapshot):
    """What is not supported on this host has no success to speak of."""
    text = page(snapshot)
    assert 'foretell_collector_success{collector="services"} 0.0' in text
    assert 'collector="pressure"' not in text


def test_the_same_page_is_served_until_the_next_cycle(snapshot):
    """A scrape costs no rendering: the very same bytes are handed out."""
    metrics = Metrics(MEANINGS)
    metrics.text()
    metrics.update(snapshot)
    first = metrics.text()[1]
    assert metrics.text()[1] is first
    metrics.update(msgspec.structs.replace(snapshot, cycle=62))
    assert b"foretell_cycles_total 62.0" in metrics.text()[1]


def test_before_the_first_cycle_the_page_is_empty():
    """Nothing is claimed before anything was read."""
    assert Metrics({}).text() == ("text/plain; version=0.0.4; charset=utf-8", b"")


def test_a_reading_cannot_take_a_name_of_the_agent(snapshot):
    """A third party's collector that reads `cases` or `cycles` cannot make the page unreadable."""
    readings = [
        Reading("cases", 1, "count", {}, 0.0),
        Reading("cycles", 2, "count", {}, 0.0),
        Reading("jobs", 3, "count", {}, 0.0),
        Reading("jobs_total", 4, "count", {}, 0.0),
    ]
    text = page(msgspec.structs.replace(snapshot, readings=readings), OPENMETRICS)
    names = [family.name for family in parse_openmetrics(text)]
    assert len(names) == len(set(names))
    assert "foretell_reading_cases 1.0" in text
    assert "foretell_reading_cycles 2.0" in text
    assert "foretell_jobs 3.0" in text
    assert "foretell_reading_jobs_total 4.0" in text


anything = st.text(max_size=12)
readings = st.builds(
    Reading,
    anything | anything.map("{}_total".format),
    st.floats(min_value=0, allow_infinity=False),
    anything,
    st.dictionaries(anything, anything, max_size=3),
    st.just(0.0),
)


def made(readings):
    return Snapshot(
        version="0",
        host_id="",
        host_name="",
        started_at=0,
        cycle=1,
        cycle_at=0,
        cycle_duration=0,
        next_cycle_at=60,
        desks=[Desk(name="local")],
        readings=readings,
    )


@given(st.lists(readings, max_size=6))
def test_no_name_or_label_of_the_host_breaks_the_page(hostile):
    """Both formats parse, and no two series are the same, whatever the readings are called."""
    snapshot = made(hostile)
    text = page(snapshot)
    series = [line.rsplit(" ", 1)[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    assert sum(len(family.samples) for family in parse_text(text)) == len(series)
    families = list(parse_openmetrics(page(snapshot, OPENMETRICS)))
    assert sum(len(family.samples) for family in families) == len(series)


@given(st.lists(readings, min_size=1, max_size=6), st.data())
def test_whatever_was_shown_before_the_page_is_what_is_read_now(known, data):
    """Some readings are the very same objects as in the cycle before, some have another value, some come, go or move."""
    metrics = Metrics(MEANINGS)
    metrics.text()
    for _ in range(4):
        same = st.just(known) | st.lists(st.sampled_from(known), max_size=6)
        now = [
            msgspec.structs.replace(one, value=one.value + 1) if data.draw(st.booleans()) else one
            for one in data.draw(same)
        ]
        metrics.update(made(now))
        # Series that only changed places may stay where they were.
        assert sorted(metrics.text()[1].decode().splitlines()) == sorted(page(made(now)).splitlines())


def test_a_reading_without_a_number_says_so(snapshot):
    """Where the source itself says "no number", the series is there and is NaN."""
    unknown = msgspec.structs.replace(snapshot, readings=[Reading("fan_speed_ratio", float("nan"), "ratio", {}, 0.0)])
    assert "foretell_fan_speed_ratio NaN" in page(unknown)


def test_promises_are_counted_and_what_is_due_is_shown(snapshot):
    """Kept and missed by priority; the next due time of what is open, and how much of that may be missed."""
    promise = Promise(
        priority="P1", since=100.0, answer_due=200.0, answer_warning=180.0, fix_due=400.0, fix_warning=350.0
    )
    watched = Care(promise=promise, answered_at=150.0, warned=("first_response", "fix"), settled=("first_response",))
    case = msgspec.structs.replace(snapshot.cases[0], care=watched)
    counted = [KeptPromises(promised="first_response", priority="P1", kept="missed", count=3)]
    text = page(msgspec.structs.replace(snapshot, cases=[case], promises=counted))
    found = values(text)
    assert (
        found[("foretell_sla_promises_total", ("kept", "missed"), ("priority", "P1"), ("promised", "first_response"))]
        == 3
    )
    assert found[("foretell_sla_due_timestamp_seconds", ("promised", "fix"))] == 400.0
    assert ("foretell_sla_due_timestamp_seconds", ("promised", "first_response")) not in found
    assert found[("foretell_sla_at_risk", ("promised", "fix"))] == 1
    assert found[("foretell_sla_at_risk", ("promised", "first_response"))] == 0
    assert lint(text) == (0, "")
