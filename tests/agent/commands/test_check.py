"""`foretell check`: the contract of its JSON, its exit statuses, and that it changes nothing."""

import msgspec
import pytest

from agent.commands import check
from agent.rehearsal import Rehearsal
from collectors import CouldNotCheck, Reading
from only import only
from thresholds import Finding

QUIET = """
[rules]
memory_exhausted.enabled = false
""" + only("memory")


@pytest.fixture
def seen(monkeypatch, snapshot):
    """Return a function that lets the cycle have seen something: by default nothing but a reading."""

    def seen(**changes):
        told = {"findings": [], "unjudged": [], "held": [], "cases": [], "collectors": []} | changes
        without = told.pop("without_records", "")
        rehearsal = Rehearsal(
            snapshot=msgspec.structs.replace(snapshot, **told),
            without_records=without,
            would_open=[],
            titles={},
            desks={},
        )
        monkeypatch.setattr(check, "rehearse", lambda *_: rehearsal)

    return seen


def test_json_has_the_promised_keys(foretell, config):
    """Other programs read it: readings, findings, tickets, unknown, each with its own stable keys."""
    ended = foretell("check", "--json", "--config", config)
    assert ended.status == 1
    told = ended.json
    assert list(told) == ["readings", "findings", "tickets", "unknown"]
    assert {frozenset(reading) for reading in told["readings"]} == {
        frozenset({"name", "value", "unit", "labels", "at"})
    }
    [finding] = told["findings"]
    assert {"rule", "subject", "severity", "at", "evidence", "forecast"} <= finding.keys()
    [ticket] = told["tickets"]
    assert ticket.keys() == {"key", "rule", "subject", "priority", "title", "hold", "until"}
    assert ticket["rule"] == "low_memory"
    assert len(ticket["key"]) == 64
    assert ticket["title"]
    assert ticket["hold"] is None
    assert told["unknown"] == []


def test_what_waits_says_for_what_and_until_when(foretell, config):
    """A ticket that is held back is not one that opens now."""
    config.write_text(config.read_text().replace('kind = "level"', 'kind = "level"\nfor = "10m"'))
    told = foretell("check", "--json", "--config", config).json
    [ticket] = told["tickets"]
    assert ticket["hold"] == "for"
    assert ticket["until"] == pytest.approx(told["findings"][0]["at"] + 600, abs=5)


def test_a_number_that_json_does_not_have_is_null(foretell, seen, snapshot):
    """NaN and infinity would break every reader."""
    at = snapshot.cycle_at
    finding = Finding("r", {}, snapshot.findings[0].severity, at, {"value": float("inf")})
    seen(readings=[Reading("x", float("nan"), "count", {}, at)], findings=[finding])
    told = foretell("check", "--json").json
    assert told["readings"][0]["value"] is None
    assert told["findings"][0]["evidence"]["value"] is None


def test_a_healthy_host_is_0(foretell, tmp_path):
    """In words and in JSON."""
    quiet = tmp_path / "quiet.toml"
    quiet.write_text(QUIET)
    ended = foretell("check", "--config", quiet)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith("Nothing to open.\n")


def test_findings_are_1(foretell, config):
    """With the ticket's title."""
    ended = foretell("check", "--config", config)
    assert ended.status == 1
    assert "ticket at local now:\n" in ended.out
    assert ": Little memory is left" in ended.out


def test_nothing_found_but_something_unseen_is_3(foretell, seen, snapshot):
    """Unknown is never healthy: a collector's gap, a rule's, and the agent's own records."""
    gap = CouldNotCheck("filesystem_avail_bytes", {"mountpoint": "/mnt/nas"}, "no answer within 5 s")
    run = msgspec.structs.replace(snapshot.collectors[0], unchecked=[gap])
    seen(collectors=[run], unjudged=snapshot.unjudged, without_records="agent.sqlite: it may not be read")
    ended = foretell("check", "--json")
    assert ended.status == 3
    collector, rule, records = ended.json["unknown"]
    assert collector == {"collector": "disk", "name": gap.name, "labels": gap.labels, "reason": gap.reason}
    assert rule == {"rule": "disk_trend", "labels": {"mountpoint": "/"}, "reason": snapshot.unjudged[0].reason}
    assert records == {"name": "records", "labels": {}, "reason": "agent.sqlite: it may not be read"}


@pytest.mark.parametrize("unseen", ["unjudged", "without_records"])
def test_each_kind_of_gap_alone_is_3(foretell, seen, snapshot, unseen):
    """None of them is forgotten by the exit status."""
    seen(**{unseen: {"unjudged": snapshot.unjudged, "without_records": "damaged"}[unseen]})
    assert foretell("check").status == 3


def test_a_finding_counts_more_than_a_gap(foretell, seen, snapshot):
    """What is known to be wrong comes first."""
    seen(findings=snapshot.findings, without_records="damaged")
    assert foretell("check").status == 1


def test_it_leaves_no_trace(foretell, config, tmp_path):
    """Neither in the state folder nor beside it."""
    foretell("check", "--config", config)
    assert list(tmp_path.iterdir()) == [config]


def test_it_looks_at_an_unreadable_state_folder_from_outside(process, state, tmp_path):
    """Whoever may not read the records still gets an answer, which says from how little."""
    quiet = tmp_path / "quiet.toml"
    quiet.write_text(QUIET)
    state.mkdir()
    (state / "agent.sqlite").touch()
    state.chmod(0)
    ended = process("check", "--config", quiet, unprivileged=True)
    assert ended.status == 3
    assert "Judged as if no agent had run here before" in ended.out
    assert "Permission denied" in ended.out
    assert ended.err == ""
