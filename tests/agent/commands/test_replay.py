"""`foretell replay` as a person runs it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

START = 1_772_668_800  # 2026-03-05 00:00 UTC
CAREFUL = '[rules.disk_space]\nkind = "level"\n[rules.disk_space.limits]\ndirection = "below"\nwarning = 0.5\n'


@pytest.fixture
def history(tmp_path):
    """Return a file of two weeks in which a disk fills, and one that stays empty."""
    rows = ["timestamp,name,labels,value"]
    for hour in range(14 * 24):
        left = {"web01": max(60e9 - 6e9 * hour / 24, 0), "web02": 90e9}
        for host, room in left.items():
            labels = f"host={host};mountpoint=/srv;fstype=ext4"
            rows += [
                f"{START + hour * 3600},filesystem_avail_bytes,{labels},{room}",
                f"{START + hour * 3600},filesystem_size_bytes,{labels},100e9",
            ]
    path = tmp_path / "history.csv.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    return path


def test_the_tickets_are_told_as_programs_rely_on(foretell, history):
    """The contract's keys, times in UTC, the host among the subject's labels."""
    answer = foretell("replay", history, "--json").json
    (ticket,) = answer["tickets"]
    assert (ticket["rule"], ticket["subject"]) == ("disk_space", {"mountpoint": "/srv", "host": "web01"})
    assert ticket["opened_at"] < ticket["crossed_at"] == "2026-03-15T00:00:00Z"
    assert ticket["closed_at"] is None
    assert set(ticket) >= {"key", "priority", "forecast", "reason"}
    assert "left" in ticket["reason"]
    assert (answer["series"], answer["readings"], answer["unknown"], answer["missed"]) == (4, 1344, 0, [])


def test_people_read_what_why_and_at_what_cost(foretell, history):
    """Each ticket with its reason, then the figures."""
    ended = foretell("replay", history, "--minutes", "30")
    assert ended.status == 0
    assert "web01  disk_space: /srv" in ended.out
    assert "of 100.0 GB left" in ended.out
    assert "limits reached with an open ticket" in ended.out
    assert "at 30 min a ticket" in ended.out


def test_people_read_which_host_asks_for_work_in_which_month(foretell, history):
    """The hosts without a ticket are not in the way."""
    said = foretell("replay", history).out.partition("tickets by host and month")[2].splitlines()
    assert [line.split() for line in said[:2]] == [["2026-03", "all"], ["web01", "1", "1"]]
    assert "web02" not in said[2]


def test_what_is_no_number_has_a_reason_too(foretell, tmp_path):
    """The rule's own line says what is so."""
    rows = "".join(f"{START + minute * 60},service_failed,unit=db.service,{minute > 5:d}\n" for minute in range(30))
    path = tmp_path / "failed.csv"
    path.write_text(f"timestamp,name,labels,value\n{rows}")
    (ticket,) = foretell("replay", path, "--json").json["tickets"]
    assert ticket["reason"] == "A service has failed"


def test_two_configurations_side_by_side(foretell, history, tmp_path):
    """The figures of both, and what only one of them would have opened."""
    other = tmp_path / "careful.toml"
    other.write_text(CAREFUL)
    text = foretell("replay", history, "--compare", other).out
    assert "careful.toml" in text
    assert "Only careful.toml (0)" in text
    both = foretell("replay", history, "--compare", other, "--json").json
    assert both["compared"]["tickets"][0]["opened_at"] != both["tickets"][0]["opened_at"]


def test_a_ticket_is_drawn(foretell, history, tmp_path):
    """As SVG that says in words what it shows; the beginning of its key is enough."""
    key = foretell("replay", history, "--json").json["tickets"][0]["key"]
    ended = foretell("replay", history, "--explain", key[:8])
    assert (ended.status, ended.out) == (0, f"Drawn: {key[:12]}.svg\n")
    drawing = (tmp_path / f"{key[:12]}.svg").read_text()
    assert "most likely 2026-03-1" in drawing.partition("</desc>")[0]


HEADER = b"timestamp,name,labels,value\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"time,name,labels,value\n", "line 1: the header is not timestamp,name,labels,value"),
        (HEADER + b"2,a,host=x,1\n1,a,host=x,1\n", "line 3: it is older than the row before of the same host"),
        (HEADER + b"2,a,host=x\n", "line 2: a row is timestamp,name,labels,value"),
        (b"\x1f\x8bno gzip", "line 1"),
    ],
)
def test_a_file_that_is_no_history_is_named_with_its_line(foretell, tmp_path, content, said):
    """And how to mend it."""
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    ended = foretell("replay", path)
    assert ended.status == 2
    assert ended.err.startswith(f"foretell: {path}: ")
    assert said in ended.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("{history}", "--explain", "zz"), 2, "no ticket of this replay has a key that begins with zz"),
        (("{history}", "--compare", "/nowhere.toml"), 78, "/nowhere.toml"),
        (("/nothing.csv",), 2, "/nothing.csv: No such file or directory"),
        (("--prometheus", "http://127.0.0.1:9"), 2, "http://127.0.0.1:9 cannot be asked"),
        (("--prometheus", "http://127.0.0.1:9", "--step", "often"), 2, "'often' is not a duration"),
        (("--prometheus", "http://127.0.0.1:9", "--start", "2026-02-01", "--end", "2026-01-01"), 2, "--start"),
        ((), 2, "Name either a FILE or --prometheus URL"),
        (("--prometheus", "http://prometheus.example", "--token-file", "{history}.token"), 2, "in the clear"),
    ],
)
def test_a_slip_is_answered_with_what_is_wrong(foretell, history, words, status, said):
    """In words, with the exit status that its kind has everywhere. Nothing listens on the discard port of this machine."""
    Path(f"{history}.token").write_text("planted-token")
    ended = foretell("replay", *(word.format(history=history) for word in words))
    assert "planted-token" not in ended.err
    assert ended.status == status
    assert said in ended.err
